import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ulid } from "ulid";
import { judgeBetween } from "../../lib/cloud/between.ts";
import type { CloudClient } from "../../lib/cloud/client.ts";
import { judgedAgain } from "../../lib/cloud/evidence.ts";
import type { Outcome } from "../../lib/cloud/faults.ts";
import { marksOf, saidOf } from "../../lib/cloud/marks.ts";
import {
  CloudName,
  type HeatStackDetail,
  type Seen,
  VantageName,
  type Verdict,
} from "../../lib/cloud/schema.ts";
import { type TickDeps, tick } from "../../lib/cloud/tick.ts";
import { elapsed } from "../../lib/cloud/vote.ts";
import { type Event, Event as EventSchema } from "../../lib/event/schema.ts";
import { Stack, type Status } from "../../lib/stack/schema.ts";
import { cloudTable } from "../../lib/table/clouds.ts";
import { keys } from "../../lib/table/keys.ts";
import { itemFor } from "../../lib/table/parse.ts";
import { memoryTable } from "../support/memory-table.ts";
import { fault, type PlainCloud, plainCloud, putHeatStack } from "../support/plain-cloud.ts";
import { at, stoppedClock } from "../support/time.ts";

const home = VantageName.parse("home");
const refused = fault("path", "refused");
const rejected = fault("credentials", "forbidden", 403);

/** The real stores over a table in memory, plain clouds by name, and a clock that stands still. */
function scene(...names: string[]) {
  const clock = stoppedClock();
  const table = memoryTable();
  const stores = cloudTable(table);
  const clouds = new Map(names.map((name) => [CloudName.parse(name), plainCloud()]));
  const unusable = fault("config", "no_such_cloud");
  const deps: TickDeps = {
    ...stores,
    now: clock.now,
    newId: () => ulid(clock.now().getTime()),
    cloudNames: () => [...clouds.keys()],
    cloudClient: (cloud): Outcome<CloudClient> => {
      const of = clouds.get(cloud);
      return of ? { ok: true, value: of.client } : { ok: false, fault: unusable };
    },
    askWitness: async () => ({ ok: true, value: undefined }),
    settings: {
      vantage: home,
      intervalMs: 10_000,
      observeEveryMs: 60_000,
      loginPauseMs: 60_000,
      longestPauseMs: 3_600_000,
      busySilenceMs: 60_000,
      stuckGraceMs: 300_000,
      pushSilenceMs: 300_000,
      updateTimeoutMs: 3_600_000,
      suspicionWindowMs: 600_000,
    },
  };
  const cloud = (name: string) => clouds.get(CloudName.parse(name)) as PlainCloud;
  return {
    clock,
    table,
    stores,
    clouds,
    deps,
    cloud,
    tick: () => tick(deps),
    /** One tick now, and more, 10 s apart. */
    ticks: async (n: number) => {
      for (let left = n; left > 0; left -= 1) {
        await tick(deps);
        clock.advance(10);
      }
    },
    verdict: async (name: string) => stores.readVerdict(CloudName.parse(name)),
    vote: async (name: string) => (await stores.listVotes(CloudName.parse(name)))[0],
    /** What was asked of a cloud since the last time. */
    calls: (name: string) => cloud(name).calls.splice(0),
    /** The sort keys written since the last time. */
    written: () =>
      table.records.splice(0).map(({ keys: { pk, sk } }) => `${pk} ${sk.split("#")[0]}`),
    events: () =>
      table.records
        .filter(({ keys: { sk } }) => sk.startsWith("EVENT#"))
        .map(({ newImage }) => `${newImage?.type}: ${newImage?.message}`),
    declare: async (stack_name: string, more: Partial<Stack> = {}) => {
      const stack = Stack.parse({
        stack_name,
        uid: "uid-1",
        generation: 1,
        count: 10,
        count_parameter: "count",
        weights: Object.fromEntries(names.map((name) => [name, 1 / names.length])),
        policy: {},
        paused: false,
        partial: false,
        completed: true,
        created_at: at(0),
        updated_at: clock.now().toISOString(),
        ...more,
      });
      await table.write({ put: itemFor(keys.stack(stack.stack_name), stack) });
      return stack;
    },
    settle: async (stack: Stack, more: Partial<Status> = {}) => {
      const { verdicts } = await stores.readBoard();
      const known = new Map(verdicts.map((verdict) => [verdict.cloud, verdict]));
      const weighed = Object.keys(stack.weights) as CloudName[];
      const marks = marksOf(weighed, (cloud) => saidOf(known.get(cloud), undefined));
      const status: Status = {
        stack_name: stack.stack_name,
        version: 1,
        uid: stack.uid,
        inputs: { generation: stack.generation, verdicts: marks },
        open: [],
        attempts: 0,
        state: "converged",
        conditions: [],
        ...more,
      };
      await table.write({ put: itemFor(keys.status(stack.stack_name), status) });
    },
  };
}

test("the first tick registers the vantage, and makes every cloud known", async () => {
  const of = scene("athens", "lisbon", "constructor");
  of.cloud("lisbon").fault = refused;
  of.cloud("constructor").fault = rejected;
  const ticked = await of.tick();
  assert.deepEqual(
    [ticked.clouds, ticked.isVoid, ticked.moved.length, ticked.woken],
    [3, false, 3, 0],
  );
  const { vantages, verdicts } = await of.stores.readBoard();
  assert.deepEqual(vantages, [{ vantage: home, registered_at: at(0), kind: "function" }]);
  assert.deepEqual(verdicts.map(({ cloud, verdict }) => `${cloud} ${verdict}`).sort(), [
    "athens reachable",
    "constructor unknown",
    "lisbon unknown",
  ]);
});

test("Explained: every verdict has an event that says what it was, what it is and why", async () => {
  const of = scene("athens", "lisbon", "oslo");
  await of.ticks(1);
  of.table.records.length = 0;
  of.cloud("athens").fault = refused;
  await of.ticks(3);
  of.cloud("athens").fault = rejected;
  await of.ticks(1);
  of.cloud("athens").fault = undefined;
  await of.ticks(3);
  assert.deepEqual(of.events(), [
    `cloud.unreachable: athens is unreachable (was reachable since ${at(0)}): home has heard nothing since ${at(10)} (refused: GET heat.test: refused)`,
    "cloud.blocked: athens is blocked: GET heat.test: forbidden",
    "cloud.unblocked: athens is no longer blocked (was: GET heat.test: forbidden)",
    `cloud.reachable: athens is reachable (was unreachable since ${at(30)}): Heat answers (asked from home)`,
  ]);
});

test("a quiet tick asks one call of each cloud, and writes nothing", async () => {
  const of = scene("athens", "lisbon");
  await of.ticks(1);
  await of.settle(await of.declare("web"));
  await of.ticks(2);
  for (const name of ["athens", "lisbon"]) of.calls(name);
  of.written();
  await of.ticks(3);
  assert.deepEqual(of.written(), []);
  assert.deepEqual(of.calls("athens"), Array(3).fill("list 1 first login"));
});

test("a quiet minute lists each cloud once, and rewrites each vote once", async () => {
  const of = scene("athens", "lisbon");
  await of.ticks(1);
  await of.settle(await of.declare("web"));
  await of.ticks(5);
  of.calls("athens");
  of.written();
  await of.ticks(6);
  assert.deepEqual(of.calls("athens").sort(), [
    ...Array(5).fill("list 1 first login"),
    "list 500 all login",
  ]);
  assert.deepEqual(of.written(), ["CLOUD#athens VOTE", "CLOUD#lisbon VOTE"]);
});

test("a list that broke off is tried again at the next tick", async () => {
  const of = scene("athens");
  putHeatStack(of.cloud("athens"));
  of.cloud("athens").listBreaksAfter = 0;
  await of.ticks(2);
  assert.deepEqual(of.calls("athens"), ["list 500 all login", "list 500 all login"]);
});

/** What was seen at 0 s of one in athens. */
function seenAs({ stack_name, heat_stack_id, heat_status, updated_time }: HeatStackDetail): Seen {
  return {
    cloud: CloudName.parse("athens"),
    stack_name,
    read_at: at(0),
    parameter: "count",
    count: 4,
    in_place: 4,
    heat_status,
    updated_time,
    heat_stack_id,
    project_id: "project-1",
  };
}

test("a tick with much to read ends before the next is due, and that one lists again and goes on", async () => {
  const of = scene("athens");
  const athens = of.cloud("athens");
  const names = Array.from({ length: 28 }, (_, n) => `web-${n}`);
  for (const [n, stack_name] of names.entries()) {
    const heatStack = putHeatStack(athens, { heat_stack_id: `id-${n}`, stack_name });
    await of.settle(await of.declare(stack_name));
    await of.stores.saveSeen(seenAs(heatStack), undefined);
  }
  await of.tick();
  of.clock.advance(60);
  for (const heat_stack_id of athens.heatStacks.keys())
    putHeatStack(athens, { heat_stack_id, count: 6, updated_time: at(55) });
  const { showStack } = athens.client;
  athens.client.showStack = (stack) => {
    of.clock.advance(1);
    return showStack(stack);
  };
  const took: number[] = [];
  while (took.length < 4) {
    const startedAt = of.clock.now().toISOString();
    await of.tick();
    took.push(elapsed(startedAt, of.clock.now().toISOString()));
  }
  assert.deepEqual(took, [8_000, 8_000, 8_000, 4_000]);
  const seen = await of.stores.readSeen(CloudName.parse("athens"));
  assert.equal(seen.filter(({ count }) => count === 6).length, names.length);
  of.calls("athens");
  await of.ticks(1);
  assert.deepEqual(of.calls("athens"), ["list 1 first login"]);
});

test("while an update runs there, every tick lists in full", async () => {
  const of = scene("athens", "lisbon");
  const stack = await of.declare("web");
  await of.settle(stack);
  const heatStack = putHeatStack(of.cloud("athens"));
  await of.stores.saveSeen(seenAs(heatStack), undefined);
  await of.ticks(6);
  putHeatStack(of.cloud("athens"), {
    heat_status: "UPDATE_IN_PROGRESS",
    count: 6,
    updated_time: at(55),
  });
  of.calls("athens");
  await of.ticks(3);
  assert.deepEqual(of.calls("athens"), [
    "list 500 all login",
    "show web",
    "list 500 all login",
    "list 500 all login",
  ]);
  putHeatStack(of.cloud("athens"), { heat_status: "UPDATE_COMPLETE" });
  await of.ticks(3);
  assert.deepEqual(of.calls("athens"), [
    "list 500 all login",
    "show web",
    "list 1 first login",
    "list 1 first login",
  ]);
  const [reading] = await of.stores.readSeen(CloudName.parse("athens"));
  assert.deepEqual([reading?.count, reading?.in_place], [6, 6]);
});

test("while a push of ours has not ended there, every tick lists in full", async () => {
  const of = scene("athens", "lisbon");
  const stack = await of.declare("web");
  await of.settle(stack, { open: [CloudName.parse("athens")], due_at: at(9999) });
  await of.ticks(3);
  assert.deepEqual(of.calls("athens"), Array(3).fill("list 500 all login"));
  assert.deepEqual(of.calls("lisbon").length, 3);
});

test("a busy engine is not a dead one: its missed deadlines count after 60 s, a refusal at once", async () => {
  for (const [met, lostAt] of [
    [fault("service", "timeout"), 80],
    [refused, 20],
  ] as const) {
    const of = scene("athens", "lisbon");
    const stack = await of.declare("web");
    await of.settle(stack, { open: [CloudName.parse("athens")], due_at: at(9999) });
    await of.ticks(1);
    of.cloud("athens").fault = met;
    await of.ticks(lostAt / 10);
    assert.equal((await of.verdict("athens"))?.verdict, "reachable");
    await of.tick();
    assert.equal((await of.verdict("athens"))?.verdict, "unreachable");
  }
});

test("an engine busy with somebody's own update is not a dead one either", async () => {
  const of = scene("athens", "lisbon");
  await of.ticks(1);
  const vote = await of.vote("athens");
  assert.ok(vote);
  await of.stores.saveVote({ ...vote, updating: true }, vote.at);
  of.cloud("athens").fault = fault("service", "timeout");
  await of.ticks(8);
  assert.equal((await of.verdict("athens"))?.verdict, "reachable");
  await of.ticks(1);
  assert.equal((await of.verdict("athens"))?.verdict, "unreachable");
});

test("three intervals make a verdict, and three bring it back", async () => {
  const of = scene("athens", "lisbon");
  await of.ticks(1);
  of.cloud("athens").fault = refused;
  await of.ticks(2);
  assert.equal((await of.verdict("athens"))?.verdict, "reachable");
  await of.ticks(1);
  assert.equal((await of.verdict("athens"))?.verdict, "unreachable");
  of.cloud("athens").fault = undefined;
  await of.ticks(2);
  assert.equal((await of.verdict("athens"))?.verdict, "unreachable");
  await of.ticks(1);
  assert.equal((await of.verdict("athens"))?.verdict, "reachable");
});

test("If everything looks down, it is us: void ticks move no verdict", async () => {
  const of = scene("athens", "lisbon", "oslo");
  await of.ticks(1);
  for (const name of ["athens", "lisbon", "oslo"]) of.cloud(name).fault = refused;
  const before = await of.verdict("athens");
  const ticked = [await of.tick()];
  for (let n = 0; n < 20; n += 1) {
    of.clock.advance(10);
    ticked.push(await of.tick());
  }
  assert.ok(ticked.every(({ isVoid }) => isVoid));
  const moved = ticked.flatMap((each) => each.moved);
  assert.ok(moved.every(({ verdict }) => verdict === "reachable"));
  // After as long as a vote counts, an alarm, once, says of each cloud that nobody can tell of it.
  assert.deepEqual(moved.map(({ cloud }) => cloud).sort(), ["athens", "lisbon", "oslo"]);
  const { unwatched, at: _, votes: __, ...after } = (await of.verdict("athens")) ?? {};
  const { at: ___, votes: ____, ...known } = before ?? {};
  assert.deepEqual(after, known);
  assert.equal(unwatched?.fresh, 0);
  assert.ok(elapsed(at(0), unwatched?.since ?? at(0)) > 90_000);
  const told = of.table.records.filter(({ newImage }) => newImage?.type === "cloud.unwatched");
  assert.deepEqual(
    told.map(({ newImage }) => newImage?.alarm),
    [true, true, true],
  );
});

test("If everything looks down, it is us, though an entry of clouds.yaml cannot be asked", async () => {
  const of = scene("athens", "lisbon");
  const broken = CloudName.parse("broken");
  const { deps } = of;
  const withBroken = { ...deps, cloudNames: () => [...deps.cloudNames(), broken] };
  await tick(withBroken);
  for (const name of ["athens", "lisbon"]) of.cloud(name).fault = refused;
  for (let n = 0; n < 5; n += 1) {
    of.clock.advance(10);
    assert.equal((await tick(withBroken)).isVoid, true);
  }
});

test("two ticks at once count once", async () => {
  const of = scene("athens", "lisbon");
  await of.ticks(1);
  of.cloud("athens").fault = refused;
  for (let n = 1; n <= 3; n += 1) {
    await Promise.all([of.tick(), of.tick(), of.tick()]);
    assert.equal((await of.vote("athens"))?.misses, n);
    of.clock.advance(4);
    await of.tick();
    assert.equal((await of.vote("athens"))?.misses, n);
    of.clock.advance(6);
  }
  assert.equal(of.events().filter((text) => text.startsWith("cloud.unreachable")).length, 1);
});

test("two first ticks at once make each cloud known once", async () => {
  const of = scene("athens", "lisbon");
  await Promise.all([of.tick(), of.tick()]);
  assert.equal(of.events().length, 2);
  assert.equal((await of.vote("athens"))?.successes, 1);
});

test("a void tick is forgotten by the vote that follows", async () => {
  const of = scene("athens", "lisbon");
  for (const name of ["athens", "lisbon"]) of.cloud(name).fault = refused;
  await of.ticks(1);
  assert.equal((await of.vote("athens"))?.void, true);
  of.cloud("lisbon").fault = undefined;
  await of.ticks(1);
  const vote = await of.vote("athens");
  assert.deepEqual([vote?.void, vote?.misses], [undefined, 1]);
});

test("wakes the stacks that are overdue, and nothing else", async () => {
  const of = scene("athens", "lisbon");
  await of.ticks(1);
  await of.settle(await of.declare("calm"));
  await of.settle(await of.declare("paused", { paused: true }), { state: "paused" });
  await of.settle(await of.declare("due"), { due_at: at(30) });
  await of.declare("lost");
  of.written();
  assert.equal((await of.tick()).woken, 0);
  of.clock.advance(20);
  assert.equal((await of.tick()).woken, 2);
  assert.deepEqual(
    of.written().filter((key) => key.endsWith("WAKE")),
    ["STACK#due WAKE", "STACK#lost WAKE"],
  );
});

test("a verdict whose record was lost wakes its stacks an interval later", async () => {
  const of = scene("athens", "lisbon");
  await of.ticks(1);
  await of.settle(await of.declare("web"));
  of.cloud("athens").fault = refused;
  await of.ticks(2);
  assert.equal((await of.tick()).moved.length, 1);
  of.clock.advance(10);
  assert.equal((await of.tick()).woken, 0);
  of.clock.advance(10);
  assert.equal((await of.tick()).woken, 1);
});

test("a slow tick wakes no stack that was declared and reconciled meanwhile", async () => {
  const of = scene("athens");
  await of.ticks(1);
  of.clock.advance(100);
  await of.declare("web");
  const { client } = of.cloud("athens");
  const slow = {
    ...client,
    listStacks: async (options: Parameters<typeof client.listStacks>[0]) => {
      of.clock.advance(15);
      return client.listStacks(options);
    },
  };
  const cloudClient = () => ({ ok: true, value: slow }) as const;
  assert.equal((await tick({ ...of.deps, cloudClient })).woken, 0);
});

test("a cloud that left clouds.yaml is removed, with an event", async () => {
  const of = scene("athens", "lisbon");
  await of.ticks(1);
  of.clouds.delete(CloudName.parse("lisbon"));
  of.table.records.length = 0;
  await of.ticks(1);
  assert.equal(await of.verdict("lisbon"), undefined);
  assert.deepEqual(of.events(), ["cloud.removed: lisbon left clouds.yaml, and no stack weighs it"]);
  of.table.records.length = 0;
  await of.ticks(1);
  assert.deepEqual(of.events(), []);
});

test("one that a stack still weighs is judged on: blocked, and never lost by it", async () => {
  const of = scene("athens", "lisbon");
  const stack = await of.declare("web");
  await of.settle(stack);
  await of.ticks(1);
  of.clouds.delete(CloudName.parse("lisbon"));
  await of.ticks(30);
  const verdict = await of.verdict("lisbon");
  assert.deepEqual([verdict?.verdict, verdict?.blocking?.code], ["reachable", "no_such_cloud"]);
  await of.declare("web", { deleted_at: at(300) });
  await of.ticks(1);
  assert.equal(await of.verdict("lisbon"), undefined);
});

test("a password that is mended wakes the stacks by the verdict's record", async () => {
  const of = scene("athens", "lisbon");
  await of.ticks(1);
  of.cloud("athens").takesLogin = false;
  await of.ticks(1);
  assert.equal((await of.verdict("athens"))?.blocking?.code, "login_rejected");
  of.cloud("athens").takesLogin = true;
  of.cloud("athens").client.credential_hash = "credential-2";
  of.written();
  await of.ticks(1);
  assert.ok(of.written().includes("VERDICT athens"));
  const verdict = await of.verdict("athens");
  assert.deepEqual(
    [verdict?.verdict, verdict?.since, verdict?.blocking],
    ["reachable", at(0), undefined],
  );
});

test("a credential changed for a good one wakes the stacks, once and without an event", async () => {
  const of = scene("athens", "lisbon");
  await of.ticks(3);
  of.cloud("athens").client.credential_hash = "credential-2";
  of.written();
  await of.ticks(1);
  assert.deepEqual(of.written().sort(), ["CLOUD#athens VOTE", "VERDICT athens"]);
  await of.ticks(1);
  assert.deepEqual(of.written(), []);
});

test("a rejected login goes out once in its pause, in overlapping ticks and over a broken entry too", async () => {
  const of = scene("athens", "lisbon");
  of.cloud("athens").takesLogin = false;
  await of.ticks(2);
  const { deps } = of;
  const entryBroken = (cloud: CloudName) =>
    cloud === "athens"
      ? ({ ok: false, fault: fault("config", "invalid_entry") } as const)
      : deps.cloudClient(cloud);
  await tick({ ...deps, cloudClient: entryBroken });
  of.clock.advance(10);
  await of.ticks(3);
  const logins = of.calls("athens").filter((call) => call.endsWith(" login"));
  assert.equal(logins.length, 1);
});

test("a bug met in one cloud is thrown, after the others were judged and the stacks woken", async () => {
  const of = scene("athens", "lisbon", "oslo");
  await of.ticks(1);
  await of.declare("lost");
  of.clock.advance(10);
  const bug = new TypeError("a bug");
  of.cloud("oslo").bug = bug;
  of.cloud("athens").fault = refused;
  for (let n = 0; n < 3; n += 1) {
    of.clock.advance(10);
    await assert.rejects(of.tick(), bug);
  }
  assert.equal((await of.verdict("athens"))?.verdict, "unreachable");
  assert.equal((await of.verdict("oslo"))?.verdict, "reachable", "a bug of ours is no outage");
  assert.ok(of.written().includes("STACK#lost WAKE"));
});

test("a table that cannot be written is thrown", async () => {
  const of = scene("athens");
  const down = new Error("throttled");
  const deps = { ...of.deps, saveVote: () => Promise.reject(down) };
  await assert.rejects(tick(deps), down);
});

test("another vantage's vote counts in the majority", async () => {
  const of = scene("athens", "lisbon");
  const agent = VantageName.parse("agent");
  await of.stores.registerVantage({ vantage: agent, registered_at: at(0) }, []);
  await of.ticks(1);
  of.cloud("athens").fault = refused;
  await of.ticks(10);
  assert.equal((await of.verdict("athens"))?.verdict, "reachable", "one of two is no majority");
  const own = await of.vote("athens");
  assert.ok(own);
  await of.stores.saveVote({ ...own, vantage: agent, at: of.clock.now().toISOString() }, undefined);
  await of.ticks(1);
  assert.equal((await of.verdict("athens"))?.verdict, "unreachable");
});

test("what an agent finds between two ticks of home decides before the next one", async () => {
  const of = scene("athens", "lisbon");
  const agents = [VantageName.parse("office"), VantageName.parse("depot")];
  for (const vantage of agents) {
    await of.stores.registerVantage({ vantage, registered_at: at(0), kind: "agent" }, []);
  }
  const vote = async (vantage: VantageName, misses: number) => {
    const own = await of.vote("athens");
    assert.ok(own);
    const before = (await of.stores.readVotes([own.cloud], [vantage]))[0];
    const cast = { ...own, vantage, misses, at: of.clock.now().toISOString() };
    await of.stores.saveVote({ ...cast, vote: misses > 0 ? "silent" : "up" }, before?.at);
  };
  const verdict = async () => (await of.verdict("athens"))?.verdict;
  await of.ticks(1);
  for (const vantage of agents) await vote(vantage, 0);
  assert.equal((await of.tick()).open, undefined);
  of.cloud("athens").fault = refused;
  of.clock.advance(10);
  await of.ticks(2);
  assert.equal((await of.tick()).open, undefined, "one of three is silent");
  await vote("office" as VantageName, 2);
  of.clock.advance(10);
  const { open } = await of.tick();
  assert.deepEqual(open, ["athens", "lisbon"]);
  assert.deepEqual(await judgeBetween(of.deps, open ?? []), { moved: [], isOpen: true });
  of.clock.advance(1);
  await vote("office" as VantageName, 3);
  const { moved, isOpen } = await judgeBetween(of.deps, open ?? []);
  assert.deepEqual([moved.map(({ cloud }) => cloud), isOpen], [["athens"], false]);
  assert.equal(await verdict(), "unreachable");
  assert.ok(of.events().some((event) => event.startsWith("cloud.unreachable: athens")));
});

test("a cloud on which too few vantages vote raises an alarm, once, and another fact when enough do", async () => {
  const of = scene("athens", "lisbon");
  const [office, depot] = [VantageName.parse("office"), VantageName.parse("depot")];
  for (const vantage of [office, depot]) {
    await of.stores.registerVantage({ vantage, registered_at: at(0), kind: "agent" }, []);
  }
  const told = () =>
    of.table.records
      .filter(({ keys: { sk } }) => sk.startsWith("EVENT#"))
      .map(({ newImage }) => newImage as Partial<Event>)
      .filter(({ type, cloud }) => cloud === "athens" && type?.endsWith("watched"));
  of.cloud("athens").fault = refused;
  await of.ticks(5);
  const [alarm, ...more] = told();
  assert.deepEqual([alarm?.type, alarm?.alarm, more], ["cloud.unwatched", true, []]);
  assert.match(
    alarm?.message ?? "",
    /athens is unwatched: only 1 vantage can tell of it, and 2 must/,
  );
  assert.equal((await of.verdict("athens"))?.verdict, "unknown", "no outage of one vantage's word");
  const own = await of.vote("lisbon");
  assert.ok(own);
  const seen = { ...own, cloud: CloudName.parse("athens"), at: of.clock.now().toISOString() };
  await of.stores.saveVote({ ...seen, vantage: office }, undefined);
  await of.ticks(1);
  assert.deepEqual(
    told().map(({ type, alarm: isAlarm }) => [type, isAlarm]),
    [
      ["cloud.unwatched", true],
      ["cloud.watched", undefined],
    ],
  );
  assert.equal((await of.verdict("athens"))?.verdict, "reachable");
});

test("every fact about a verdict carries what was judged, and judging that gives the verdict again", async () => {
  const of = scene("athens", "lisbon", "oslo", "paris");
  await of.ticks(1);
  of.cloud("athens").fault = refused;
  of.cloud("oslo").fault = rejected;
  await of.ticks(2);
  of.cloud("lisbon").fault = refused;
  await of.ticks(8);
  const facts = of.table.records
    .filter(({ keys: { sk } }) => sk.startsWith("EVENT#"))
    .map(({ newImage }) => EventSchema.parse(newImage));
  for (const { evidence, cloud, type } of facts) {
    assert.ok(evidence?.of === "verdict", type);
    const again = judgedAgain(evidence).find((verdict) => verdict.cloud === cloud);
    const { blocking, verdict } = again ?? {};
    if (type === "cloud.blocked") assert.ok(blocking);
    else assert.equal(`cloud.${verdict === "unknown" ? "discovered" : verdict}`, type);
  }
});

test("what asks for a person is an alarm: a loss, a suspicion, a block; nothing that ends one", async () => {
  const of = scene("athens", "lisbon", "oslo", "paris");
  await of.ticks(1);
  of.cloud("athens").fault = refused;
  of.cloud("oslo").fault = rejected;
  await of.ticks(4);
  of.cloud("lisbon").fault = refused;
  await of.ticks(4);
  for (const cloud of ["athens", "oslo", "lisbon"]) of.cloud(cloud).fault = undefined;
  await of.ticks(8);
  const facts = of.table.records
    .filter(({ keys: { sk } }) => sk.startsWith("EVENT#"))
    .map(({ newImage }) => EventSchema.parse(newImage));
  const told = (isAlarm: boolean) => {
    const types = facts.filter(({ alarm }) => (alarm === true) === isAlarm).map(({ type }) => type);
    return [...new Set(types)].sort();
  };
  assert.deepEqual(told(true), ["cloud.blocked", "cloud.suspected", "cloud.unreachable"]);
  assert.deepEqual(told(false), ["cloud.reachable", "cloud.unblocked"]);
});

test("a vantage other than home only votes", async () => {
  const of = scene("athens", "lisbon");
  await of.settle(await of.declare("web"), { due_at: at(0) });
  of.cloud("athens").fault = refused;
  of.written();
  const dublin = VantageName.parse("eu-west-1");
  for (let n = 0; n < 4; n += 1) {
    await tick({ ...of.deps, settings: { ...of.deps.settings, vantage: dublin } });
    of.clock.advance(10);
  }
  assert.deepEqual([...new Set(of.written())].sort(), [
    "CLOUD#athens VOTE",
    "CLOUD#lisbon VOTE",
    "VANTAGE eu-west-1",
    "VANTAGE#eu-west-1 EVENT",
  ]);
  assert.equal((await of.vote("athens"))?.misses, 4);
  assert.deepEqual(new Set(of.calls("lisbon")).size, 1, "one line of the list, and nothing read");
});

test("a refuted suspicion is reachable, and is not asked again within its window", async () => {
  const of = scene("athens", "lisbon", "oslo");
  await of.ticks(1);
  for (const name of ["athens", "lisbon"]) of.cloud(name).fault = refused;
  await of.ticks(3);
  const suspected = await of.verdict("athens");
  assert.equal(suspected?.verdict, "suspected");
  const answer = { since: suspected.since, at: of.clock.now().toISOString() };
  await of.stores.saveOrders(
    { cloud: CloudName.parse("athens"), drained: false, refuted: answer, at: answer.at },
    undefined,
    [],
  );
  const kinds = [];
  for (let n = 0; n < 60; n += 1) {
    of.clock.advance(10);
    await of.tick();
    kinds.push((await of.verdict("athens"))?.verdict);
  }
  assert.deepEqual([...new Set(kinds.slice(0, 59))], ["reachable"]);
  assert.equal(kinds.at(-1), "unreachable", "ten minutes later, and alone, it is lost");
});

const finding = fc.constantFrom(undefined, refused, rejected, fault("answer", "http_429", 429));

test("Only the network's silence is an outage, through the table and overlapping ticks as well", async () => {
  const names = ["athens", "lisbon", "oslo"];
  const step = fc.record({
    found: fc.array(
      finding.filter((met) => met !== refused),
      { minLength: 3, maxLength: 3 },
    ),
    seconds: fc.constantFrom(1, 5, 10, 10, 10, 60, 200),
    overlaps: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
      const of = scene(...names);
      for (const { found, seconds, overlaps } of steps) {
        names.forEach((name, n) => {
          of.cloud(name).fault = found[n];
        });
        await Promise.all([of.tick(), ...(overlaps ? [of.tick()] : [])]);
        of.clock.advance(seconds);
      }
      const { verdicts } = await of.stores.readBoard();
      assert.ok(verdicts.every(({ verdict }) => verdict === "reachable" || verdict === "unknown"));
    }),
    { numRuns: 50 },
  );
});

test("Explained: events and verdicts tell the same story, whatever happens", async () => {
  const names = ["athens", "lisbon", "oslo"];
  const step = fc.record({
    found: fc.array(finding, { minLength: 3, maxLength: 3 }),
    seconds: fc.constantFrom(5, 10, 10, 10, 100, 700),
    times: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 10 }), async (steps) => {
      const of = scene(...names);
      for (const { found, seconds, times } of steps) {
        names.forEach((name, n) => {
          of.cloud(name).fault = found[n];
        });
        for (let n = 0; n < times; n += 1) {
          await Promise.all([of.tick(), of.tick()]);
          of.clock.advance(seconds);
        }
      }
      const told = new Map<string, string>();
      const kind = /^cloud\.(?:(discovered)|(reachable|suspected|unreachable)): (\w+)/;
      for (const text of of.events()) {
        const [, discovered, word, cloud = ""] = kind.exec(text) ?? [];
        if (discovered || word) told.set(cloud, word ?? "unknown");
      }
      const { verdicts } = await of.stores.readBoard();
      const held = (all: Verdict[]) =>
        all.map(({ cloud, verdict }) => `${cloud} ${verdict}`).sort();
      assert.deepEqual([...told].map((pair) => pair.join(" ")).sort(), held(verdicts));
    }),
    { numRuns: 50 },
  );
});
