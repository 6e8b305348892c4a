import type { Time } from "../../cloud/schema.ts";

/**
 * Now, or a millisecond after the newest of these times: what a person says of something comes after
 * it, whosever clock is ahead.
 */
export function stampAfter(now: Date, times: Iterable<Time | undefined>): Time {
  const earliest = [...times].flatMap((time) => (time ? [Date.parse(time) + 1] : []));
  return new Date(Math.max(now.getTime(), ...earliest)).toISOString();
}
