import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { historyOf } from "./history.ts";
import { play } from "./play.ts";

export type Failure = { seed: number; failure: string };
export type Tried = { seeds: number; pushes: number; virtualMs: number; failures: Failure[] };
export type Trial = {
  first: number;
  /** At least so many seeds, and for at least so long. */
  least: number;
  seconds: number;
  /** Stops after so many failures. */
  patience?: number;
};

type Share = { first: number; step: number };

/**
 * Plays seeds from the first on, in threads: node:test follows every promise of its own thread, which
 * costs more than the simulation.
 */
export async function trySeeds(
  { first, least, seconds, patience = 5 }: Trial,
  report: (tried: Tried) => void = () => {},
): Promise<Tried> {
  const threads = Math.min(2, availableParallelism());
  const tried: Tried = { seeds: 0, pushes: 0, virtualMs: 0, failures: [] };
  const end = Date.now() + seconds * 1000;
  const isEnough = () =>
    (tried.seeds >= least && Date.now() >= end) || tried.failures.length >= patience;
  await Promise.all(
    Array.from({ length: threads }, (_, nth) => {
      const share: Share = { first: first + nth, step: threads };
      const worker = new Worker(new URL(import.meta.url), { workerData: share });
      return new Promise<void>((resolve, reject) => {
        worker.on("error", reject);
        worker.on("exit", () => resolve());
        worker.on("message", ({ seeds, pushes, virtualMs, failures }: Tried) => {
          tried.seeds += seeds;
          tried.pushes += pushes;
          tried.virtualMs += virtualMs;
          tried.failures.push(...failures);
          report(tried);
          if (isEnough()) void worker.terminate();
        });
      });
    }),
  );
  tried.failures.sort((a, b) => a.seed - b.seed);
  return tried;
}

async function playForever({ first, step }: Share): Promise<void> {
  for (let seed = first; ; seed += step) {
    const { failure, pushes, virtualMs } = await play(historyOf(seed));
    const failures = failure === undefined ? [] : [{ seed, failure }];
    parentPort?.postMessage({ seeds: 1, pushes, virtualMs, failures } satisfies Tried);
  }
}

if (!isMainThread && workerData) await playForever(workerData as Share);
