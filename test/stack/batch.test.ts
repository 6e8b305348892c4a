import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CloudName } from "../../lib/cloud/schema.ts";
import { type BatchDeps, type NamedBy, reconcileBatch } from "../../lib/stack/batch.ts";
import { reconcileStack } from "../../lib/stack/reconcile.ts";
import { StackName } from "../../lib/stack/schema.ts";
import { keys } from "../../lib/table/keys.ts";
import { type World, world } from "../support/world.ts";

const MINUTE = 60_000;
const weights = { athens: 0.5, lisbon: 0.5 } as Record<CloudName, number>;
const web = StackName.parse("web");
const api = StackName.parse("api");

/** Stacks of these names over two clouds, judged, declared and in place at 1 and 1. */
async function stacks(names: string[]): Promise<World> {
  const one = world({ clouds: ["athens", "lisbon"] });
  for (const cloud of ["athens", "lisbon"]) for (const name of names) one.of(cloud).add(name, 1);
  await one.pass(10_000);
  for (const name of names) await one.declare({ count: 2, weights }, name);
  await one.pass(MINUTE);
  return one;
}

/** One run over these records; what it answers. */
async function batch(
  one: World,
  records: NamedBy[],
  change: (deps: BatchDeps) => Partial<BatchDeps> = () => ({}),
): Promise<string[]> {
  const failed: string[] = [];
  await one.run("batch", async (owner) => {
    const deps = one.depsOf(owner);
    failed.push(...(await reconcileBatch({ ...deps, ...change(deps) }, records)));
  });
  return failed;
}

/** Makes whatever reads the shares of this stack throw. */
async function poison(one: World, name: StackName): Promise<void> {
  const key = keys.share(name, "athens" as CloudName);
  await one.table.write({ update: key, set: { desired: "seven" } });
}

const fact = {
  id: "01KDVDNKVYXWAHTV1GMTZP2YET",
  at: "2026-01-01T00:00:00.000Z",
  type: "stack.declared" as const,
  stack_name: web,
  message: "declared",
  changes: [],
  cause: "a test",
};

describe("a batch of records", () => {
  test("reconciles every stack that it names, once", async () => {
    const one = await stacks(["web", "api"]);
    await one.declare({ count: 4 }, "web");
    await one.declare({ count: 6 }, "api");
    let views = 0;
    const failed = await batch(
      one,
      [
        { sequence: "1", stack: web },
        { sequence: "2", stack: api },
        { sequence: "3", stack: web },
        { sequence: "4", cloud: "athens" as CloudName },
        { sequence: "5" },
      ],
      ({ readStackView }) => ({
        readStackView: (name) => {
          views += 1;
          return readStackView(name);
        },
      }),
    );
    assert.deepEqual(failed, []);
    assert.equal(views, 2);
    assert.deepEqual(
      [one.counts("web"), one.counts("api")],
      [
        [2, 2],
        [3, 3],
      ],
    );
  });

  test("a cloud names every stack that weighs it", async () => {
    const one = await stacks(["web", "api", "left"]);
    await one.declare({ weights: { lisbon: 1 } as never }, "left");
    await one.pass(MINUTE);
    const named: string[] = [];
    await batch(one, [{ sequence: "1", cloud: "athens" as CloudName }], ({ readStackView }) => ({
      readStackView: (name) => {
        named.push(name);
        return readStackView(name);
      },
    }));
    assert.deepEqual(named.sort(), ["api", "web"]);
  });

  test("a stack that throws is put aside with a growing pause and an event, and the others go on", async () => {
    const one = await stacks(["web", "api"]);
    await poison(one, web);
    await one.declare({ count: 4 }, "web");
    await one.declare({ count: 4 }, "api");
    const records = [
      { sequence: "1", stack: web },
      { sequence: "2", stack: api },
    ];
    assert.deepEqual(await batch(one, records), []);
    assert.deepEqual(one.counts("api"), [2, 2]);
    const pauses: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const [status] = await one.stores.readStatuses([web]);
      const due = Date.parse(status?.due_at ?? "") - one.time.now().getTime();
      pauses.push(Math.round(due / MINUTE));
      one.time.skip(due);
      assert.deepEqual(await batch(one, [{ sequence: "1", stack: web }]), []);
    }
    assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert.equal(one.thrown.length, 9);
    await one.drainStream();
    const failures = one.types().filter((type) => type === "stack.failed");
    assert.equal(failures.length, one.thrown.length);
  });

  test("a stack that was put aside goes on when it can be read again", async () => {
    const one = await stacks(["web"]);
    await poison(one, web);
    await one.declare({ count: 4 });
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [1, 1]);
    const key = keys.share(web, "athens" as CloudName);
    await one.table.write({ update: key, set: { desired: 1 } });
    await one.pass(5 * MINUTE);
    assert.deepEqual(one.counts(), [2, 2]);
    assert.equal(await one.state(), "converged");
  });

  test("only what the table could not write down comes again", async () => {
    const one = await stacks(["web", "api"]);
    const records = [
      { sequence: "7", stack: web },
      { sequence: "8", stack: api },
      { sequence: "9", stack: web },
    ];
    const down = new Error("the table is down");
    const failed = await batch(one, records, ({ readStackView, readStatuses }) => ({
      readStackView: (name) => (name === web ? Promise.reject(down) : readStackView(name)),
      readStatuses: (names) => (names.includes(web) ? Promise.reject(down) : readStatuses(names)),
    }));
    assert.deepEqual(failed, ["7"]);
    assert.deepEqual(one.thrown, [down]);
  });

  test("facts that the bus refuses come again, and keep no stack waiting", async () => {
    const one = await stacks(["web"]);
    await one.declare({ count: 4 });
    const records = [
      { sequence: "1", event: fact },
      { sequence: "2", stack: web },
      { sequence: "3", event: { ...fact, id: "01KDVDNKVYXWAHTV1GMTZP2YEV" } },
    ];
    const some = await batch(one, records, () => ({ announce: async () => [fact.id] }));
    assert.deepEqual(some, ["1"]);
    assert.deepEqual(one.counts(), [2, 2]);
    const all = await batch(one, records, () => ({
      announce: () => Promise.reject(new Error("no bus")),
    }));
    assert.deepEqual(all, ["1", "3"]);
  });

  test("what does not fit the time left is woken for later", async () => {
    const one = await stacks(["web"]);
    await one.declare({ count: 4 });
    const late = await batch(one, [{ sequence: "1", stack: web }], () => ({
      remainingMs: () => 5_000,
    }));
    assert.deepEqual(late, []);
    assert.deepEqual(one.counts(), [1, 1]);
    await one.drainStream();
    assert.deepEqual(one.counts(), [2, 2]);
  });

  test("after one silence no further call goes to that cloud in the run", async () => {
    const names = ["a", "b", "c", "d", "e"];
    const one = await stacks(names);
    for (const name of names) await one.declare({ count: 4 }, name);
    one.of("lisbon").network = "refused";
    let calls = 0;
    await one.run("one after the other", async (owner) => {
      const deps = one.depsOf(owner);
      const cloudClient: typeof deps.cloudClient = (cloud) => {
        const found = deps.cloudClient(cloud);
        if (!found.ok) return found;
        const { value } = found;
        const showStack: typeof value.showStack = (ref) => {
          if (cloud === "lisbon") calls += 1;
          return value.showStack(ref);
        };
        return { ok: true, value: { ...value, showStack } };
      };
      const memory = { givenUp: new Map() };
      for (const name of names) {
        await reconcileStack({ ...deps, cloudClient }, StackName.parse(name), memory);
      }
    });
    assert.equal(calls, 1);
    assert.deepEqual(
      names.map((name) => one.of("athens").count(name)),
      [2, 2, 2, 2, 2],
    );
  });
});
