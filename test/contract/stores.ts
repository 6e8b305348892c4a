import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import {
  CloudName,
  type CloudOrders,
  type Seen,
  type Testimony,
  Time,
  VantageName,
  type Verdict,
  type Vote,
} from "../../lib/cloud/schema.ts";
import { contradictions } from "../../lib/event/replay.ts";
import type { Event } from "../../lib/event/schema.ts";
import type { Reconciled } from "../../lib/stack/deps.ts";
import {
  type Push,
  type Share,
  type Stack,
  StackName,
  type Status,
} from "../../lib/stack/schema.ts";
import { cloudTable } from "../../lib/table/clouds.ts";
import { eventPut, eventTable } from "../../lib/table/events.ts";
import type { Table } from "../../lib/table/item.ts";
import { keys } from "../../lib/table/keys.ts";
import { stackTable } from "../../lib/table/stacks.ts";
import { outage } from "../support/outage.ts";

const at = (second: number, day = "2026-05-10") =>
  Time.parse(`${day}T12:00:${String(second).padStart(2, "0")}.000Z`);

/** Names of its own for each test: on AWS the table is not empty. */
function names() {
  const unique = randomUUID().slice(0, 8);
  const cloud = (name: string) => CloudName.parse(`${name}-${unique}`);
  return {
    name: StackName.parse(`web-${unique}`),
    athens: cloud("athens"),
    oslo: cloud("oslo"),
    constructor_: CloudName.parse("constructor"),
    toString_: CloudName.parse("toString"),
  };
}

function stackOf(stack_name: StackName, weights: Record<CloudName, number>): Stack {
  return {
    stack_name,
    uid: "u1",
    generation: 1,
    count: 10,
    count_parameter: "count",
    weights,
    policy: {
      failover: "even",
      order: "make_before_break",
      failback: "auto",
      evidence: "api_and_workload",
    },
    paused: false,
    partial: false,
    completed: true,
    created_at: at(0),
    updated_at: at(0),
  };
}

function statusOf(stack_name: StackName, version: number): Status {
  const inputs = { generation: 1 };
  const rest = { open: [], attempts: 0, conditions: [], state: "converging" } as const;
  return { stack_name, version, uid: "u1", inputs, ...rest, open: [], conditions: [] };
}

function shareOf(stack_name: StackName, cloud: CloudName, version: number): Share {
  return { stack_name, cloud, desired: 6, version, attempts: 0 };
}

function pushOf(id: string): Push {
  const before = { heat_stack_id: "h1", updated_time: null };
  return { id, generation: 1, count: 6, at: at(1), before };
}

/** A ULID of that time: ten letters of it, and a number. */
function ulid(time: Time, number: number): string {
  let id = "";
  for (let rest = Date.parse(time); id.length < 10; rest = Math.floor(rest / 32)) {
    id = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".charAt(rest % 32) + id;
  }
  return id + String(number).padStart(16, "0");
}

let events = 0;
function eventOf(about: Partial<Event>): Event {
  const time = about.at ?? at(0);
  const id = ulid(time, ++events);
  return { id, at: time, type: "stack.declared", message: "m", changes: [], cause: "c", ...about };
}

function verdictOf(cloud: CloudName, second: number): Verdict {
  const same = { since: at(0), reason: "r", votes: [] };
  return { cloud, verdict: "reachable", at: at(second), ...same };
}

function seenOf(cloud: CloudName, stack_name: string, second: number): Seen {
  return { cloud, stack_name, read_at: at(second), parameter: "count", count: second, in_place: 0 };
}

/** What the rest of the system relies on of the stores, whatever table is under them. */
export function storesContract(open: () => Promise<Table>): void {
  const stores = async () => {
    const table = await open();
    return { table, ...stackTable(table), ...cloudTable(table), ...eventTable(table) };
  };

  test("what was declared is read back, whatever its clouds are called", async () => {
    const { readStack, saveStack, readStackView } = await stores();
    const { name, constructor_, toString_ } = names();
    const stack = stackOf(name, { [constructor_]: 0.5, [toString_]: 0.5 });
    assert.equal(await readStack(name), undefined);
    const event = eventOf({ stack_name: name });
    assert.equal(await saveStack({ stack, previous: undefined, event }), true);
    assert.deepEqual(await readStack(name), stack);
    assert.deepEqual((await readStackView(name)).stack, stack);
  });

  test("of two who change one declaration, one wins, with its event", async () => {
    const { readStack, saveStack, listStackEvents } = await stores();
    const { name } = names();
    const write = (generation: number, count: number, previous: Stack | undefined) => {
      const stack = { ...stackOf(name, {}), generation, count };
      const message = `${count}`;
      return saveStack({ stack, previous, event: eventOf({ stack_name: name, message }) });
    };
    assert.equal(await write(1, 1, undefined), true);
    assert.equal(await write(1, 2, undefined), false, "it is there already");
    const read = await readStack(name);
    const won = await Promise.all([write(2, 3, read), write(2, 4, read), write(2, 5, read)]);
    assert.ok(won.filter(Boolean).length <= 1);
    const count = 3 + won.indexOf(true);
    const last = won.includes(true) ? [`${count}`, "1"] : ["1"];
    const { events: told } = await listStackEvents(name, { limit: 10 });
    assert.deepEqual(
      told.map(({ message }) => message),
      last,
    );
  });

  test("a tombstone is not listed, and a new stack goes on from it", async () => {
    const { readStack, saveStack, listStacks, table } = await stores();
    const { name } = names();
    const first = stackOf(name, {});
    const event = () => eventOf({ stack_name: name });
    await saveStack({ stack: first, previous: undefined, event: event() });
    const listed = async () =>
      (await listStacks({ limit: 1000 })).stacks.some(({ stack_name }) => stack_name === name);
    assert.equal(await listed(), true);
    const buried = { ...first, generation: 2, deleted_at: at(5), expires_at: 1_900_000_000 };
    assert.equal(await saveStack({ stack: buried, previous: first, event: event() }), true);
    assert.deepEqual(await readStack(name), buried);
    assert.equal(await listed(), false);
    assert.equal((await table.get(keys.stack(name)))?.expires_at, 1_900_000_000);
    const again = { ...first, uid: "u2", generation: 3 };
    assert.equal(await saveStack({ stack: again, previous: first, event: event() }), false);
    assert.equal(await saveStack({ stack: again, previous: buried, event: event() }), true);
    assert.deepEqual(await readStack(name), again, "no longer a tombstone");
  });

  test("stacks are listed by name, page by page, tombstones between them left out", async () => {
    const { saveStack, listStacks, listStacksWeighing } = await stores();
    const { name, athens, oslo } = names();
    // All after one name, so that on AWS others' stacks can be skipped.
    const all = Array.from({ length: 9 }, (_, i) => StackName.parse(`${name}.${i}`));
    for (const [i, stack_name] of all.entries()) {
      const weights = i % 2 === 0 ? { [athens]: 1 } : { [oslo]: 0 };
      const stack = {
        ...stackOf(stack_name, weights),
        ...(i % 3 === 1 ? { deleted_at: at(1) } : {}),
      };
      await saveStack({ stack, previous: undefined, event: eventOf({ stack_name }) });
    }
    const live = all.filter((_, i) => i % 3 !== 1);
    const found: StackName[] = [];
    for (let marker: string | undefined = name; found.length < live.length; ) {
      const page: { stacks: Stack[]; next?: StackName } = await listStacks({ limit: 4, marker });
      found.push(...page.stacks.map(({ stack_name }) => stack_name));
      if (page.next === undefined) break;
      assert.equal(page.stacks.length, 4);
      assert.equal(page.next, found.at(-1));
      marker = page.next;
    }
    assert.deepEqual(found.slice(0, live.length), live);
    assert.deepEqual(
      await listStacksWeighing([oslo]),
      all.filter((_, i) => i % 2 === 1),
    );
    assert.deepEqual((await listStacksWeighing([oslo, athens])).sort(), all);
    assert.deepEqual(await listStacksWeighing([]), []);
  });

  test("a verdict that depends on others is saved only while they stand", async () => {
    const { saveVerdict } = await stores();
    const { athens, oslo } = names();
    await saveVerdict(verdictOf(oslo, 1), undefined, []);
    const loss = verdictOf(athens, 2);
    const gone = eventOf({ cloud: athens, type: "cloud.unreachable" });
    assert.equal(await saveVerdict(loss, undefined, [gone], new Map([[oslo, at(0)]])), false);
    assert.equal(await saveVerdict(loss, undefined, [gone], new Map([[oslo, at(1)]])), true);
  });

  test("a view holds the stack's own, and of clouds what it weighs or has shares in", async () => {
    const store = await stores();
    const { name, athens, oslo } = names();
    const lost = CloudName.parse(`lost-${athens}`);
    const stack = stackOf(name, { [athens]: 1 });
    await store.saveStack({ stack, previous: undefined, event: eventOf({ stack_name: name }) });
    assert.deepEqual((await store.readStackView(name)).shares, []);
    const shares = [shareOf(name, athens, 1), shareOf(name, oslo, 1)];
    const status = statusOf(name, 1);
    await store.saveReconciled(reconciled({ status, shares }));
    await store.saveVerdict(verdictOf(athens, 1), undefined, []);
    const orders: CloudOrders = { cloud: oslo, drained: true, at: at(1) };
    await store.saveOrders(orders, undefined, [eventOf({ cloud: oslo, type: "cloud.ordered" })]);
    for (const cloud of [athens, oslo, lost])
      await store.saveSeen(seenOf(cloud, name, 3), undefined);
    await store.saveSeen(seenOf(athens, "other", 3), undefined);
    await store.wake(name, at(2), at(1));
    await store.wake(name, at(4));

    const view = await store.readStackView(name);
    assert.deepEqual(view.status, status);
    assert.deepEqual(view.stack, stack);
    assert.deepEqual(view.wake, { at: at(4), asked_at: at(1) });
    assert.deepEqual(view.shares, shares);
    assert.deepEqual(view.verdicts.get(athens), verdictOf(athens, 1));
    assert.deepEqual(view.orders.get(oslo), orders);
    assert.deepEqual(new Set(view.seen.keys()), new Set([athens, oslo]));
    assert.deepEqual(await store.readStatuses([name]), [status]);
    const place = { stack_name: name, cloud: athens };
    assert.deepEqual(await store.readShares([place]), [shares[0]]);
    assert.deepEqual(await store.readSeenAt([place]), [seenOf(athens, name, 3)]);
    assert.equal((await store.readSeen(athens)).length, 2);
  });

  test("of two lanes that reconcile one stack, one writes, with its events", async () => {
    const store = await stores();
    const { name, athens } = names();
    const stack = stackOf(name, { [athens]: 1 });
    await store.saveStack({ stack, previous: undefined, event: eventOf({ stack_name: name }) });
    const lane = (message: string, version_read: number | undefined) =>
      store.saveReconciled(
        reconciled({
          status: statusOf(name, (version_read ?? 0) + 1),
          version_read,
          shares: [{ ...shareOf(name, athens, (version_read ?? 0) + 1), desired: message.length }],
          events: [eventOf({ stack_name: name, at: at(9), message })],
        }),
      );
    for (const version of [undefined, 1, 2]) {
      const won = await Promise.all([lane("a", version), lane("bb", version)]);
      // In each other's way, neither may win: then they start again.
      if (!won.includes(true)) won[1] = await lane("bb", version);
      assert.equal(won.filter(Boolean).length, 1);
      const message = won[0] ? "a" : "bb";
      const view = await store.readStackView(name);
      assert.equal(view.status?.version, (version ?? 0) + 1);
      assert.equal(view.shares[0]?.desired, message.length);
      const { events: told } = await store.listStackEvents(name, { limit: 1 });
      assert.equal(told[0]?.message, message);
      assert.equal(await lane("stale", version), false);
    }
    const { events: told } = await store.listStackEvents(name, { limit: 100 });
    assert.equal(told.length, 4);
  });

  test("a reconcile loses to a newer declaration, and to a deletion", async () => {
    const store = await stores();
    const { name } = names();
    const first = stackOf(name, {});
    const declare = (stack: Stack, previous: Stack | undefined) =>
      store.saveStack({ stack, previous, event: eventOf({ stack_name: name }) });
    let version = 0;
    const reconcile = async (declaration: Reconciled["declaration"]) => {
      const version_read = version === 0 ? undefined : version;
      const status = statusOf(name, version + 1);
      const isSaved = await store.saveReconciled(reconciled({ status, version_read, declaration }));
      if (isSaved) version += 1;
      return isSaved;
    };
    assert.equal(await reconcile(undefined), true, "gone");
    await declare(first, undefined);
    assert.equal(await reconcile(undefined), false, "declared");
    assert.equal(await reconcile({ uid: "u1", generation: 2 }), false);
    assert.equal(await reconcile({ uid: "u2", generation: 1 }), false);
    assert.equal(await reconcile({ uid: "u1", generation: 1 }), true);
    const second = { ...first, generation: 2 };
    await declare(second, first);
    assert.equal(await reconcile({ uid: "u1", generation: 1 }), false);
    const buried = { ...second, generation: 3, deleted_at: at(1) };
    await declare(buried, second);
    assert.equal(await reconcile({ uid: "u1", generation: 3 }), false, "deleted");
    assert.equal(await reconcile(undefined), true, "a tombstone");
  });

  test("a push is written by the run that wrote the share, and only once", async () => {
    const store = await stores();
    const { name, athens } = names();
    const share = { ...shareOf(name, athens, 1), lost: { since: at(0) } };
    const removed = { declaration: undefined };
    await store.saveReconciled(
      reconciled({ ...removed, status: statusOf(name, 1), shares: [share] }),
    );
    const push = async (id: string, version: number, push_id_read: string | undefined) => {
      const fence = { version, push_id_read, attempts: 1, retry_at: at(30) };
      const write = { stack_name: name, cloud: athens, push: pushOf(id), ...fence };
      return (await store.savePushes([write])).has(id);
    };
    const read = async () => (await store.readShares([{ stack_name: name, cloud: athens }]))[0];
    assert.equal(await push("p1", 2, undefined), false, "another run's version");
    assert.equal(await push("p1", 1, "p0"), false, "another push was there");
    const lanes = await Promise.all(["p1", "p2", "p3"].map((id) => push(id, 1, undefined)));
    assert.equal(lanes.filter(Boolean).length, 1);
    const won = `p${lanes.indexOf(true) + 1}`;
    assert.equal(await push(won, 1, undefined), true, "our own write, repeated by the client");
    const pushed = { ...share, push: pushOf(won), attempts: 1, retry_at: at(30) };
    assert.deepEqual(await read(), pushed);

    const answered = { at: at(3), outcome: "accepted" } as const;
    const answer = (cloud: CloudName, push_id: string) => ({ cloud, push_id, answered });
    await store.saveAnswers(name, [answer(athens, "other")]);
    assert.deepEqual(await read(), pushed, "an answer to another push");
    await store.saveAnswers(name, [answer(athens, won), answer(CloudName.parse("nowhere"), won)]);
    assert.deepEqual(await read(), { ...pushed, push: { ...pushOf(won), answered } });
    assert.equal(await push("p9", 1, won), true, "after the one read");
  });

  test("the pushes in one cloud are read by the names of their stacks", async () => {
    const store = await stores();
    const { name, athens, oslo } = names();
    const other = StackName.parse(`${name}-b`);
    for (const stack_name of [name, other]) {
      const shares = [athens, oslo].map((cloud) => shareOf(stack_name, cloud, 1));
      const status = statusOf(stack_name, 1);
      await store.saveReconciled(reconciled({ status, declaration: undefined, shares }));
    }
    const fence = { version: 1, push_id_read: undefined, attempts: 1, retry_at: at(30) };
    await store.savePushes([{ stack_name: name, cloud: athens, push: pushOf("a1"), ...fence }]);
    assert.deepEqual(
      await store.readPushes(athens, [name, other, "never-declared"]),
      new Map([[name, pushOf("a1")]]),
    );
    assert.deepEqual(await store.readPushes(oslo, [name]), new Map());
  });

  test("of pushes and answers that go together, each still wins or loses for itself", async () => {
    const store = await stores();
    const { name, athens, oslo } = names();
    const shares = [athens, oslo].map((cloud) => shareOf(name, cloud, 1));
    const run = { declaration: undefined, status: statusOf(name, 1) };
    await store.saveReconciled(reconciled({ ...run, shares }));
    const write = (cloud: CloudName, id: string, push_id_read?: string) => {
      const fence = { version: 1, push_id_read, attempts: 1, retry_at: at(30) };
      return { stack_name: name, cloud, push: pushOf(id), ...fence };
    };
    const both = await store.savePushes([write(athens, "a1"), write(oslo, "o1")]);
    assert.deepEqual([...both], ["a1", "o1"]);
    const one = await store.savePushes([write(athens, "a2", "a0"), write(oslo, "o2", "o1")]);
    assert.deepEqual([...one], ["o2"]);
    const answered = { at: at(3), outcome: "accepted" } as const;
    const answer = (cloud: CloudName, push_id: string) => ({ cloud, push_id, answered });
    const pushes = async () => {
      const read = await store.readShares(
        [athens, oslo].map((cloud) => ({ stack_name: name, cloud })),
      );
      return new Map(read.map(({ cloud, push }) => [cloud, push]));
    };
    await store.saveAnswers(name, [answer(athens, "a1"), answer(oslo, "o1")]);
    assert.deepEqual((await pushes()).get(athens), { ...pushOf("a1"), answered });
    assert.deepEqual((await pushes()).get(oslo), pushOf("o2"), "an answer to another push");
    await store.saveAnswers(name, [answer(athens, "a1"), answer(oslo, "o2")]);
    assert.deepEqual((await pushes()).get(oslo), { ...pushOf("o2"), answered });
  });

  test("a reconcile leaves the push alone, and loses to one it did not read", async () => {
    const store = await stores();
    const { name, athens, oslo } = names();
    const write = (version: number, own: Partial<Share>, push_id_read: string | undefined) => {
      const share = { ...shareOf(name, athens, version), ...own };
      return store.saveReconciled({
        ...reconciled({ status: statusOf(name, version), declaration: undefined, shares: [] }),
        version_read: version === 1 ? undefined : version - 1,
        shares: [{ share, push_id_read }],
      });
    };
    const place = { stack_name: name, cloud: athens };
    const blocked = { class: "stack", code: "c", message: "m", since: at(0), witness: "" } as const;
    assert.equal(await write(1, { blocked, retry_at: at(9) }, undefined), true);
    const fence = { version: 1, push_id_read: undefined, attempts: 1, retry_at: at(30) };
    await store.savePushes([{ ...place, push: pushOf("p1"), ...fence }]);
    assert.equal(await write(2, {}, undefined), false, "it did not know of p1");
    assert.equal((await store.readStackView(name)).status?.version, 1, "nothing was written");
    assert.equal(await write(2, { push: pushOf("mine") }, "p1"), true);
    const share = { ...shareOf(name, athens, 2), push: pushOf("p1") };
    assert.deepEqual(await store.readShares([place]), [share], "what was undefined is gone");
    const old = { ...place, push: pushOf("p2"), ...fence, push_id_read: "p1" };
    assert.equal((await store.savePushes([old])).size, 0, "the first run's version is over");

    const remove = (push_id_read: string | undefined) =>
      store.saveReconciled({
        ...reconciled({ status: statusOf(name, 3), declaration: undefined }),
        version_read: 2,
        removed: [
          { cloud: athens, push_id_read },
          { cloud: oslo, push_id_read: undefined },
        ],
      });
    await store.saveSeen(seenOf(athens, name, 1), undefined);
    assert.equal(await remove("p0"), false);
    assert.deepEqual(await store.readShares([place]), [share]);
    assert.equal(await remove("p1"), true);
    assert.deepEqual(await store.readShares([place]), []);
    assert.deepEqual(await store.readSeenAt([place]), []);
  });

  test("as many clouds as a stack may have are written at once, old ones let go, and all is told", async () => {
    const store = await stores();
    const { name, athens } = names();
    const clouds = Array.from({ length: 90 }, (_, i) =>
      CloudName.parse(`c${i}-${athens}`.slice(0, 63)),
    );
    const shares = clouds.slice(0, 45).map((cloud) => shareOf(name, cloud, 1));
    const removed = clouds.slice(45).map((cloud) => ({ cloud, push_id_read: undefined }));
    const told = shares.map(() => eventOf({ stack_name: name }));
    const write = reconciled({
      status: statusOf(name, 1),
      declaration: undefined,
      shares,
      events: told,
    });
    assert.equal(await store.saveReconciled({ ...write, removed }), true);
    assert.equal((await store.readStackView(name)).shares.length, 45);
    assert.equal((await store.listStackEvents(name, { limit: 100 })).events.length, 45);
  });

  test("of what was seen, whoever builds on what is there wins, once", async () => {
    const store = await stores();
    const { name, athens } = names();
    const save = (second: number, previous?: number) =>
      store.saveSeen(
        seenOf(athens, name, second),
        previous === undefined ? undefined : at(previous),
      );
    assert.equal(await save(5, 4), false);
    assert.equal(await save(5), true);
    assert.equal(await save(6), false);
    const many = await Promise.all([9, 7, 8, 6].map((second) => save(second, 5)));
    assert.equal(many.filter((isSaved) => isSaved).length, 1);
    assert.equal(await save(10, 5), false);
  });

  test("a testimony is saved over the one that was read, with its event, and is in the stack's view", async () => {
    const { saveTestimony, readTestimonies, readStackView, saveStack, listStackEvents } =
      await stores();
    const { name, constructor_, toString_ } = names();
    const witnesses = { [constructor_]: { tcp: "a.example:80" } };
    const stack: Stack = { ...stackOf(name, { [constructor_]: 0.5, [toString_]: 0.5 }), witnesses };
    const declared = eventOf({ stack_name: name });
    await saveStack({ stack, previous: undefined, event: declared });
    assert.equal((await readStackView(name)).testimonies, undefined);
    const testimony = (second: number): Testimony => ({
      ...{ cloud: constructor_, stack_name: name, target: "a.example:80", finding: "silent" },
      ...{ at: at(second), since: at(0), misses: second, abstentions: 0 },
    });
    assert.equal(await saveTestimony(testimony(1), undefined, []), true);
    assert.equal(await saveTestimony(testimony(2), undefined, []), false, "there is one");
    const event = eventOf({ type: "workload.silent", stack_name: name, cloud: constructor_ });
    assert.equal(await saveTestimony(testimony(2), at(1), [event]), true);
    assert.equal(await saveTestimony(testimony(3), at(1), [eventOf({ stack_name: name })]), false);
    const own = (await readTestimonies(constructor_)).filter(
      ({ stack_name }) => stack_name === name,
    );
    assert.deepEqual(own, [testimony(2)]);
    assert.deepEqual(
      [...((await readStackView(name)).testimonies ?? [])],
      [[constructor_, testimony(2)]],
    );
    const told = (await listStackEvents(name, { limit: 9 })).events.map(({ type }) => type);
    assert.deepEqual(told.sort(), ["stack.declared", "workload.silent"]);
  });

  test("votes and verdicts are saved over the one that was read, verdicts with their events", async () => {
    const store = await stores();
    const { athens, oslo } = names();
    const [home, agent] = ["home", "agent"].map((name) => VantageName.parse(name));
    assert.ok(home !== undefined && agent !== undefined);
    const vote = (cloud: CloudName, vantage: VantageName, second: number): Vote => ({
      cloud,
      vantage,
      vote: "silent",
      at: at(second),
      since: at(0),
      misses: second,
      successes: 0,
      abstentions: 0,
      fault: { class: "path", code: "refused", message: "m", unsent: true },
    });
    assert.equal(await store.saveVote(vote(athens, home, 1), undefined), true);
    assert.equal(await store.saveVote(vote(athens, home, 2), undefined), false);
    assert.equal(await store.saveVote(vote(athens, home, 2), at(0)), false);
    assert.equal(await store.saveVote(vote(athens, home, 2), at(1)), true);
    assert.equal(await store.saveVote(vote(athens, agent, 3), undefined), true);
    assert.deepEqual(await store.readVotes([athens, oslo], [home]), [vote(athens, home, 2)]);
    assert.equal((await store.listVotes(athens)).length, 2);

    const event = (second: number) =>
      eventOf({ cloud: athens, at: at(second), type: "cloud.reachable", message: `${second}` });
    assert.equal(await store.saveVerdict(verdictOf(athens, 1), undefined, [event(1)]), true);
    assert.equal(await store.saveVerdict(verdictOf(athens, 2), undefined, [event(2)]), false);
    const verdict = { ...verdictOf(athens, 3), votes: [vote(athens, home, 2)] };
    assert.equal(await store.saveVerdict(verdict, at(1), [event(3)]), true);
    assert.deepEqual(await store.readVerdict(athens), verdict);
    assert.equal(await store.saveVerdict(verdictOf(athens, 4), at(3), []), true);
    assert.equal(await store.removeVerdict(athens, at(3), [event(5)]), false);
    assert.equal(await store.removeVerdict(athens, at(4), [event(6)]), true);
    assert.equal(await store.readVerdict(athens), undefined);
    const { events: told } = await store.listCloudEvents(athens, { limit: 10 });
    assert.deepEqual(
      told.map(({ message }) => message),
      ["6", "3", "1"],
    );
  });

  test("orders are written only while those for other clouds are the ones that were read", async () => {
    const store = await stores();
    const { athens, oslo } = names();
    const drained = (cloud: CloudName, second: number) => ({
      cloud,
      drained: true,
      at: at(second),
    });
    const on = (cloud: CloudName, time?: Time) => new Map([[cloud, time]]);
    const [first, second] = await Promise.all([
      store.saveOrders(drained(athens, 1), undefined, [], on(oslo)),
      store.saveOrders(drained(oslo, 1), undefined, [], on(athens)),
    ]);
    assert.ok(!(first && second), "not both");
    await store.saveOrders(drained(athens, 2), first ? at(1) : undefined, []);
    assert.equal(await store.saveOrders(drained(oslo, 3), undefined, [], on(athens)), false);
    assert.equal(await store.saveOrders(drained(oslo, 3), undefined, [], on(athens, at(1))), false);
    const previous = (await store.readOrders(oslo))?.at;
    assert.equal(await store.saveOrders(drained(oslo, 3), previous, [], on(athens, at(2))), true);
  });

  test("a vantage goes with its votes, unless one of them is newer, and what counts a vote is read at once", async () => {
    const store = await stores();
    const { athens, oslo } = names();
    const vantage = VantageName.parse(`v-${athens}`.slice(0, 60));
    const home = VantageName.parse("home");
    const voteOf = (cloud: CloudName, of: VantageName, second: number): Vote => {
      const counters = { misses: 0, successes: 1, abstentions: 0 };
      return { cloud, vantage: of, vote: "up", at: at(second), since: at(0), ...counters };
    };
    assert.deepEqual(await store.readVoting(athens, vantage), {
      isKnown: false,
      orders: undefined,
      vantage: undefined,
      vote: undefined,
      home: undefined,
    });
    const registered = { vantage, registered_at: at(1), kind: "agent" } as const;
    await store.registerVantage(registered, []);
    const [own, other, homes] = [
      voteOf(athens, vantage, 1),
      voteOf(oslo, vantage, 1),
      voteOf(athens, home, 1),
    ];
    for (const vote of [own, other, homes]) await store.saveVote(vote, undefined);
    await store.saveVerdict(verdictOf(athens, 1), undefined, []);
    const orders = { cloud: athens, drained: false, at: at(1) };
    await store.saveOrders(orders, undefined, []);
    assert.deepEqual(await store.readVoting(athens, vantage), {
      isKnown: true,
      orders,
      vantage: registered,
      vote: own,
      home: homes,
    });
    assert.deepEqual((await store.readVoting(athens, home)).vote, homes);
    const event = eventOf({ vantage, type: "vantage.removed" });
    await store.saveVote(voteOf(oslo, vantage, 2), at(1));
    assert.equal(await store.removeVantage(vantage, [own, other], [event]), false);
    assert.equal((await store.readVotes([athens, oslo], [vantage])).length, 2);
    const newest = voteOf(oslo, vantage, 2);
    assert.equal(await store.removeVantage(vantage, [own, newest], [event]), true);
    assert.deepEqual(await store.readVotes([athens, oslo], [vantage]), []);
    assert.deepEqual(await store.readVotes([athens], [home]), [homes]);
    const left = (await store.listVantages()).filter((one) => one.vantage === vantage);
    assert.deepEqual(left, []);
    assert.equal(await store.removeVantage(vantage, [], [event]), false, "it is gone");
    assert.ok(await store.table.get(keys.event(event)));
  });

  test("the board holds what a tick needs, and one unreadable item spoils nobody else's", async () => {
    const store = await stores();
    const { name, athens } = names();
    const stack = stackOf(name, { [athens]: 1 });
    await store.saveStack({ stack, previous: undefined, event: eventOf({ stack_name: name }) });
    const status = statusOf(name, 1);
    await store.saveReconciled(reconciled({ status }));
    await store.saveVerdict(verdictOf(athens, 1), undefined, []);
    const orders = { cloud: athens, drained: false, at: at(1) };
    await store.saveOrders(orders, undefined, []);
    assert.equal(await store.saveOrders(orders, undefined, []), false);
    assert.deepEqual(await store.readOrders(athens), orders);
    const vantage = VantageName.parse(`v-${athens}`.slice(0, 60));
    const told = (message: string) => [eventOf({ vantage, type: "vantage.registered", message })];
    assert.equal(await store.registerVantage({ vantage, registered_at: at(1) }, told("1")), true);
    assert.equal(await store.registerVantage({ vantage, registered_at: at(2) }, told("2")), false);
    const broken = StackName.parse(`broken-${name}`);
    await store.table.write({ put: { ...keys.stack(broken), schema: 1, stack_name: broken } });

    const board = await store.readBoard();
    const own = <T>(all: T[], is: (each: T) => boolean) => all.filter(is);
    assert.deepEqual(
      own(board.stacks, (each) => each.stack_name === name),
      [stack],
    );
    assert.deepEqual(
      own(board.statuses, (each) => each.stack_name === name),
      [status],
    );
    assert.deepEqual(
      own(board.verdicts, (each) => each.cloud === athens),
      [verdictOf(athens, 1)],
    );
    assert.deepEqual(
      own(board.orders, (each) => each.cloud === athens),
      [orders],
    );
    const registered = { vantage, registered_at: at(1) };
    assert.deepEqual(
      own(board.vantages, (each) => each.vantage === vantage),
      [registered],
    );
    await assert.rejects(store.readStack(broken), /STACK \/ broken-web.* cannot be read/);
    await store.table.write({ remove: keys.stack(broken) });
  });

  test("histories come newest first, page by page, over midnight, back to a time", async () => {
    const store = await stores();
    const { name, athens } = names();
    // Days of its own, long after all others.
    const year = 2100 + Math.floor(Math.random() * 7000);
    const days = ["01", "01", "02", "04", "04", "04"].map((day) => `${year}-03-${day}`);
    const all = days.map((day, i) =>
      eventOf({ stack_name: name, at: at(i, day), message: `${i}` }),
    );
    const stack = stackOf(name, {});
    for (const [i, event] of all.entries()) {
      const previous = i === 0 ? undefined : { uid: "u1", generation: i };
      await store.saveStack({ stack: { ...stack, generation: i + 1 }, previous, event });
    }
    const cloudEvent = eventOf({ cloud: athens, at: at(9, `${year}-03-04`), message: "cloud" });
    await store.saveOrders({ cloud: athens, drained: true, at: at(1) }, undefined, [cloudEvent]);
    const now = new Date(`${year}-03-05T00:00:00Z`);

    type Asked = Parameters<typeof store.listEvents>[0];
    const paged = async (
      list: (asked: Asked) => ReturnType<typeof store.listEvents>,
      since?: Time,
    ) => {
      const found: string[] = [];
      for (let marker: string | undefined; ; ) {
        const page = await list({ now, since, limit: 2, marker });
        found.push(...page.events.map(({ message }) => message));
        if (page.next === undefined) return found;
        marker = page.next;
      }
    };
    const ofStack = (asked: Asked) => store.listStackEvents(name, asked);
    assert.deepEqual(await paged(ofStack), ["5", "4", "3", "2", "1", "0"]);
    assert.deepEqual(await paged(ofStack, at(4, `${year}-03-04`)), ["5", "4"]);
    assert.deepEqual(await paged((asked) => store.listCloudEvents(athens, asked)), ["cloud"]);
    // The index is eventually consistent.
    for (let i = 0; i < 50 && (await paged(store.listEvents)).length < 7; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.deepEqual(await paged(store.listEvents), ["cloud", "5", "4", "3", "2", "1", "0"]);
    assert.deepEqual(await paged(store.listEvents, at(2, `${year}-03-02`)), [
      "cloud",
      "5",
      "4",
      "3",
      "2",
    ]);
    const later = new Date(`${year}-04-02T13:00:00Z`);
    const kept = await store.listEvents({ now: later, limit: 10 });
    assert.deepEqual(
      kept.events.map(({ message }) => message),
      ["cloud", "5", "4", "3"],
    );
    const item = await store.table.get(keys.event(cloudEvent));
    assert.equal(item?.expires_at, Date.parse(`${year}-04-03T12:00:09Z`) / 1000);
  });

  test("10. Explained: an event keeps its evidence, from which the same follows again", async () => {
    const store = await stores();
    const one = await outage();
    const now = one.time.now();
    const { events: told } = await eventTable(one.table).listEvents({ now, limit: 1000 });
    const decided = told.filter(({ evidence }) => evidence !== undefined);
    assert.ok(decided.length > 5);
    for (const event of decided) {
      await store.table.write(eventPut(event));
      // The index is eventually consistent.
      let read = await store.readEvent(event.id);
      for (let i = 0; i < 50 && read === undefined; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        read = await store.readEvent(event.id);
      }
      assert.deepEqual(read, event);
      assert.deepEqual(contradictions(event), []);
    }
    const [last, before] = decided;
    assert.ok(last && before);
    assert.deepEqual(await store.listLaterEvents(before.id, { limit: 1 }), [last]);
    assert.equal(await store.readEvent(ulid(at(0), 0)), undefined);
  });
}

function reconciled(
  own: Pick<Reconciled, "status"> & {
    version_read?: number | undefined;
    shares?: Share[];
    events?: Event[];
    declaration?: Reconciled["declaration"];
  },
): Reconciled {
  return {
    version_read: own.version_read,
    removed: [],
    status: own.status,
    events: own.events ?? [],
    shares: (own.shares ?? []).map((share) => ({ share, push_id_read: undefined })),
    declaration: "declaration" in own ? own.declaration : { uid: "u1", generation: 1 },
  };
}
