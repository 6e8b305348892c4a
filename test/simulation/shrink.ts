import type { History, Step } from "./history.ts";
import { play } from "./play.ts";

/** A shrunk history that takes longer than so many tries is short enough. */
const TRIES = 150;

/**
 * The shortest history found that still fails the same invariant: steps and operations are dropped as
 * long as it does. What is left may interleave otherwise; the failure it ends with is its own.
 */
export async function shrunk(history: History, failure: string): Promise<[History, string]> {
  let best: [History, string] = [history, failure];
  let tries = 0;
  const isWorse = async (next: History): Promise<boolean> => {
    tries += 1;
    if (tries > TRIES) return false;
    const played = await play(next);
    if (played.failure === undefined || kindOf(played.failure) !== kindOf(failure)) return false;
    best = [next, played.failure];
    return true;
  };
  for (let size = history.steps.length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < best[0].steps.length; ) {
      const steps = best[0].steps.toSpliced(from, size);
      if (!(await isWorse({ ...best[0], steps }))) from += size;
    }
  }
  for (const [i, step] of best[0].steps.entries()) {
    const without = step.operations.map((_, k) => step.operations.toSpliced(k, 1));
    for (const operations of without) await isWorse(withStep(best[0], i, { operations }));
    await isWorse(withStep(best[0], i, { kills: [] }));
  }
  return best;
}

function withStep(history: History, index: number, change: Partial<Step>): History {
  const steps = history.steps.map((step, i) => (i === index ? { ...step, ...change } : step));
  return { ...history, steps };
}

/** The invariant that a failure names. */
export function kindOf(failure: string): string {
  const [first = ""] = failure.replace(/^\w*Error[^:]*: /, "").split("\n");
  return first.split(":")[0] ?? first;
}
