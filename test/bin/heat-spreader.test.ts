import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { bin } from "../support/cli.ts";

/** Looks up names in every thread there is: prints how many threads the process has then. */
const atTheEnd = `
  import { lookup } from "node:dns";
  import { readdirSync } from "node:fs";
  process.on("beforeExit", (code) => {
    for (let i = 0; i < 100; i += 1) lookup("localhost", () => {});
    console.log(readdirSync("/proc/self/task").length);
    process.exit(code);
  });
`;

test("names that hang leave threads for the lookups of others", {
  skip: process.platform === "linux" ? false : "its threads are counted in /proc",
}, async () => {
  const last = `data:text/javascript,${encodeURIComponent(atTheEnd)}`;
  const { UV_THREADPOOL_SIZE: _, ...env } = process.env;
  const child = spawn(process.execPath, ["--import", last, bin, "version"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [, threads] = (await text(child.stdout)).trim().split("\n");
  assert.ok(Number(threads) > 64, threads);
});
