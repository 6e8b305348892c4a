import type { Log } from "../log.ts";

const MINUTE_MS = 60_000;
/** Timers may fire a little before their time. */
const EARLY_MS = 1000;

export type Schedule = {
  /** One tick: resolves when it is over, whatever came of it. */
  firstTick: () => Promise<void>;
  /** Invokes at every minute boundary, and at once for what is left of this minute. */
  start: () => void;
  /** No more invocations; resolves when those that run have ended. */
  stop: () => Promise<void>;
};

/**
 * The minute's schedule, as EventBridge Scheduler's: one invocation a minute with the time it was
 * meant for, whether or not the last has ended, and no retries.
 */
export function schedule(options: {
  invoke: (event: { time: string }) => Promise<unknown>;
  log: Log;
}): Schedule {
  const { invoke, log } = options;
  const running = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;

  async function run(minute: number): Promise<void> {
    try {
      await invoke({ time: new Date(minute).toISOString() });
    } catch (error) {
      log.error("scheduled run failed", { error });
    }
  }

  function begin(): void {
    // The clock decides each time anew, so that one that was set, or a machine that slept, is followed.
    const minute = minuteOf(Date.now() + EARLY_MS);
    const one = run(minute).finally(() => running.delete(one));
    running.add(one);
    timer = setTimeout(begin, minute + MINUTE_MS - Date.now());
  }

  return {
    // A minute that is all but over has time for one tick; its handler may take a moment to begin.
    firstTick: () => run(Date.now() - MINUTE_MS + 1000),
    start: begin,
    stop: async () => {
      clearTimeout(timer);
      await Promise.all(running);
    },
  };
}

function minuteOf(time: number): number {
  return Math.floor(time / MINUTE_MS) * MINUTE_MS;
}
