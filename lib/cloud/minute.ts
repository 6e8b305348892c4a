import type { Ticked } from "./tick.ts";

export type MinuteDeps = {
  now: () => Date;
  sleep: (ms: number) => Promise<void>;
  tick: () => Promise<Ticked>;
  /** Called after every tick; one that threw is told here too, and the next one goes on. */
  report: (outcome: { ticked: Ticked } | { error: unknown }) => void;
  /** Milliseconds that this invocation may still take. */
  remainingMs: () => number;
};

const MINUTE_MS = 60_000;

/** The minute that the schedule meant, from its event; undefined: the event does not say. */
export function minuteOf(event: unknown): Date | undefined {
  const time =
    typeof event === "object" && event !== null && "time" in event ? event.time : undefined;
  const date = new Date(typeof time === "string" ? time : Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
/** Time to leave for the last tick to end: a deadline, the writes, a list in full. */
const MARGIN_MS = 15_000;

/**
 * Ticks at every interval from the start of the scheduled minute until it is over: where the
 * schedule is one minute at best, the verdict still takes three intervals. A run that comes more
 * than a minute late is skipped. Throws the last tick's error if every tick threw.
 */
export async function ticksOfMinute(
  deps: MinuteDeps,
  { scheduledAt, intervalMs }: { scheduledAt: Date; intervalMs: number },
): Promise<void> {
  const end = scheduledAt.getTime() + MINUTE_MS;
  let ticked = 0;
  let lastError: unknown;
  for (let next = deps.now().getTime(); next < end; next += intervalMs) {
    const waitMs = next - deps.now().getTime();
    if (waitMs > 0) await deps.sleep(waitMs);
    if (deps.remainingMs() < MARGIN_MS && ticked > 0) break;
    try {
      deps.report({ ticked: await deps.tick() });
      ticked += 1;
    } catch (error) {
      lastError = error;
      deps.report({ error });
    }
    while (next + intervalMs < deps.now().getTime()) next += intervalMs;
  }
  if (ticked === 0 && lastError !== undefined) throw lastError;
}
