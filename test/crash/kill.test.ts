import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "../../lib/api/client.ts";
import { CloudName } from "../../lib/cloud/schema.ts";
import type { SimulatedCloud } from "../../lib/local/demo/cloud.ts";
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

test(`${ROUNDS} kills under load lose nothing, leave nothing running, and block no start (SEED=${SEED})`, async (t) => {
  const random = mulberry32(SEED);
  const choose: Choose = (most) => Math.floor(random() * most);
  const names = ["web", "db", "queue", "cache"];
  const here = await site(t, { stacks: names });
  const users = names.map((name) => user(name, random));
  const counted = { starts: 0, beforeReady: 0, runtime: 0, database: 0, both: 0 };
  let command = here.run();
  for (let round = 0; round < ROUNDS; round += 1) {
    const load = new AbortController();
    const faults = breaking(here.clouds, choose, load.signal);
    // Every third kill meets a start under way, the others a service at work.
    const isEarly = choose(3) === 0;
    const at = choose(isEarly ? 700 : 1_500);
    const isReady = isEarly ? undefined : await command.api;
    const writing = command.api.then(
      (api) => usersAtWork(users, api, load.signal),
      () => {},
    );
    await pause(at);
    counted.beforeReady += isEarly ? 1 : 0;
    const victim = victims[round % victims.length] ?? "both";
    counted[victim] += 1;
    const left = await kill(here, command, victim);
    assert.ok(isReady === undefined || left !== undefined, "the lock names the database");

    command = here.run();
    counted.starts += 1;
    const api = await command.api;
    await writing;
    await assertOneDatabase(here, left);
    for (const each of users) await each.verify(api);
    // What was begun goes on, on what was left.
    await usersAtWork(users, api, AbortSignal.timeout(choose(400)));
    load.abort();
    await faults;
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

/** kill -9, and the end of the runtime; answers the database process that there was. */
async function kill(here: Site, command: Command, victim: (typeof victims)[number]) {
  const database = here.database();
  const hasDatabase = database !== undefined;
  if (victim !== "runtime" && hasDatabase) process.kill(database.pid, "SIGKILL");
  // A start that has no database yet can only be killed itself.
  const isKilled = victim !== "database" || !hasDatabase;
  if (isKilled) command.signal("SIGKILL");
  const code = await command.ended;
  if (isKilled) assert.ok(code === "SIGKILL" || code === 1, `${code}`);
  else assert.equal(code, 1, command.said());
  return database;
}

async function assertOneDatabase(here: Site, before: ReturnType<Site["database"]>): Promise<void> {
  const named = here.database();
  assert.ok(named, "the lock names a database that runs");
  assert.ok(before === undefined || !isRunning(before), "the one left behind has ended");
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
