import { mulberry32 } from "../support/scheduler.ts";

/** A number from 0 up to, but not including, `most`; or one of these. */
export type Choose = { (most: number): number; of: <T>(values: readonly T[]) => T };

/** One seed, one row of choices. */
export function chooser(seed: number): Choose {
  const random = mulberry32(seed);
  const choose = (most: number) => Math.floor(random() * most);
  return Object.assign(choose, {
    of: <T>(values: readonly T[]): T => values[choose(values.length)] as T,
  });
}
