import type { Ticked } from "./tick.ts";

type LogLine = (message: string, fields: Record<string, unknown>) => void;

export type MinuteDeps = {
  now: () => Date;
  sleep: (ms: number) => Promise<void>;
  tick: () => Promise<Ticked>;
  /** A ULID: the tick's, in each of its lines. */
  newId: () => string;
  log: { [level in "debug" | "info" | "error"]: LogLine };
  /** Milliseconds that this invocation may still take. */
  remainingMs: () => number;
};

const MINUTE_MS = 60_000;
/** Time to leave for the last tick to end: a deadline, the writes, a list in full. */
const MARGIN_MS = 15_000;
/** Whoever asks a run to end should not wait for a whole interval. */
const NAP_MS = 500;

/** The minute that the schedule meant, from its event; undefined: the event does not say. */
export function minuteOf(event: unknown): Date | undefined {
  const time =
    typeof event === "object" && event !== null && "time" in event ? event.time : undefined;
  const date = new Date(typeof time === "string" ? time : Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/**
 * Ticks at every interval until the scheduled minute is over, or until little time remains: where
 * the schedule is one minute at best, the verdict still takes three intervals. A run that comes more
 * than a minute late is skipped; any other ticks at least once. Throws the last error if every tick
 * threw.
 */
export async function ticksOfMinute(
  deps: MinuteDeps,
  { scheduledAt, intervalMs }: { scheduledAt: Date; intervalMs: number },
): Promise<void> {
  const nowMs = () => deps.now().getTime();
  const end = scheduledAt.getTime() + MINUTE_MS;
  const errors: unknown[] = [];
  let ticks = 0;
  const isEnding = () => ticks > 0 && deps.remainingMs() < MARGIN_MS;
  for (let next = nowMs(); next < end; next += intervalMs) {
    while (nowMs() < next && !isEnding()) await deps.sleep(Math.min(NAP_MS, next - nowMs()));
    if (isEnding()) break;
    ticks += 1;
    const tick_id = deps.newId();
    try {
      report(deps.log, tick_id, await deps.tick());
    } catch (error) {
      errors.push(error);
      deps.log.error("tick threw", { tick_id, error });
    }
    while (next + intervalMs < nowMs()) next += intervalMs;
  }
  if (ticks > 0 && errors.length === ticks) throw errors.at(-1);
}

/** A tick that found nothing new is worth a line to nobody but a developer. */
function report(log: MinuteDeps["log"], tick_id: string, { moved, ...ticked }: Ticked): void {
  const isQuiet = moved.length === 0 && ticked.woken === 0 && !ticked.isVoid;
  const verdicts = moved.map(({ cloud, verdict }) => `${cloud} ${verdict}`);
  log[isQuiet ? "debug" : "info"]("tick", { tick_id, ...ticked, moved: verdicts });
}
