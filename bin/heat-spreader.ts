#!/usr/bin/env node
import { isOn } from "../lib/cli/logging.ts";
import { main } from "../lib/cli/main.ts";
import { terminal } from "../lib/cli/terminal.ts";

const { stdout, stderr, env: environment } = process;
const screen = terminal({ stdin: () => process.stdin, stdout, stderr }, environment);

// Node's own warnings are for developers, and must not stand between a script and our output.
if (!isOn(environment.HEAT_SPREADER_LOG_VERBOSE)) process.removeAllListeners("warning");

/** `run` listens as well, and ends in its own time. */
const isService = () => process.listenerCount("SIGINT") > 1;

for (const stream of [stdout, stderr]) {
  stream.on("error", ({ code = "" }: NodeJS.ErrnoException) => {
    // No room for a service's log is no reason to stop it.
    if (isService() && ["ENOSPC", "EDQUOT"].includes(code)) return;
    // `heat-spreader list | head -1`: whoever reads has read enough.
    process.exit(code === "EPIPE" ? 0 : 1);
  });
}

process.on("SIGINT", () => {
  if (isService()) return;
  screen.endProgress();
  process.exit(130);
});

// Slow lookups of names get half of libuv's four threads: two names whose servers hang would keep every
// other cloud's from being found (docs.libuv.org/en/v1.x/threadpool.html). Read once the first is wanted.
environment.UV_THREADPOOL_SIZE ??= "64";

process.exitCode = await main(process.argv.slice(2), { environment, terminal: screen });
