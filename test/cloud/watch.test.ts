import assert from "node:assert/strict";
import { test } from "node:test";
import { marksOf } from "../../lib/cloud/marks.ts";
import { readHeatStack } from "../../lib/cloud/observe.ts";
import { CloudName, type Seen, type Verdict } from "../../lib/cloud/schema.ts";
import { watchCloud } from "../../lib/cloud/watch.ts";
import { type Push, Stack, type StackName, type Status } from "../../lib/stack/schema.ts";
import { fault, type PlainCloud, plainCloud, putHeatStack } from "../support/plain-cloud.ts";
import { at } from "../support/time.ts";

const cloud = CloudName.parse("athens");
const settings = { stuckGraceMs: 300_000, updateTimeoutMs: 3_600_000, pushSilenceMs: 300_000 };

type Scene = {
  of: PlainCloud;
  seen: Map<string, Seen>;
  saved: Seen[];
  woken: string[];
  stacks: Stack[];
  statuses: Status[];
  verdict?: Verdict;
  /** What was last pushed, by stack. */
  pushes?: Map<string, Push>;
  /** How far the clock goes with each call. */
  secondsPerCall?: number;
};

function declared(stack_name: string, more: Partial<Stack> = {}): Stack {
  return Stack.parse({
    stack_name,
    uid: "uid-1",
    generation: 1,
    count: 10,
    count_parameter: "count",
    weights: { athens: 1 },
    policy: {},
    paused: false,
    partial: false,
    completed: true,
    created_at: at(0),
    updated_at: at(0),
    ...more,
  });
}

function openIn(stack_name: string): Status {
  return {
    stack_name: declared(stack_name).stack_name,
    version: 1,
    uid: "uid-1",
    inputs: { generation: 1 },
    open: [cloud],
    attempts: 0,
    state: "converging",
    conditions: [],
  };
}

function returned(seconds: number): Verdict {
  const since = at(seconds);
  const times = { since, at: since, lost_at: at(seconds - 100), returned_at: since };
  return { cloud, verdict: "reachable", ...times, reason: "", votes: [] };
}

/** Stacks of these names, each seen at 0 s as it is. */
async function scene(...names: string[]): Promise<Scene> {
  const of = plainCloud();
  const seen = new Map<string, Seen>();
  for (const [n, stack_name] of names.entries()) {
    putHeatStack(of, { heat_stack_id: `id-${n}`, stack_name });
    const read = await readHeatStack({
      cloud,
      client: of.client,
      stack_name,
      parameter: "count",
      previous: undefined,
      stack: undefined,
      push: undefined,
      asked_at: undefined,
      verdict: undefined,
      now: () => new Date(at(0)),
      settings,
    });
    assert.ok(read.ok);
    seen.set(stack_name, read.value);
  }
  return {
    of,
    seen,
    saved: [],
    woken: [],
    stacks: names.map((name) => declared(name)),
    statuses: [],
  };
}

/** Lists the cloud and watches it; what was asked beyond the list is in `of.calls`. */
async function watch(scene: Scene, seconds = 60) {
  const { of, seen, saved, woken, stacks, statuses, verdict, pushes = new Map() } = scene;
  const { secondsPerCall = 0 } = scene;
  const list = await of.client.listStacks({ limit: 500, pages: "all", login: true });
  assert.ok(list.ok);
  of.calls.length = 0;
  saved.length = 0;
  woken.length = 0;
  const deps = {
    now: () => new Date(at(seconds + of.calls.length * secondsPerCall)),
    cloudClient: () => ({ ok: true, value: of.client }) as const,
    readSeen: async () => [...seen.values()],
    readPushes: async () => pushes,
    saveSeen: async (next: Seen) => {
      saved.push(next);
      seen.set(next.stack_name, next);
      return true;
    },
    wake: async (name: StackName) => {
      woken.push(name);
    },
    settings: { ...settings, intervalMs: 10_000 },
  };
  const until = new Date(at(seconds + 10));
  return watchCloud(deps, cloud, list.value, { stacks, statuses, verdict, until });
}

test("a quiet list reads and writes nothing", async () => {
  const quiet = await scene("web", "api");
  assert.deepEqual(await watch(quiet), { cloud, updating: false, isCutShort: false });
  assert.deepEqual([quiet.of.calls, quiet.saved], [[], []]);
});

test("a stack that knows nothing of what was seen is woken: its record was lost", async () => {
  const lost = await scene("web");
  const [stack] = lost.stacks;
  const read_at = lost.seen.get("web")?.read_at ?? "";
  const knowing = (text: string) => ({
    ...openIn("web"),
    open: [],
    inputs: { generation: stack?.generation ?? 0, seen: marksOf([cloud], () => text) },
  });
  for (const [known, seconds, woken] of [
    [read_at, 60, []],
    [at(-30), 5, []],
    [at(-30), 60, ["web"]],
    ["", 60, ["web"]],
  ] as const) {
    await watch({ ...lost, statuses: [knowing(known)] }, seconds);
    assert.deepEqual(lost.woken, woken, `${known} ${seconds}`);
  }
});

test("only what moved is read in full, and saved", async () => {
  for (const more of [
    { heat_status: "UPDATE_IN_PROGRESS" },
    { heat_status: "SUSPEND_COMPLETE" },
    { updated_time: "2026-01-01T00:00:30Z", count: 9 },
  ]) {
    const moved = await scene("web", "api");
    putHeatStack(moved.of, { heat_stack_id: "id-1", ...more });
    await watch(moved);
    assert.deepEqual(moved.of.calls, ["show api"]);
    assert.deepEqual(
      moved.saved.map(({ stack_name }) => stack_name),
      ["api"],
    );
    await watch(moved);
    assert.deepEqual([moved.of.calls, moved.saved], [[], []], "once");
  }
});

test("stacks of others, deleted ones, and those not weighed here are let be", async () => {
  const mixed = await scene("web", "gone", "elsewhere", "never");
  mixed.stacks = [
    declared("gone", { deleted_at: at(1) }),
    declared("elsewhere", { weights: { [CloudName.parse("lisbon")]: 1 } }),
  ];
  for (const n of [0, 1, 2, 3])
    putHeatStack(mixed.of, {
      heat_stack_id: `id-${n}`,
      count: 1,
      heat_status: "UPDATE_IN_PROGRESS",
    });
  assert.equal((await watch(mixed)).updating, false);
  assert.deepEqual([mixed.of.calls, mixed.saved], [[], []]);
});

test("a stack no longer weighed is watched until its push there has ended", async () => {
  const left = await scene("web");
  left.stacks = [declared("web", { weights: {} })];
  left.statuses = [openIn("web")];
  putHeatStack(left.of, { heat_stack_id: "id-0", heat_status: "UPDATE_IN_PROGRESS" });
  assert.equal((await watch(left)).updating, true);
  putHeatStack(left.of, { heat_stack_id: "id-0", heat_status: "UPDATE_COMPLETE" });
  await watch(left);
  assert.equal(left.saved[0]?.heat_status, "UPDATE_COMPLETE");
});

test("what a whole list lacks is missing, once; what a broken one lacks is not", async () => {
  const lacking = await scene("web", "api");
  lacking.of.listBreaksAfter = 1;
  await watch(lacking);
  assert.deepEqual(lacking.of.calls, []);
  lacking.of.listBreaksAfter = undefined;
  lacking.of.heatStacks.delete("id-1");
  await watch(lacking);
  assert.deepEqual(lacking.of.calls, ["show api", "find api"]);
  assert.ok(lacking.saved[0]?.missing);
  await watch(lacking);
  assert.deepEqual([lacking.of.calls, lacking.saved], [[], []]);
});

test("what was missing and is listed again, or under a new id, is read", async () => {
  const back = await scene("web");
  back.of.heatStacks.clear();
  await watch(back);
  putHeatStack(back.of, { heat_stack_id: "id-9", heat_status: "CREATE_COMPLETE" });
  await watch(back);
  assert.deepEqual([back.saved[0]?.heat_stack_id, back.saved[0]?.missing], ["id-9", undefined]);
  back.of.heatStacks.clear();
  putHeatStack(back.of, { heat_stack_id: "id-10", heat_status: "CREATE_COMPLETE" });
  await watch(back);
  assert.equal(back.saved[0]?.heat_stack_id, "id-10");
});

test("everything is read again after a return, moved or not, and once", async () => {
  const back = await scene("web", "api");
  back.verdict = returned(30);
  await watch(back);
  assert.deepEqual(back.of.calls, ["show web", "show api"]);
  assert.deepEqual(
    back.saved.map(({ read_at }) => read_at),
    [at(60), at(60)],
  );
  await watch(back, 70);
  assert.deepEqual(back.of.calls, []);
});

test("a reading says which push was written down before it, and whether its answer was", async () => {
  const open = await scene("web", "api");
  open.statuses = [openIn("web"), openIn("api")];
  const answered = { at: at(500), outcome: "accepted" as const };
  const pushed = {
    id: "push-1",
    generation: 1,
    count: 4,
    // By a clock that is ahead: what was written down before the reading was, all the same.
    at: at(400),
    before: { heat_stack_id: "id-0", updated_time: null },
  };
  open.pushes = new Map([["web", pushed]]);
  await watch(open, 60);
  assert.deepEqual(open.seen.get("web")?.after, { generation: 1, push_id: "push-1" });
  assert.deepEqual(open.seen.get("api")?.after, { generation: 1 });
  open.pushes = new Map([["web", { ...pushed, answered }]]);
  open.verdict = returned(30);
  await watch(open, 70);
  assert.deepEqual(open.seen.get("web")?.after, {
    generation: 1,
    push_id: "push-1",
    answered: true,
    settled: true,
    verdict_at: at(30),
    returned_at: at(30),
  });
});

test("a push that awaits its end is read at every list, unless its update is still under way", async () => {
  const open = await scene("web");
  open.statuses = [openIn("web")];
  for (const seconds of [60, 70]) {
    await watch(open, seconds);
    assert.deepEqual(
      open.saved.map(({ read_at }) => read_at),
      [at(seconds)],
    );
  }
  putHeatStack(open.of, { heat_stack_id: "id-0", heat_status: "UPDATE_IN_PROGRESS" });
  await watch(open, 80);
  assert.equal(open.saved.length, 1, "it moved");
  await watch(open, 90);
  assert.deepEqual([open.of.calls, open.saved], [[], []]);
});

test("an update under way is watched; one that is stuck is found so once, and is none", async () => {
  const running = await scene("web");
  putHeatStack(running.of, {
    heat_stack_id: "id-0",
    heat_status: "UPDATE_IN_PROGRESS",
    updated_time: at(0),
  });
  assert.equal((await watch(running, 10)).updating, true);
  running.verdict = returned(20);
  await watch(running, 30);
  assert.equal((await watch(running, 319)).updating, true);
  assert.deepEqual(running.of.calls, []);
  await watch(running, 320);
  assert.deepEqual(running.of.calls, ["show web", "events web"]);
  assert.deepEqual(running.saved[0]?.stuck, { since: at(320) });
  assert.equal((await watch(running, 330)).updating, false);
  assert.deepEqual(running.of.calls, []);
  putHeatStack(running.of, { heat_stack_id: "id-0", updated_time: at(340) });
  assert.equal((await watch(running, 350)).updating, true, "a new update");
});

test("a fault of one heat stack's reading leaves what was seen, and the others are read", async () => {
  const faulty = await scene("web", "api");
  for (const n of [0, 1])
    putHeatStack(faulty.of, { heat_stack_id: `id-${n}`, count: 9, updated_time: at(1) });
  faulty.of.stackFaults.set("web", fault("service", "http_500", 500));
  await watch(faulty);
  assert.deepEqual(
    faulty.saved.map(({ stack_name }) => stack_name),
    ["api"],
  );
  assert.equal(faulty.seen.get("web")?.count, 4);
});

test("One sick cloud delays nobody: one that hangs is asked by no more than a few at a time", async () => {
  const names = Array.from({ length: 100 }, (_, n) => `web-${n}`);
  const hung = await scene(...names);
  hung.verdict = returned(30);
  for (const name of names) hung.of.stackFaults.set(name, fault("service", "timeout"));
  await watch(hung);
  assert.ok(hung.of.calls.length <= 8, `${hung.of.calls.length} calls`);
  hung.of.stackFaults.clear();
  await watch(hung);
  assert.equal(hung.saved.length, 100, "the next list finds the rest");
});

test("what is not read before the next tick is due is left to it, and nothing is read twice", async () => {
  const names = Array.from({ length: 25 }, (_, n) => `web-${n}`);
  const many = await scene(...names);
  many.verdict = returned(30);
  many.secondsPerCall = 1;
  const read: string[] = [];
  for (const [n, isCutShort] of [true, true, false].entries()) {
    const watched = await watch(many, 60 + n * 10);
    assert.equal(watched.isCutShort, isCutShort, `list ${n + 1}`);
    read.push(...many.saved.map(({ stack_name }) => stack_name));
  }
  assert.deepEqual(read.toSorted(), names.toSorted());
});

test("those whose reading fails do not keep others from being read", async () => {
  const names = Array.from({ length: 25 }, (_, n) => `web-${10 + n}`);
  const faulty = await scene(...names);
  faulty.verdict = returned(30);
  faulty.secondsPerCall = 1;
  for (const name of names.slice(0, 12))
    faulty.of.stackFaults.set(name, fault("stack", "http_400", 400));
  const read = new Set<string>();
  for (let n = 0; n < 6; n += 1) {
    await watch(faulty, 60 + n * 10);
    for (const { stack_name } of faulty.saved) read.add(stack_name);
  }
  assert.deepEqual([...read].toSorted(), names.slice(12).toSorted());
});

test("Nothing is lost: a bug met in one heat stack is thrown after the others were read", async () => {
  const buggy = await scene("web", "api", "db");
  buggy.verdict = returned(30);
  const bug = new TypeError("a bug");
  buggy.of.stackBugs.set("web", bug);
  await assert.rejects(watch(buggy), bug);
  assert.deepEqual(buggy.saved.map(({ stack_name }) => stack_name).sort(), ["api", "db"]);
});

test("the declared parameter is the one that is read", async () => {
  const renamed = await scene("web");
  renamed.stacks = [declared("web", { count_parameter: "size" })];
  putHeatStack(renamed.of, { heat_stack_id: "id-0", updated_time: at(1) });
  renamed.of.heatStacks.get("id-0")?.parameters.set("size", "7");
  await watch(renamed);
  assert.deepEqual([renamed.saved[0]?.parameter, renamed.saved[0]?.count], ["size", 7]);
});
