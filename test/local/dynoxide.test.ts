import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startDynoxide } from "../../lib/local/dynoxide.ts";
import { isRunning, processOf } from "../../lib/local/process.ts";
import { until } from "../support/until.ts";

test("whoever is killed before it could write down the database's process leaves none behind", {
  skip: existsSync("/bin/sh") ? false : "there is no shell here to hold it back",
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "heat-spreader-dynoxide-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "heat.db");
  const script = `
    import { startDynoxide } from ${JSON.stringify(import.meta.resolve("../../lib/local/dynoxide.ts"))};
    await startDynoxide(${JSON.stringify(file)}, ({ pid }) => {
      process.stdout.write(String(pid));
      process.kill(process.pid, "SIGKILL");
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const [pid] = await once(child.stdout, "data");
  const held = processOf(Number(pid));
  await ended;
  await until("its end", () => !isRunning(held));
  assert.ok(!existsSync(file), "it has not begun");
});

test("a process that cannot be written down is ended", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "heat-spreader-dynoxide-"));
  t.after(() => rmSync(directory, { recursive: true }));
  let pid = 0;
  const started = startDynoxide(join(directory, "heat.db"), (where) => {
    pid = where.pid;
    throw new Error("no room for a note");
  });
  await assert.rejects(started, /no room for a note/);
  const held = processOf(pid);
  await until("its end", () => !isRunning(held));
});
