import type { Log } from "../log.ts";
import type { Runtime } from "./runtime.ts";

/**
 * Waits until a runtime that is starting or running is to end, and ends it; answers the exit code.
 * SIGTERM or SIGINT: 0, after what is under way has ended. A further SIGINT leaves the process at
 * once, with 130: what was acknowledged is in the table. The database ended by itself: 1. Throws what
 * the start throws.
 */
export async function untilEnded(starting: Promise<Runtime>, log: Log): Promise<0 | 1> {
  const signalled = Promise.withResolvers<NodeJS.Signals>();
  let interrupts = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    interrupts += signal === "SIGINT" ? 1 : 0;
    if (interrupts > 1) process.exit(130);
    signalled.resolve(signal);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  const running = await starting;
  const end = await Promise.race([signalled.promise, running.failed]);
  if (end instanceof Error) log.critical("runtime failed", { error: end });
  else log.info("runtime to stop", { signal: end });
  await running.stop();
  return end instanceof Error ? 1 : 0;
}
