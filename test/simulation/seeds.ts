import { availableParallelism } from "node:os";
import { type MessagePort, parentPort, Worker, workerData } from "node:worker_threads";
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
  let next = first;
  const isEnough = () =>
    (next - first >= least && Date.now() >= end) || tried.failures.length >= patience;
  await Promise.all(
    Array.from({ length: threads }, () => {
      const worker = new Worker(new URL(import.meta.url), { workerData: "seeds" });
      const goOn = () => {
        if (isEnough()) return worker.postMessage(undefined);
        worker.postMessage(next);
        next += 1;
      };
      return new Promise<void>((resolve, reject) => {
        worker.on("error", reject);
        worker.on("exit", () => resolve());
        worker.on("message", ({ seeds, pushes, virtualMs, failures }: Tried) => {
          tried.seeds += seeds;
          tried.pushes += pushes;
          tried.virtualMs += virtualMs;
          tried.failures.push(...failures);
          report(tried);
          goOn();
        });
        goOn();
      });
    }),
  );
  tried.failures.sort((a, b) => a.seed - b.seed);
  return tried;
}

/** Plays whatever seed it is given, until it is given none. */
function serve(port: MessagePort): void {
  port.on("message", async (seed: number | undefined) => {
    if (seed === undefined) return port.close();
    const { failure, pushes, virtualMs } = await play(historyOf(seed));
    const failures = failure === undefined ? [] : [{ seed, failure }];
    port.postMessage({ seeds: 1, pushes, virtualMs, failures } satisfies Tried);
  });
}

if (workerData === "seeds" && parentPort) serve(parentPort);
