import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "../../lib/api/client.ts";
import { CloudName } from "../../lib/cloud/schema.ts";
import type { SimulatedCloud } from "../../lib/local/demo/cloud.ts";
import type { DatabaseProcess } from "../../lib/local/note.ts";
import { isRunning } from "../../lib/local/process.ts";
import { allocate } from "../../lib/stack/allocation.ts";
import { mulberry32 } from "../support/scheduler.ts";
import { until } from "../support/until.ts";
import { type Command, type Site, site } from "./command.ts";
import { type User, user } from "./user.ts";

// `ROUNDS=50 node --test test/crash/kill.test.ts` by hand. A seed decides who is killed and when, as
// far as a clock lets it: SEED=... gives a failing run's choices again.
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const QUIET_MS = 60_000;

type Choose = (most: number) => number;
const victims = ["runtime", "database", "both"] as const;

test(`${ROUNDS} rounds of kills under load lose nothing, leave nothing running, and block no start (SEED=${SEED})`, async (t) => {
  const random = mulberry32(SEED);
  const choose: Choose = (most) => Math.floor(random() * most);
  const names = ["web", "db", "queue", "cache"];
  const here = await site(t, { stacks: names });
  const users = names.map((name) => user(name, random));
  const counted = { atWork: 0, starting: 0, runtime: 0, database: 0, both: 0 };
  let command = here.run();
  let api = await command.api;
  for (let round = 0; round < ROUNDS; round += 1) {
    const load = new AbortController();
    const faults = breaking(here.clouds, choose, load.signal);
    try {
      const writing = usersAtWork(users, api, load.signal);
      // Awaited below, after the kills.
      writing.catch(() => undefined);
      const left: DatabaseProcess[] = [];
      // One that is at work, and up to three starts under way.
      for (let kills = choose(4); kills >= 0; kills -= 1) {
        await pause(choose(1_000));
        const victim = victims[choose(victims.length)] ?? "both";
        const isReady = here.isListening(command);
        counted[isReady ? "atWork" : "starting"] += 1;
        counted[victim] += 1;
        const database = await kill(here, command, victim, left);
        assert.ok(!isReady || database !== undefined, "the lock names the database");
        if (database) left.push(database);
        command = here.run();
      }
      api = await command.api;
      await writing;
      assertOneDatabase(here, left);
      for (const each of users) await each.verify(api);
      // What was begun goes on, on what was left.
      await usersAtWork(users, api, AbortSignal.timeout(choose(400)));
    } finally {
      load.abort();
      await faults;
    }
    for (const each of users) await each.verify(api);
    await assertConverged(here, users, api, `round ${round}`);
  }
  command.signal("SIGTERM");
  assert.equal(await command.ended, 0, command.said());
  assert.deepEqual(here.databasePids(), []);
  assert.deepEqual(readdirSync(dirname(here.place.database)).toSorted(), [
    "heat.db",
    "heat.db.token",
  ]);
  assert.deepEqual(readdirSync(here.place.stateDirectory), []);
  const sum = (key: keyof User["tally"]) => users.reduce((all, one) => all + one.tally[key], 0);
  t.diagnostic(
    JSON.stringify({
      ...counted,
      acknowledged: sum("acknowledged"),
      unanswered: sum("unanswered"),
    }),
  );
});

/** All at once, each until it is told to stop, or no longer knows what was carried out. */
async function usersAtWork(users: User[], api: Client, signal: AbortSignal): Promise<void> {
  await Promise.all(
    users.map(async (each) => {
      while (!signal.aborted && (await each.write(api))) await pause(10);
    }),
  );
}

/** One cloud after the other breaks or mends, until told to stop; then all are well. */
async function breaking(
  clouds: SimulatedCloud[],
  choose: Choose,
  signal: AbortSignal,
): Promise<void> {
  const error = { status: 500, body: { error: "Internal Server Error" } };
  const ways: ((cloud: SimulatedCloud) => unknown)[] = [
    (cloud) => cloud.down(),
    (cloud) => cloud.freeze(),
    (cloud) => cloud.heat.answerWith(error),
    (cloud) => cloud.keystone.answerWith(error),
    (cloud) => cloud.up(),
    (cloud) => cloud.up(),
  ];
  const mend = async (cloud: SimulatedCloud) => {
    cloud.heat.answerWith(undefined);
    cloud.keystone.answerWith(undefined);
    await cloud.up();
  };
  while (!signal.aborted) {
    const cloud = clouds[choose(clouds.length)];
    if (!cloud) continue;
    await mend(cloud);
    await ways[choose(ways.length)]?.(cloud);
    await pause(choose(600), undefined, { signal }).catch(() => undefined);
  }
  for (const cloud of clouds) await mend(cloud);
}

/** kill -9, and the end of the runtime; answers its database process, if it had one. */
async function kill(
  here: Site,
  command: Command,
  victim: (typeof victims)[number],
  left: DatabaseProcess[],
): Promise<DatabaseProcess | undefined> {
  const named = here.database();
  // A start names the one left behind until it has ended it.
  const database = left.some(({ pid }) => pid === named?.pid) ? undefined : named;
  if (database && victim !== "runtime") process.kill(database.pid, "SIGKILL");
  if (database && victim === "database") {
    assert.equal(await command.ended, 1, command.said());
    return database;
  }
  command.signal("SIGKILL");
  const code = await command.ended;
  // It may have noticed the end of its database first.
  assert.ok(code === "SIGKILL" || code === 1, `${code}`);
  return database;
}

function assertOneDatabase(here: Site, before: DatabaseProcess[]): void {
  const named = here.database();
  assert.ok(named, "the lock names a database that runs");
  assert.ok(!before.some(isRunning), "those left behind have ended");
  if (process.platform === "linux") assert.deepEqual(here.databasePids(), [named.pid]);
}

async function assertConverged(
  { clouds }: Site,
  users: User[],
  api: Client,
  when: string,
): Promise<void> {
  const available = new Set(clouds.map(({ name }) => CloudName.parse(name)));
  const rest = { available, drained: new Set<CloudName>(), failover: "even" } as const;
  for (const { stack_name, believed } of users) {
    const { wish } = believed();
    if (!wish) continue;
    const shares = allocate({ stack_name, ...wish, ...rest });
    const counts = () => clouds.map(({ name, stack }) => [name, Number(stack(stack_name)?.count)]);
    const isThere = () =>
      counts().every(
        ([name, count]) => new Map(Object.entries(shares)).get(String(name)) === count,
      );
    await until("shares", isThere, QUIET_MS, 50).catch(async () => {
      const told = JSON.stringify({
        counts: counts(),
        shares,
        stack: await api.getStack({ stack_name }),
      });
      assert.fail(`${when}: ${stack_name} did not converge: ${told}`);
    });
    const state = async () => (await api.getStack({ stack_name })).state;
    await until(
      `${when}: ${stack_name} converged`,
      async () => (await state()) === "converged",
      QUIET_MS,
      50,
    );
  }
}
