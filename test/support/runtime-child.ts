import { untilEnded } from "../../lib/local/ending.ts";
import { type RuntimeOptions, runtime } from "../../lib/local/runtime.ts";
import { log as logOf } from "../../lib/log.ts";

// The embedded runtime as a process of its own, so that it can be killed; options in argv, as JSON.
const [, , options = "{}"] = process.argv;
const given = JSON.parse(options) as Omit<RuntimeOptions, "log">;
const log = logOf({ level: "INFO" });
const starting = runtime({ ...given, log });
starting.then(({ url, token }) => process.send?.({ url, token })).catch(() => undefined);
try {
  process.exit(await untilEnded(starting, log));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
