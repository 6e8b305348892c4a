import type { Time } from "../../lib/cloud/schema.ts";

const START = Date.UTC(2026, 0, 1);

/** So many seconds after the tests' beginning, 2026-01-01T00:00:00.000Z. */
export function at(seconds: number): Time {
  return new Date(START + seconds * 1000).toISOString();
}

/** A clock that stands still until it is set on. */
export function stoppedClock(seconds = 0): { now: () => Date; advance: (seconds: number) => void } {
  let current = seconds;
  return {
    now: () => new Date(at(current)),
    advance: (more) => {
      current += more;
    },
  };
}
