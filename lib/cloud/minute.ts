import type { CloudName, Verdict } from "./schema.ts";
import type { Ticked } from "./tick.ts";

type LogLine = (message: string, fields: Record<string, unknown>) => void;

export type MinuteDeps = {
  now: () => Date;
  sleep: (ms: number) => Promise<void>;
  tick: () => Promise<Ticked>;
  /** Judges these clouds without probing any, and says whether to go on with it before the next tick. */
  judgeBetween: (clouds: CloudName[]) => Promise<{ moved: Verdict[]; isOpen: boolean }>;
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
 * than a minute late is skipped; any other ticks at least once. Between ticks, and while the next one
 * waits for a silent cloud's deadline, it judges again as long as another vantage's vote may decide.
 * Throws the last error if every tick threw.
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
  let open: CloudName[] | undefined;
  const waitUntil = async (time: number) => {
    while (nowMs() < time && !isEnding()) {
      await deps.sleep(Math.min(NAP_MS, time - nowMs()));
      if (open && !(await judgedBetween(deps, open))) open = undefined;
    }
  };
  for (let next = nowMs(); next < end; next += intervalMs) {
    await waitUntil(next);
    if (isEnding()) break;
    ticks += 1;
    const tick_id = deps.newId();
    try {
      const ticked = await meanwhile(deps, deps.tick(), open);
      open = ticked.open;
      report(deps.log, tick_id, ticked);
    } catch (error) {
      errors.push(error);
      deps.log.error("tick threw", { tick_id, error });
    }
    while (next + intervalMs < nowMs()) next += intervalMs;
  }
  if (open) await waitUntil(end);
  if (ticks > 0 && errors.length === ticks) throw errors.at(-1);
}

/** Judges these clouds again while a tick runs, as long as a vote may decide. */
async function meanwhile(
  deps: Pick<MinuteDeps, "sleep" | "judgeBetween" | "log">,
  tick: Promise<Ticked>,
  open: CloudName[] | undefined,
): Promise<Ticked> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  const ended = tick.then(over, over);
  while (open && !isOver) {
    await Promise.race([deps.sleep(NAP_MS), ended]);
    if (!isOver && !(await judgedBetween(deps, open))) break;
  }
  return tick;
}

/** Whether to go on with it. What goes wrong there is the next tick's to meet. */
async function judgedBetween(
  { judgeBetween, log }: Pick<MinuteDeps, "judgeBetween" | "log">,
  clouds: CloudName[],
): Promise<boolean> {
  try {
    const { moved, isOpen } = await judgeBetween(clouds);
    if (moved.length > 0) log.info("judged between ticks", { moved: moved.map(said) });
    return isOpen;
  } catch (error) {
    log.error("judging between ticks threw", { error });
    return false;
  }
}

/** A tick that found nothing new is worth a line to nobody but a developer. */
function report(
  log: MinuteDeps["log"],
  tick_id: string,
  { moved, open: _, ...ticked }: Ticked,
): void {
  const isQuiet = moved.length === 0 && ticked.woken === 0 && !ticked.isVoid;
  log[isQuiet ? "debug" : "info"]("tick", { tick_id, ...ticked, moved: moved.map(said) });
}

function said({ cloud, verdict }: Verdict): string {
  return `${cloud} ${verdict}`;
}
