import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CloudName } from "../../lib/cloud/schema.ts";
import { contradictions } from "../../lib/event/replay.ts";
import type { AllocationEvidence, Event } from "../../lib/event/schema.ts";
import { Policy } from "../../lib/stack/schema.ts";
import { keepsShare } from "../../lib/stack/workload.ts";
import { type World, world } from "../support/world.ts";

const MINUTE = 60_000;
const thirds = { athens: 0.6, lisbon: 0.2, manchester: 0.2 };
const witnesses = { athens: { tcp: "athens:80" } };

/** Ten instances at 6/2/2 in quiet clouds, with a witness in athens. */
async function quiet(more: object = {}): Promise<World> {
  const one = world();
  for (const cloud of one.clouds) one.of(cloud).add("web", 1);
  await one.tick();
  await one.declare({ count: 10, weights: thirds, witnesses, ...more } as never);
  await one.pass(2 * MINUTE);
  assert.deepEqual(one.counts(), [6, 2, 2]);
  return one;
}

async function messageOf(one: World, type: string): Promise<string | undefined> {
  const condition = await one.condition(type);
  return condition?.status ? condition.message : undefined;
}

/** What an event of the stack rested on, as the table has it. */
async function evidenceOf(one: World, id: string): Promise<AllocationEvidence | undefined> {
  const item = one.table.peek({ pk: "STACK#web", sk: `EVENT#${id}` });
  const { evidence } = item as unknown as Event;
  return evidence?.of === "allocation" ? evidence : undefined;
}

function alarmsOf(one: World): string[] {
  return one.events.filter(({ alarm }) => alarm).map(({ type }) => type);
}

describe("a cloud whose Heat is silent", () => {
  test("keeps its share while its workload answers, and the stack says so", async () => {
    const one = await quiet();
    one.of("athens").network = "refused";
    await one.pass(10 * MINUTE);
    assert.equal((await one.verdict("athens"))?.verdict, "unreachable");
    assert.deepEqual(await one.desired(), [6, 2, 2]);
    assert.deepEqual(one.counts(), [6, 2, 2], "nothing was pushed anywhere");
    assert.equal(await one.state(), "held");
    const since = (await one.verdict("athens"))?.since.slice(11, 16);
    const says = `athens: control plane unreachable since ${since}, workload answers`;
    assert.equal(await messageOf(one, "held"), says);
    assert.equal(await messageOf(one, "failed_over"), undefined);
    one.of("athens").network = "up";
    await one.pass(3 * MINUTE);
    assert.equal(await one.state(), "converged");
    const moves = one.types().filter((type) => type === "stack.reallocated");
    assert.equal(moves.length, 1, "the declaration's own");
  });

  test("loses it as soon as its workload is silent too, no later than without a witness", async () => {
    const [one, other] = [await quiet(), await quiet({ witnesses: undefined })];
    for (const each of [one, other]) {
      Object.assign(each.of("athens"), { network: "hang", workload: "hangs" });
      await each.pass(30_000);
      assert.deepEqual(await each.desired(), [0, 5, 5]);
    }
    assert.match((await messageOf(one, "failed_over")) ?? "", /athens is unreachable .* silent$/);
    assert.ok(one.types().includes("workload.silent"));
    const moved = one.events.findLast(({ type }) => type === "stack.reallocated");
    assert.match(
      moved?.message ?? "",
      /athens is unreachable since \d\d:\d\d and its workload is silent$/,
    );
    assert.deepEqual(alarmsOf(one), ["cloud.unreachable"], "that is all there is to hear of");
  });

  test("loses it later, when its workload falls silent later; and no answer brings it back, but Heat's", async () => {
    const one = await quiet();
    one.of("athens").network = "refused";
    await one.pass(3 * MINUTE);
    one.of("athens").workload = "silent";
    await one.pass(MINUTE);
    assert.deepEqual(await one.desired(), [0, 5, 5]);
    const alarms = ["cloud.unreachable", "stack.reallocated"];
    assert.deepEqual(alarmsOf(one), alarms, "who heard that it stays hears that it goes");
    for (const workload of ["answers", "silent", "answers"] as const) {
      one.of("athens").workload = workload;
      await one.pass(2 * MINUTE);
      assert.deepEqual(await one.desired(), [0, 5, 5]);
    }
    assert.match(
      (await messageOf(one, "failed_over")) ?? "",
      /its workload answers, and its share stays/,
    );
    assert.deepEqual(alarmsOf(one), alarms, "what moves nothing alarms nobody");
    const facts = one.types().filter((type) => type.startsWith("workload."));
    assert.deepEqual(facts, [
      "workload.silent",
      "workload.answers",
      "workload.silent",
      "workload.answers",
    ]);
    one.of("athens").network = "up";
    await one.pass(5 * MINUTE);
    assert.deepEqual(one.counts(), [6, 2, 2]);
    assert.equal(await one.state(), "converged");
  });

  test("loses it where the witness cannot be asked: it has no say", async () => {
    const one = await quiet();
    Object.assign(one.of("athens"), { network: "refused", workload: "unknown" });
    await one.pass(MINUTE);
    assert.deepEqual(await one.desired(), [0, 5, 5]);
    assert.match((await messageOf(one, "failed_over")) ?? "", /its witness cannot be asked/);
    assert.deepEqual(alarmsOf(one), ["cloud.unreachable"]);
  });

  test("loses it later where the witness can be asked no more, which is an alarm too", async () => {
    const one = await quiet();
    one.of("athens").network = "refused";
    await one.pass(3 * MINUTE);
    one.of("athens").workload = "unknown";
    await one.pass(MINUTE);
    assert.deepEqual(await one.desired(), [0, 5, 5]);
    assert.deepEqual(alarmsOf(one), ["cloud.unreachable", "stack.reallocated"]);
  });

  test("loses it to a person who drains it, which is no alarm", async () => {
    const one = await quiet();
    one.of("athens").network = "refused";
    await one.pass(3 * MINUTE);
    await one.drain("athens");
    await one.pass(MINUTE);
    assert.deepEqual(await one.desired(), [0, 5, 5]);
    assert.deepEqual(alarmsOf(one), ["cloud.unreachable"]);
  });

  test("is told of in every reallocation meanwhile, with what its witness had said", async () => {
    const one = await quiet();
    one.of("athens").network = "refused";
    await one.pass(2 * MINUTE);
    await one.declare({ count: 20 });
    await one.pass(MINUTE);
    const moved = one.events.findLast(({ type }) => type === "stack.reallocated");
    assert.match(
      moved?.message ?? "",
      /because generation 2 asks for 20 in 3 clouds; athens keeps its share \(control plane unreachable since \d\d:\d\d, workload answers\)$/,
    );
    const stored = await evidenceOf(one, moved?.id ?? "");
    const athens = stored?.clouds.find(({ cloud }) => cloud === "athens");
    assert.equal(stored?.evidence, "api_and_workload");
    assert.equal(athens?.witness?.said?.finding, "answers");
    assert.ok(stored && moved);
    assert.deepEqual(contradictions({ ...moved, evidence: stored }), []);
    const clouds = stored.clouds.map((own) =>
      own.witness?.said
        ? {
            ...own,
            witness: { said: { ...own.witness.said, misses: 3, finding: "silent" as const } },
          }
        : own,
    );
    assert.deepEqual(contradictions({ ...moved, evidence: { ...stored, clouds } }), [
      "by what its witness had said athens does not keep its share",
    ]);
  });

  test("is shown as what it is: not known yet, then answering, each told once", async () => {
    const one = await quiet();
    one.of("athens").network = "refused";
    one.of("athens").workload = "silent";
    await one.pass(20_000);
    one.of("athens").workload = "answers";
    await one.pass(3 * MINUTE);
    const held = one.events.filter(({ type }) => type === "share.held");
    assert.ok(held.length >= 1 && held.length <= 2);
    assert.match(held.at(-1)?.message ?? "", /workload answers$/);
  });

  test("has its witness asked while all is well, too, and nothing follows from it", async () => {
    const one = await quiet();
    one.of("athens").workload = "unknown";
    await one.pass(2 * MINUTE);
    const said = (await one.view()).testimonies?.get(CloudName.parse("athens"));
    assert.deepEqual([said?.finding, said?.fault?.code], ["abstains", "no_such_name"]);
    assert.equal(await one.state(), "converged");
    assert.ok(!one.types().some((type) => type.startsWith("workload.")));
  });

  test("keeps nothing where it is a standby that has nothing", () => {
    const own = { weight: 0, isDrained: false, isMissing: false, workload: "answers" as const };
    assert.equal(keepsShare({ ...own, share: { desired: 0 } }), false);
    assert.equal(keepsShare({ ...own, share: { desired: 2 } }), true);
    assert.equal(keepsShare({ ...own, weight: 0.5, share: { desired: 0 } }), true);
  });

  test("that is drained is drained, whatever its workload says", async () => {
    const one = await quiet();
    one.of("athens").network = "refused";
    await one.pass(2 * MINUTE);
    await one.drain("athens");
    await one.pass(MINUTE);
    assert.deepEqual(await one.desired(), [0, 5, 5]);
    const said = await messageOf(one, "failed_over");
    assert.match(said ?? "", /^athens is unreachable since [^,]*$/);
  });

  test("keeps it no longer than two silences where two misses lose a cloud", async () => {
    const one = world({ misses: 2 });
    for (const cloud of one.clouds) one.of(cloud).add("web", 1);
    await one.tick();
    await one.declare({ count: 10, weights: thirds, witnesses } as never);
    await one.pass(2 * MINUTE);
    Object.assign(one.of("athens"), { network: "hang", workload: "hangs" });
    await one.pass(20_000);
    assert.deepEqual(await one.desired(), [0, 5, 5]);
    assert.ok(!one.types().includes("share.held"), "it was known at once");
  });

  test("loses it at once where Heat alone is the evidence", async () => {
    const one = await quiet({ policy: Policy.parse({ evidence: "api" }) });
    one.of("athens").network = "refused";
    await one.pass(MINUTE);
    assert.deepEqual(await one.desired(), [0, 5, 5]);
  });

  test("is asked nothing new of, and another loss goes to the clouds that can be pushed", async () => {
    const one = await quiet();
    one.of("athens").network = "refused";
    await one.pass(2 * MINUTE);
    await one.declare({ count: 20 });
    await one.pass(2 * MINUTE);
    assert.deepEqual(await one.desired(), [12, 4, 4]);
    assert.deepEqual(one.counts(), [6, 4, 4]);
    await one.drain("lisbon");
    await one.pass(2 * MINUTE);
    assert.deepEqual(await one.desired(), [12, 0, 8]);
    await one.drain("lisbon", false);
    one.of("athens").network = "up";
    await one.pass(5 * MINUTE);
    assert.deepEqual(one.counts(), [12, 4, 4]);
    assert.equal(await one.state(), "converged");
  });

  test("is not judged by a tick that hears nothing from anywhere: that is us", async () => {
    const one = await quiet();
    const said = () => one.table.peekAll("CLOUD#athens", "WITNESS#");
    const before = said();
    for (const cloud of one.clouds) one.of(cloud).network = "refused";
    one.of("athens").workload = "silent";
    await one.pass(3 * MINUTE);
    assert.deepEqual(await one.desired(), [6, 2, 2]);
    assert.deepEqual(said(), before, "it is us");
  });
});
