import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** A heap that holds less is not worth a pause. */
const WORTHWHILE_BYTES = 64 * 2 ** 20;

setFlagsFromString("--expose-gc");
/** V8's own, as it is called before it gives up for want of memory: it keeps nothing in reserve. */
const collect: NodeJS.GCFunction = runInNewContext("gc");

/** The same work, with the memory given back after it: for what nobody waits for. */
export function thrifty<In, Out>(work: (given: In) => Promise<Out>): (given: In) => Promise<Out> {
  return (given) => work(given).finally(giveMemoryBack);
}

/**
 * Gives the memory back that a burst has left behind: V8 grows its heap for speed, and shrinks it
 * only at a collection that an idle process has no cause for. Measured after 3,000 pushes: 430 MB
 * resident, of which 30 MB were in use. Takes some 50 ms.
 */
function giveMemoryBack(): void {
  if (process.memoryUsage().heapTotal < WORTHWHILE_BYTES) return;
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
}
