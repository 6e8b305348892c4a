import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CloudName } from "../../lib/cloud/schema.ts";
import { reconcileStack } from "../../lib/stack/reconcile.ts";
import { Policy, type Stack, StackName } from "../../lib/stack/schema.ts";
import { type World, world } from "../support/world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const weights = { athens: 0.6, lisbon: 0.2, manchester: 0.2 } as Record<CloudName, number>;
const name = StackName.parse("web");

/** Three clouds with these counts, judged, and nothing declared yet. */
async function clouds(counts: number[], options: Parameters<typeof world>[0] = {}): Promise<World> {
  const one = world(options);
  ["athens", "lisbon", "manchester"].forEach((cloud, i) => {
    one.of(cloud).add("web", counts[i] ?? 0);
  });
  await one.pass(10 * SECOND);
  return one;
}

/** 10 instances at .6/.2/.2, in place. */
async function settled(
  change: Partial<Stack> = {},
  options: Parameters<typeof world>[0] = {},
): Promise<World> {
  const one = await clouds([6, 2, 2], options);
  await one.declare({ count: 10, weights, ...change });
  await one.pass(MINUTE);
  assert.equal(await one.state(), change.paused ? "paused" : "converged");
  return one;
}

async function lose(one: World, cloud: string): Promise<void> {
  one.of(cloud).network = "refused";
  await one.pass(MINUTE);
  assert.equal((await one.verdict(cloud))?.verdict, "unreachable");
}

async function back(one: World, cloud: string): Promise<void> {
  one.of(cloud).heal();
  await one.pass(MINUTE);
  assert.equal((await one.verdict(cloud))?.verdict, "reachable");
}

/** The lowest sum of what runs in clouds that answer, from now on. */
function lowest(one: World): { runs: number } {
  const names = ["athens", "lisbon", "manchester"];
  const total = () =>
    names
      .filter((cloud) => one.of(cloud).network !== "refused")
      .reduce((sum, cloud) => sum + one.of(cloud).runs("web"), 0);
  const least = { runs: total() };
  for (const cloud of names) {
    one.of(cloud).onChange = () => {
      least.runs = Math.min(least.runs, total());
    };
  }
  return least;
}

/** The first run deals with what has become due since; the second has nothing to do. */
async function cheapToRepeat(one: World): Promise<void> {
  await one.reconcile();
  const [writes, patches] = [one.writes(), one.patches()];
  await one.reconcile();
  assert.deepEqual([one.writes(), one.patches()], [writes, patches]);
}

describe("spreading", () => {
  test("1/1/1 becomes 6/2/2 with one push each", async () => {
    const one = await clouds([1, 1, 1]);
    await one.declare({ count: 10, weights });
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [6, 2, 2]);
    assert.equal(one.patches(), 3);
    assert.equal(await one.state(), "converged");
    const { status } = await one.view();
    assert.equal(status?.observed_generation, 1);
    assert.equal(status?.old_total, 10);
    assert.equal(status?.due_at, undefined);
  });

  test("scale-downs go last, when the scale-up is in place", async () => {
    const one = await clouds([1, 5, 4], { updateMs: 30 * SECOND });
    const least = lowest(one);
    await one.declare({ count: 10, weights });
    await one.drainStream();
    assert.deepEqual(one.counts(), [6, 5, 4]);
    assert.equal(await one.state(), "held");
    await one.pass(20 * SECOND);
    assert.deepEqual(one.counts(), [6, 5, 4]);
    await one.pass(2 * MINUTE);
    assert.deepEqual(one.counts(), [6, 2, 2]);
    assert.equal(least.runs, 10);
    assert.equal(await one.state(), "converged");
  });

  test("a smaller count goes down at once, a larger one up, and a new generation is observed", async () => {
    const one = await settled();
    await one.declare({ count: 5 });
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [3, 1, 1]);
    await one.declare({ count: 20 });
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [12, 4, 4]);
    assert.equal((await one.view()).status?.observed_generation, 3);
  });

  test("a change while an update runs waits for its end, and then the newest goes", async () => {
    const one = await settled({}, { updateMs: 25 * SECOND });
    for (const count of [20, 30, 40, 50]) {
      await one.declare({ count });
      await one.pass(10 * SECOND);
    }
    await one.pass(3 * MINUTE);
    assert.deepEqual(one.counts(), [30, 10, 10]);
    assert.equal(one.of("athens").overtaken, 0);
  });

  test("a second run writes nothing and pushes nothing, at every stage", async () => {
    const one = await clouds([1, 5, 4], { updateMs: 30 * SECOND });
    await one.declare({ count: 10, weights });
    for (let stage = 0; stage < 8; stage += 1) {
      await one.pass(10 * SECOND);
      await cheapToRepeat(one);
    }
    await lose(one, "manchester");
    await cheapToRepeat(one);
    await back(one, "manchester");
    await cheapToRepeat(one);
  });

  test("half the weights scale nothing down until the rest is given, unless that is meant", async () => {
    const one = await clouds([8, 8, 8]);
    await one.declare({ count: 10, weights: { athens: 0.5 } as never });
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [8, 8, 8]);
    assert.equal((await one.share("athens")).held?.reason, "incomplete");
    await one.declare({ partial: true });
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [5, 8, 8]);
    await one.declare({ weights: { athens: 0.5, lisbon: 0.5 } as never, partial: false });
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [5, 5, 8]);
    assert.equal(await one.state(), "converged");
  });

  test("a removed weight lets go of the cloud, and leaves its heat stack as it is", async () => {
    const one = await settled();
    await one.declare({ weights: { athens: 0.6, lisbon: 0.4 } as never });
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [6, 4, 2]);
    const { shares, status } = await one.view();
    assert.deepEqual(shares.map(({ cloud }) => cloud).sort(), ["athens", "lisbon"]);
    assert.deepEqual([status?.state, status?.open], ["converged", []]);
  });

  test("a weight removed while a push is under way lets go once that has ended", async () => {
    const one = await settled({}, { updateMs: 40 * SECOND });
    await one.declare({ count: 20 });
    await one.pass(10 * SECOND);
    await one.declare({ weights: { athens: 0.6, lisbon: 0.4 } as never });
    await one.pass(10 * SECOND);
    assert.equal((await one.view()).shares.length, 3);
    await one.pass(5 * MINUTE);
    assert.equal((await one.view()).shares.length, 2);
    assert.deepEqual(one.counts(), [12, 8, 4]);
    assert.equal(await one.state(), "converged");
  });

  test("a paused stack pushes nothing, has no due time, and goes on when it is resumed", async () => {
    const one = await settled({ paused: true });
    await one.declare({ count: 20 });
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [6, 2, 2]);
    assert.equal((await one.view()).status?.due_at, undefined);
    assert.equal((await one.share("athens")).held?.reason, "paused");
    await one.declare({ paused: false });
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [12, 4, 4]);
  });

  test("a drain, and an undrain, never take what runs below the count", async () => {
    const one = await settled();
    const least = lowest(one);
    for (const cloud of ["athens", "lisbon"]) {
      await one.drain(cloud);
      await one.pass(2 * MINUTE);
      assert.equal(one.of(cloud).count("web"), 0);
      assert.equal(least.runs, 10);
    }
    await Promise.all([one.drain("athens", false), one.drain("lisbon", false)]);
    await one.drain("manchester");
    await one.pass(3 * MINUTE);
    assert.equal(one.of("manchester").count("web"), 0);
    assert.equal(least.runs, 10);
  });

  test("a drained cloud gives its share to the others, and gets it back", async () => {
    const one = await settled();
    const least = lowest(one);
    await one.drain("manchester");
    await one.pass(2 * MINUTE);
    assert.deepEqual(one.counts(), [7, 3, 0]);
    assert.equal(await one.state(), "converged");
    await one.drain("manchester", false);
    await one.pass(2 * MINUTE);
    assert.deepEqual(one.counts(), [6, 2, 2]);
    assert.equal(least.runs, 10);
  });
});

describe("losing clouds", () => {
  test("the third lost: 7/3, and nothing touches it; it returns: 6/2/2, never below 10", async () => {
    const one = await settled();
    await lose(one, "manchester");
    assert.deepEqual(one.counts(), [7, 3, 2]);
    assert.equal(one.of("manchester").patches.length, 0);
    assert.equal(await one.state(), "failed_over");
    assert.equal((await one.condition("converged"))?.status, true);
    const least = lowest(one);
    await back(one, "manchester");
    assert.deepEqual(one.counts(), [6, 2, 2]);
    assert.equal(least.runs, 10);
    assert.equal(await one.state(), "converged");
  });

  test("a cloud that comes back empty is filled before the others give anything up", async () => {
    const one = await settled({}, { updateMs: 20 * SECOND });
    await lose(one, "manchester");
    one.of("manchester").change("web", 0);
    const least = lowest(one);
    await back(one, "manchester");
    await one.pass(2 * MINUTE);
    assert.deepEqual(one.counts(), [6, 2, 2]);
    assert.equal(least.runs, 10);
  });

  test("failover none leaves the lost share lost", async () => {
    const one = await settled({ policy: Policy.parse({ failover: "none", failback: "manual" }) });
    await lose(one, "manchester");
    assert.deepEqual(one.counts(), [6, 2, 2]);
    assert.deepEqual(await one.desired(), [6, 2, 0]);
    await back(one, "manchester");
    assert.deepEqual(await one.desired(), [6, 2, 2]);
    assert.equal(await one.state(), "converged");
  });

  test("a manual failback waits for its release, counts nothing there, and goes then", async () => {
    const one = await settled({ policy: Policy.parse({ failback: "manual" }) });
    await lose(one, "manchester");
    await back(one, "manchester");
    await one.pass(10 * MINUTE);
    assert.deepEqual(one.counts(), [7, 3, 2]);
    assert.equal(await one.state(), "held");
    assert.equal((await one.share("manchester")).held?.reason, "release");
    assert.equal((await one.view()).status?.due_at, undefined);
    assert.equal(one.of("manchester").patches.length, 0);
    await one.declare({ released: { at: one.time.now().toISOString() } });
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [6, 2, 2]);
    assert.equal(await one.state(), "converged");
    await lose(one, "manchester");
    await back(one, "manchester");
    assert.deepEqual(one.counts(), [7, 3, 2]);
  });

  test("all lost: everything stays as it is, says so, and needs no release to go on", async () => {
    const one = await clouds([6, 2, 2]);
    const policy = Policy.parse({ failback: "manual" });
    await one.declare({ count: 10, weights: { athens: 1 } as never, policy });
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [10, 2, 2]);
    await lose(one, "athens");
    assert.equal(await one.state(), "held");
    assert.equal((await one.share("athens")).held?.reason, "nowhere");
    assert.ok(one.types().includes("share.held"));
    await cheapToRepeat(one);
    await back(one, "athens");
    assert.equal(await one.state(), "converged");
    assert.equal((await one.share("athens")).held, undefined);
  });

  test("a cloud lost while its update runs: stuck is freed by one push after the return", async () => {
    const one = await settled({}, { updateMs: 60 * SECOND });
    await one.declare({ count: 20 });
    await one.drainStream();
    one.of("manchester").die();
    await one.pass(5 * MINUTE);
    assert.deepEqual(await one.desired(), [14, 6, 0]);
    assert.deepEqual(one.counts().slice(0, 2), [14, 6]);
    one.of("manchester").heal();
    await one.pass(12 * MINUTE);
    assert.deepEqual(one.counts(), [12, 4, 4]);
    assert.equal(one.of("manchester").patches.length, 2);
    assert.equal(await one.state(), "converged");
  });
});

describe("what others do to a heat stack", () => {
  test("a count changed behind our back is put right", async () => {
    const one = await settled();
    one.of("athens").change("web", 1);
    await one.pass(2 * MINUTE);
    assert.deepEqual(one.counts(), [6, 2, 2]);
    assert.equal(await one.state(), "converged");
  });

  test("one that somebody keeps changing is put right in growing pauses", async () => {
    const one = await settled();
    for (let minute = 0; minute < 120; minute += 1) {
      if (one.of("athens").count("web") === 6) one.of("athens").change("web", 1);
      await one.pass(MINUTE);
    }
    const { patches } = one.of("athens");
    assert.ok(patches.length >= 4 && patches.length <= 9, `${patches.length} pushes`);
  });

  test("a missing heat stack's share is dealt to the others, and comes back with it", async () => {
    const one = await settled();
    one.of("manchester").remove("web");
    await one.pass(2 * MINUTE);
    assert.deepEqual(one.counts(), [7, 3, undefined]);
    assert.equal(await one.state(), "failed_over");
    assert.equal((await one.verdict("manchester"))?.verdict, "reachable");
    one.of("manchester").add("web", 1);
    await one.pass(3 * MINUTE);
    assert.deepEqual(one.counts(), [6, 2, 2]);
    assert.equal(await one.state(), "converged");
  });

  test("a suspended one is blocked, keeps its place, and goes on when it is resumed", async () => {
    const one = await settled();
    one.of("athens").suspend("web");
    await one.pass(2 * MINUTE);
    assert.equal(await one.state(), "blocked");
    assert.equal((await one.share("athens")).blocked?.code, "suspended");
    assert.deepEqual(await one.desired(), [6, 2, 2]);
    assert.equal((await one.condition("converged"))?.status, false);
    await one.declare({ count: 20 });
    await one.pass(2 * MINUTE);
    assert.deepEqual(one.counts(), [6, 4, 4]);
    one.of("athens").resume("web");
    await one.pass(2 * MINUTE);
    assert.deepEqual(one.counts(), [12, 4, 4]);
    assert.equal(await one.state(), "converged");
  });

  test("a parameter that the template lacks blocks, and is never pushed", async () => {
    const one = await settled();
    await one.declare({ count_parameter: "size" });
    await one.pass(5 * MINUTE);
    assert.equal((await one.share("athens")).blocked?.code, "no_count_parameter");
    assert.equal(one.patches(), 0);
    await one.declare({ count_parameter: "count" });
    await one.pass(MINUTE);
    assert.equal(await one.state(), "converged");
  });

  test("two clouds that lead to one heat stack are both blocked, naming each other", async () => {
    const one = await clouds([6, 2, 2]);
    const lisbon = one.of("lisbon");
    Object.assign(one.of("manchester"), { client: lisbon.client, project: lisbon.project });
    await one.declare({ count: 10, weights });
    await one.pass(MINUTE);
    const blocked = (await one.share("lisbon")).blocked;
    assert.equal(blocked?.code, "same_heat_stack");
    assert.match(blocked?.message ?? "", /lisbon and manchester/);
    assert.equal((await one.share("manchester")).blocked?.code, "same_heat_stack");
    assert.equal(lisbon.patches.length, 0);
  });
});

describe("pushes that go wrong", () => {
  test("a PATCH that is carried out, but not answered, is not repeated", async () => {
    const one = await settled();
    one.of("athens").network = "lost_answers";
    await one.declare({ count: 20 });
    await one.drainStream();
    one.of("athens").network = "up";
    await one.pass(10 * MINUTE);
    assert.deepEqual(one.counts(), [12, 4, 4]);
    assert.equal(one.of("athens").patches.length, 1);
    assert.equal(await one.state(), "converged");
  });

  test("a PATCH that hangs and is carried out minutes later is not repeated", async () => {
    const one = await settled();
    await one.declare({ count: 20 });
    const run = one.lanes();
    one.of("athens").network = "hang";
    const patched = one.of("athens");
    // The read before it still gets through: only the PATCH is caught.
    const client = patched.client;
    patched.client = (owner) => ({
      ...client(owner),
      ...caught(client(owner), () => {
        patched.network = "hang";
      }),
    });
    patched.network = "up";
    await one.time.finish(run);
    one.time.skip(20 * SECOND);
    patched.client = client;
    patched.heal();
    await one.pass(10 * MINUTE);
    assert.deepEqual(one.counts(), [12, 4, 4]);
    assert.equal(patched.patches.length, 1);
    assert.equal(patched.overtaken, 0);
  });

  test("a PATCH without a trace goes again when the five minutes are over, and not before", async () => {
    const one = await settled();
    await dieBeforePatch(one, { count: 20 });
    assert.equal(one.patches(), 0);
    await one.pass(4 * MINUTE + 30 * SECOND);
    assert.equal(one.patches(), 0);
    await one.pass(2 * MINUTE);
    assert.deepEqual(one.counts(), [12, 4, 4]);
    assert.equal(one.patches(), 3);
  });

  test("a refused one is blocked with its reason, tried hourly, and at once when the heat stack changes", async () => {
    const one = await settled();
    one.of("athens").limit = 8;
    await one.declare({ count: 20 });
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [6, 4, 4]);
    assert.equal(await one.state(), "blocked");
    const { blocked } = await one.share("athens");
    assert.equal(blocked?.code, "invalid_parameter");
    assert.match(blocked?.message ?? "", /between 0 and 8/);
    const { patches } = one.of("athens");
    assert.equal(patches.length, 1);
    await cheapToRepeat(one);
    await one.pass(58 * MINUTE);
    assert.equal(patches.length, 1);
    await one.pass(62 * MINUTE);
    assert.equal(patches.length, 3);
    assert.equal(one.types().filter((type) => type === "share.blocked").length, 1);
    one.of("athens").limit = 100;
    one.of("athens").change("web", 7);
    await one.pass(2 * MINUTE);
    assert.deepEqual(one.counts(), [12, 4, 4]);
    assert.equal(await one.state(), "converged");
    assert.ok(one.types().includes("share.unblocked"));
  });

  test("a refused one goes at once when the declaration changes, or when a person asks", async () => {
    const one = await settled();
    one.of("athens").limit = 8;
    await one.declare({ count: 20 });
    await one.pass(MINUTE);
    await one.declare({ count: 14 });
    await one.pass(2 * MINUTE);
    assert.deepEqual(one.counts(), [8, 3, 3]);
    assert.equal(await one.state(), "converged");
    await one.declare({ count: 20 });
    await one.pass(MINUTE);
    assert.equal(await one.state(), "blocked");
    one.of("athens").limit = 100;
    await one.pass(5 * MINUTE);
    assert.equal(await one.state(), "blocked");
    await one.ask();
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [12, 4, 4]);
    assert.equal(await one.state(), "converged");
  });

  test("who asks has every cloud read in full, once", async () => {
    const one = await settled();
    await one.ask();
    const asked = one.time.now().toISOString();
    await one.drainStream();
    const read = (await one.seen("athens"))?.read_at ?? "";
    assert.ok(read > asked);
    await one.drainStream();
    await cheapToRepeat(one);
    await one.pass(5 * MINUTE);
    assert.equal((await one.seen("athens"))?.read_at, read);
  });

  test("asking again for what is refused again pauses again", async () => {
    const one = await settled();
    one.of("athens").limit = 8;
    await one.declare({ count: 20 });
    await one.pass(MINUTE);
    await one.ask();
    await one.pass(30 * MINUTE);
    assert.equal(one.of("athens").patches.length, 2);
  });

  test("a refused share that becomes smaller by a failback is not held by its hour", async () => {
    const one = await settled({ count: 20 }, {});
    one.of("athens").limit = 13;
    await lose(one, "manchester");
    assert.deepEqual(await one.desired(), [14, 6, 0]);
    assert.equal(await one.state(), "blocked");
    await back(one, "manchester");
    assert.deepEqual(one.counts(), [12, 4, 4]);
    assert.equal(await one.state(), "converged");
  });

  test("a failing update is shown, tried again in growing pauses, and mends by itself", async () => {
    const one = await settled();
    one.of("athens").updates = "fails";
    await one.declare({ count: 20 });
    await one.pass(30 * MINUTE);
    const { patches } = one.of("athens");
    assert.ok(patches.length >= 4 && patches.length <= 7, `${patches.length} pushes`);
    assert.equal((await one.share("athens")).blocked?.code, "update_failed");
    assert.equal(one.types().filter((type) => type === "share.blocked").length, 1);
    one.of("athens").updates = "completes";
    await one.pass(HOUR);
    assert.deepEqual(one.counts(), [12, 4, 4]);
    assert.equal(await one.state(), "converged");
  });

  test("one that is rolled back is tried again in growing pauses as well", async () => {
    const one = await settled();
    one.of("athens").updates = "rolls_back";
    await one.declare({ count: 20 });
    await one.pass(30 * MINUTE);
    const { patches } = one.of("athens");
    assert.ok(patches.length >= 4 && patches.length <= 7, `${patches.length} pushes`);
    assert.equal(await one.state(), "blocked");
    one.of("athens").updates = "completes";
    await one.ask();
    await one.pass(MINUTE);
    assert.equal(await one.state(), "converged");
  });

  test("a wrong password blocks the shares there, moves nothing, and goes on when it is mended", async () => {
    const one = await settled();
    one.of("manchester").network = "rejects";
    await one.pass(2 * MINUTE);
    assert.equal((await one.verdict("manchester"))?.verdict, "reachable");
    assert.equal(await one.state(), "blocked");
    assert.deepEqual(one.counts(), [6, 2, 2]);
    await one.declare({ count: 20 });
    await one.pass(2 * MINUTE);
    assert.deepEqual(one.counts(), [12, 4, 2]);
    one.of("manchester").heal();
    one.of("manchester").changeCredentials();
    await one.pass(MINUTE);
    assert.deepEqual(one.counts(), [12, 4, 4]);
    assert.equal(await one.state(), "converged");
  });

  test("what stays blocked wakes the stack in growing pauses", async () => {
    const one = await settled();
    one.of("manchester").network = "rejects";
    await one.pass(5 * MINUTE);
    const statuses = () => one.table.records.filter(({ keys }) => keys.pk === "STATUS").length;
    const before = statuses();
    await one.pass(4 * HOUR);
    assert.ok(statuses() - before <= 12, `${statuses() - before} wakes in four hours`);
  });

  test("a cloud that limits us is not blocked, and gets its push after a pause", async () => {
    const one = await settled();
    one.of("athens").network = "limits";
    await one.declare({ count: 20 });
    await one.pass(MINUTE);
    assert.notEqual(await one.state(), "blocked");
    one.of("athens").heal();
    await one.pass(5 * MINUTE);
    assert.deepEqual(one.counts(), [12, 4, 4]);
  });

  test("a cloud that hangs delays the others by nothing", async () => {
    const one = await settled();
    one.of("manchester").network = "hang";
    await one.declare({ count: 20 });
    await one.drainStream();
    const [athens] = one.of("athens").patches;
    const stack = await one.stores.readStack(name);
    assert.ok(Date.parse(athens?.at ?? "") - Date.parse(stack?.updated_at ?? "") < SECOND);
    assert.deepEqual(one.counts().slice(0, 2), [12, 4]);
  });

  test("a cloud that takes long to answer delays nobody, and gets its share in the same run", async () => {
    const one = await settled();
    one.of("athens").network = "slow";
    await one.declare({ count: 20 });
    await one.drainStream();
    const stack = await one.stores.readStack(name);
    const declaredAt = Date.parse(stack?.updated_at ?? "");
    for (const quick of ["lisbon", "manchester"]) {
      const [patch] = one.of(quick).patches;
      assert.ok(Date.parse(patch?.at ?? "") - declaredAt < SECOND, quick);
    }
    // It is read once, and pushed to: 2 s each.
    const [last] = one.of("athens").patches;
    assert.ok(Date.parse(last?.at ?? "") - declaredAt < 5 * SECOND, "athens");
    assert.deepEqual(one.counts(), [12, 4, 4]);
    await one.pass(MINUTE);
    assert.equal(one.patches(), 3);
    assert.equal(await one.state(), "converged");
  });
});

describe("a cloud that takes long, in a run that waits for another", () => {
  test("is asked again: somebody may have begun an update since it answered", async () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const one = await settled({}, { seed });
      one.of("athens").network = "slow";
      one.of("manchester").network = "hang";
      await one.declare({ count: 20 });
      const run = one.time.start("run", async (owner) => {
        await reconcileStack(one.depsOf(owner), name, { givenUp: new Map() });
      });
      const user = one.time.start("user", async (owner) => {
        await one.time.sleep(owner, 3 * SECOND);
        one.of("athens").change("web", 9);
      });
      await one.time.finish([run, user]);
      assert.equal(run.error(), undefined);
      assert.equal(one.of("athens").overtaken, 0, `seed ${seed}`);
    }
  });
});

describe("functions that die, and lanes that meet", () => {
  test("two lanes on one stack push once", async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const one = await clouds([1, 5, 4], { seed });
      await one.declare({ count: 10, weights });
      const runs = [1, 2, 3].map((lane) =>
        one.time.start(`lane ${lane}`, async (owner) => {
          await reconcileStack(one.depsOf(owner), name, { givenUp: new Map() });
        }),
      );
      await one.time.finish(runs);
      assert.deepEqual(
        runs.map((run) => run.error()),
        [undefined, undefined, undefined],
      );
      assert.equal(one.of("athens").patches.length, 1, `seed ${seed}`);
      await one.pass(2 * MINUTE);
      assert.deepEqual(one.counts(), [6, 2, 2], `seed ${seed}`);
      assert.equal(one.patches(), 3, `seed ${seed}`);
    }
  });

  test("wherever a run dies, what it was at is finished, and no update is overtaken", async () => {
    for (let steps = 1; steps < 60; steps += 1) {
      const one = await clouds([1, 5, 4], { seed: steps });
      await one.declare({ count: 10, weights });
      const runs = one.lanes();
      for (const run of runs) dieAfter(one, run.owner, steps);
      await one.time.finish(runs);
      await one.pass(15 * MINUTE);
      assert.deepEqual(one.counts(), [6, 2, 2], `after ${steps} steps`);
      assert.equal(await one.state(), "converged", `after ${steps} steps`);
      assert.equal(one.of("athens").overtaken, 0);
      assert.ok(one.patches() <= 4, `${one.patches()} pushes after ${steps} steps`);
      await cheapToRepeat(one);
    }
  });
});

describe("declarations that go and come", () => {
  test("a deleted stack leaves its heat stacks, and its shares are gone", async () => {
    const one = await settled();
    await one.forget();
    await one.pass(10 * MINUTE);
    assert.deepEqual(one.counts(), [6, 2, 2]);
    const { shares, status } = await one.view();
    assert.deepEqual(shares, []);
    assert.ok((status?.expires_at ?? 0) > 0);
    one.of("athens").change("web", 1);
    await one.pass(2 * MINUTE);
    assert.equal(one.of("athens").count("web"), 1);
  });

  test("one deleted and re-created under its name starts anew, and ends with its own share", async () => {
    const one = await settled({}, { updateMs: 30 * SECOND });
    await one.declare({ count: 20 });
    await one.pass(10 * SECOND);
    await one.forget();
    await one.drainStream();
    await one.declare({ count: 5, weights });
    await one.pass(5 * MINUTE);
    assert.deepEqual(one.counts(), [3, 1, 1]);
    assert.equal(one.of("athens").overtaken, 0);
    assert.equal(await one.state(), "converged");
    const { stack, status } = await one.view();
    assert.equal(status?.uid, stack?.uid);
    assert.equal(status?.observed_generation, stack?.generation);
  });

  test("a push about to go when the stack is deleted does not go after that was dealt with", async () => {
    const one = await settled();
    await one.declare({ count: 20 });
    await one.pass(MINUTE);
    await one.declare({ count: 30 });
    let deleted: Promise<void> | undefined;
    const slow = one.time.start("slow lane", async (owner) => {
      const deps = one.depsOf(owner);
      const savePushes: typeof deps.savePushes = async (writes) => {
        deleted ??= one.forget().then(() => reconcileStack(deps, name, { givenUp: new Map() }));
        await deleted;
        return deps.savePushes(writes);
      };
      await reconcileStack({ ...deps, savePushes }, name, { givenUp: new Map() });
    });
    await one.time.finish([slow]);
    assert.equal(slow.error(), undefined);
    assert.deepEqual(one.counts(), [12, 4, 4]);
    assert.ok((await one.stores.readStack(name))?.deleted_at);
  });
});

/** Declares a change, and dies with the push written down and nothing sent. */
async function dieBeforePatch(one: World, change: Partial<Stack>): Promise<void> {
  await one.declare(change);
  const run = one.time.start("dies", async (owner) => {
    const deps = one.depsOf(owner);
    await reconcileStack(
      {
        ...deps,
        cloudClient: (cloud) => {
          const found = deps.cloudClient(cloud);
          if (!found.ok) return found;
          const { value } = found;
          return { ok: true, value: { ...value, patchCount: () => new Promise(() => {}) } };
        },
      },
      name,
      { givenUp: new Map() },
    );
  });
  const pushed = async () => (await one.view()).shares.filter(({ push }) => push).length === 3;
  await one.time.finish([
    run,
    one.time.start("watches", async (owner) => {
      while (!(await pushed())) await one.time.turn(owner);
      run.owner.isDead = true;
    }),
  ]);
  await one.drainStream();
}

/** Ends a run after so many of the scheduler's steps. */
function dieAfter(one: World, owner: { isDead: boolean }, steps: number): void {
  one.time.start("reaper", async (own) => {
    for (let step = 0; step < steps; step += 1) await one.time.turn(own);
    owner.isDead = true;
  });
}

function caught(
  client: ReturnType<ReturnType<World["of"]>["client"]>,
  before: () => void,
): Pick<typeof client, "patchCount"> {
  return {
    patchCount: (...args) => {
      before();
      return client.patchCount(...args);
    },
  };
}
