import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ApiError } from "../../lib/api/client.ts";
import { mulberry32 } from "../support/scheduler.ts";
import { until } from "../support/until.ts";
import { site } from "./command.ts";
import { user } from "./user.ts";

test("a disk that fills up: writes are refused with a remedy, reads answer, and all goes on once there is room", async (t) => {
  const disk = smallDisk(t);
  if (disk === undefined) return t.skip("a file system of 4 MB cannot be mounted here (not root)");
  const here = await site(t, { stacks: ["web"], directory: disk.directory });
  const log = join(disk.directory, "heat-spreader.log");
  const somebody = user("web", mulberry32(1));
  const { stack_name } = somebody;
  const command = here.run({ HEAT_SPREADER_LOG_FILE: log });
  const api = await command.api;
  while (somebody.tally.acknowledged < 20) assert.ok(await somebody.write(api));

  // What is left fills up by itself: some calls are taken, and then none.
  disk.fill(256 * 1024);
  await until("a refusal", async () => !(await somebody.write(api)));
  disk.fill(0);
  const declared = { count: 7, count_parameter: "count" };
  for (let n = 0; n < 5; n += 1) {
    await assert.rejects(api.putStack({ stack_name, body: declared }), isFull);
  }
  const { generation } = await api.getStack({ stack_name });
  assert.equal((await api.listStacks()).stacks.length, 1);
  assert.equal((await api.listClouds()).clouds.length, 3);
  assert.ok((await api.listStackEvents({ stack_name })).events.length > 0);
  await here.clouds[0]?.down();
  await until("a tick that cannot write", () => command.said().includes("tick threw"));

  disk.empty();
  await somebody.verify(api);
  assert.equal(somebody.believed().generation, generation);
  await here.clouds[0]?.up();
  const { generation: next } = await api.putStack({ stack_name, body: { ...declared, weights } });
  assert.equal(next, generation + 1);
  await until("3/2/2", () => counts(here.clouds).join() === "3,2,2", 30_000);
  command.signal("SIGTERM");
  assert.equal(await command.ended, 0, command.said());
});

test("killed on a full disk: the next start says why it cannot, and starts once there is room", async (t) => {
  const disk = smallDisk(t);
  if (disk === undefined) return t.skip("a file system of 4 MB cannot be mounted here (not root)");
  const here = await site(t, { stacks: ["web"], directory: disk.directory });
  const somebody = user("web", mulberry32(2));
  const first = here.run();
  const api = await first.api;
  while (somebody.tally.acknowledged < 20) assert.ok(await somebody.write(api));
  disk.fill(0);
  while (await somebody.write(api));
  first.signal("SIGKILL");
  await first.ended;
  await assert.rejects(here.run().api, /the disk is full: free some space/);
  disk.empty();
  const last = here.run();
  await somebody.verify(await last.api);
  assert.deepEqual(here.databasePids(), [here.database()?.pid]);
  last.signal("SIGTERM");
  assert.equal(await last.ended, 0, last.said());
  assert.deepEqual(here.databasePids(), []);
});

test("a first start on a full disk says so, leaves nothing running, and works once there is room", async (t) => {
  const disk = smallDisk(t);
  if (disk === undefined) return t.skip("a file system of 4 MB cannot be mounted here (not root)");
  const here = await site(t, { stacks: ["web"], directory: disk.directory });
  // Each gets further than the one before.
  for (const room of [0, 8, 32, 128]) {
    disk.empty();
    disk.fill(room * 1024);
    const command = here.run();
    const failure = await command.api.then(
      () => "",
      (error: Error) => error.message,
    );
    command.signal("SIGTERM");
    assert.equal(await command.ended, failure === "" ? 0 : 1);
    assert.match(failure, /^$|full/);
    assert.doesNotMatch(failure, /^ {4}at /m);
    assert.deepEqual(here.databasePids(), []);
  }
  disk.empty();
  const command = here.run();
  await command.api;
  command.signal("SIGTERM");
  assert.equal(await command.ended, 0, command.said());
});

test("a log that takes nothing more stops nothing", {
  skip: process.platform === "linux" ? false : "there is no /dev/full here",
}, async (t) => {
  const here = await site(t, { stacks: ["web"] });
  const full = "/dev/full";
  const somebody = user("web", mulberry32(3));
  for (const run of [() => here.run({}, full), () => here.run({ HEAT_SPREADER_LOG_FILE: full })]) {
    const command = run();
    const api = await command.api;
    for (let n = 0; n < 5; n += 1) assert.ok(await somebody.write(api));
    command.signal("SIGTERM");
    assert.equal(await command.ended, 0, command.said());
  }
});

const weights = { athens: 0.34, manchester: 0.33, stockholm: 0.33 };

function counts(clouds: { stack: (name: string) => { count: string } | undefined }[]): number[] {
  return clouds.map((cloud) => Number(cloud.stack("web")?.count));
}

function isFull(error: unknown): true {
  assert.ok(error instanceof ApiError);
  assert.equal(error.status, 503);
  assert.equal(error.code, "table.unavailable");
  assert.match(error.detail, /^The disk under the database is full/);
  return true;
}

type SmallDisk = {
  directory: string;
  /** Takes all room but so many bytes. */
  fill: (left: number) => void;
  empty: () => void;
};

/** A file system of 4 MB of its own; undefined where mounting is not allowed. */
function smallDisk(t: TestContext): SmallDisk | undefined {
  const directory = mkdtempSync(join(tmpdir(), "heat-spreader-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", directory], {
      stdio: "ignore",
    });
  } catch {
    rmSync(directory, { recursive: true });
    return undefined;
  }
  t.after(() => {
    execFileSync("umount", ["-l", directory]);
    rmSync(directory, { recursive: true });
  });
  const ballast = join(directory, "ballast");
  return {
    directory,
    fill: (left) => {
      const { bavail, bsize } = statfsSync(directory);
      const room = Math.max(0, bavail * bsize - left);
      try {
        appendFileSync(ballast, Buffer.alloc(room));
      } catch (error) {
        // Somebody else took of it meanwhile.
        assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
      }
    },
    empty: () => rmSync(ballast, { force: true }),
  };
}
