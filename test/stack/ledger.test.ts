import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ledgerOf } from "../../lib/stack/ledger.ts";
import { cloudViews, isDeclared } from "../../lib/stack/view.ts";
import { at, declared, pushOf, type Sketch, settings } from "../support/stack-view.ts";
import { type World, world } from "../support/world.ts";

const MINUTE = 60_000;
const lost = { verdict: { verdict: "unreachable" as const, since: at(-1) } };

function ledger(clouds: Record<string, Sketch>, stack = {}) {
  const view = declared(clouds, stack);
  return ledgerOf(view.stack, cloudViews(view, new Map(), settings).values());
}

/** `in place..up to reason`, of one cloud. */
function entry(sketch: Sketch): string {
  const [first] = ledger({ athens: sketch }).entries;
  return `${first?.in_place}..${first?.up_to ?? "?"} ${first?.reason ?? ""}`.trim();
}

describe("what runs in a cloud", () => {
  const running = { heat_status: "UPDATE_IN_PROGRESS", updated_time: "2026-01-01T12:00:00Z" };
  const accepted = { at: at(0.1), outcome: "accepted" as const };
  const cases: [what: string, sketch: Sketch, want: string][] = [
    ["at rest", {}, "4..4"],
    ["lost", lost, `0..4 unreachable since ${at(-1)}`],
    [
      "suspected",
      { verdict: { verdict: "suspected", since: at(-1) } },
      `0..4 suspected since ${at(-1)}`,
    ],
    ["not judged yet", { verdict: { verdict: "unknown" } }, "0..4 not judged yet"],
    ["never read", { seen: undefined }, "0..? never read yet"],
    [
      "read for another parameter",
      { seen: { parameter: "size" } },
      "0..? not read for this count parameter yet",
    ],
    [
      "back, and not read since",
      { verdict: { returned_at: at(-2) } },
      `0..4 back since ${at(-2)}, and not read yet`,
    ],
    [
      "missing",
      { seen: { missing: { since: at(-9) }, in_place: 0, count: undefined } as never },
      "0..0",
    ],
    [
      "scaled up, not read since",
      { share: { push: pushOf(9, { answered: accepted }) } },
      "4..9 a change to 9 has not ended",
    ],
    [
      "scaled down, not read since",
      { share: { push: pushOf(1) } },
      "1..4 a change to 1 has not ended",
    ],
    [
      "refused",
      { share: { push: pushOf(9, { answered: { ...accepted, outcome: "refused" } }) } },
      "4..4",
    ],
    [
      "lost while scaled up",
      { ...lost, share: { push: pushOf(9) } },
      `0..9 unreachable since ${at(-1)}`,
    ],
    [
      "being scaled down by somebody",
      { seen: { ...running, count: 1, in_place: 1, at_most: 4, complete_at: at(-9) } },
      "1..4 an update has not ended",
    ],
    [
      "failed on the way up",
      { seen: { heat_status: "UPDATE_FAILED", count: 9, complete_at: at(-9) } },
      "4..9 its last update did not go well",
    ],
    [
      "first met in the middle of an update",
      { seen: { ...running, in_place: 0 } },
      "0..? an update has not ended",
    ],
    [
      "first met while it is created",
      { seen: { heat_status: "CREATE_IN_PROGRESS", in_place: 0 } },
      "0..4 an update has not ended",
    ],
  ];
  for (const [what, sketch, want] of cases) {
    test(what, () => assert.equal(entry(sketch), want));
  }
});

test("a stack's are summed, and unknown where one is", () => {
  const two = ledger({ athens: lost, lisbon: {} });
  assert.deepEqual([two.in_place, two.up_to], [4, 8]);
  const three = ledger({ athens: lost, lisbon: {}, oslo: { seen: undefined } });
  assert.deepEqual([three.in_place, three.up_to], [4, undefined]);
  const gone = ledger({ athens: { weight: undefined }, lisbon: {} });
  assert.deepEqual([gone.in_place, gone.up_to], [4, 4], "let go of");
});

test("one heat stack behind two clouds counts once as confirmed", () => {
  const twin = { seen: { heat_stack_id: "one" } };
  assert.equal(ledger({ athens: twin, lisbon: twin }).in_place, 4);
});

const act = fc.oneof(
  fc.record({ kind: fc.constant("declare" as const), count: fc.nat(20) }),
  fc.record({
    kind: fc.constant("network" as const),
    cloud: fc.constantFrom("athens", "lisbon", "manchester"),
    to: fc.constantFrom(
      "up",
      "up",
      "refused",
      "hang",
      "lost_answers",
      "late_patches",
      "rejects",
      "errors",
    ),
  }),
  fc.record({
    kind: fc.constant("updates" as const),
    cloud: fc.constantFrom("athens", "lisbon", "manchester"),
    end: fc.constantFrom("completes", "fails", "rolls_back"),
    ms: fc.constantFrom(2_000, 25_000, 90_000),
  }),
  fc.record({ kind: fc.constant("pass" as const), ticks: fc.integer({ min: 1, max: 12 }) }),
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

async function perform(one: World, what: Act): Promise<void> {
  switch (what.kind) {
    case "declare":
      await one.declare({ count: what.count });
      return;
    case "network":
      if (what.to === "up") one.of(what.cloud).heal();
      else one.of(what.cloud).network = what.to as never;
      return;
    case "updates":
      Object.assign(one.of(what.cloud), { updates: what.end, updateMs: what.ms });
      return;
    default:
  }
}

/** What is shown, and what runs. */
async function bounds(one: World) {
  const view = await one.view();
  assert.ok(isDeclared(view));
  const shown = ledgerOf(view.stack, cloudViews(view, new Map(), one.settings).values());
  return { ...shown, runs: one.clouds.reduce((sum, cloud) => sum + one.of(cloud).runs("web"), 0) };
}

async function isWithin(one: World, trail: unknown[]): Promise<void> {
  const { in_place, up_to, runs, entries } = await bounds(one);
  const isInside = in_place <= runs && (up_to === undefined || runs <= up_to);
  const each = one.clouds.map((cloud) => `${cloud} runs ${one.of(cloud).runs("web")}`);
  const what = `${runs} is not within ${in_place} to ${up_to}`;
  assert.ok(isInside, `${what}: ${each}; ${JSON.stringify({ entries, trail })}`);
}

test("what runs lies within, whatever becomes of clouds and pushes; and it closes after a heal", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 14 }), fc.nat(), async (acts, seed) => {
      const one = world({ seed });
      for (const cloud of one.clouds) one.of(cloud).add("web", 2);
      await one.tick();
      await one.declare({
        count: 6,
        weights: { athens: 0.6, lisbon: 0.2, manchester: 0.2 } as never,
      });
      await one.pass(MINUTE);
      const trail: unknown[] = [];
      for (const what of acts) {
        trail.push(what);
        await perform(one, what);
        const ticks = what.kind === "pass" ? what.ticks : 1;
        for (let tick = 0; tick < ticks; tick += 1) {
          await isWithin(one, trail);
          await one.tick();
          await isWithin(one, trail);
          await one.drainStream();
          await isWithin(one, trail);
          one.time.skip(10_000);
        }
      }
      for (const cloud of one.clouds) {
        one.of(cloud).heal();
        Object.assign(one.of(cloud), { updateMs: 1_000 });
      }
      // What nobody knows of a push may come to pass for five minutes after a return.
      await one.pass(15 * MINUTE);
      const { in_place, up_to, runs } = await bounds(one);
      assert.deepEqual([in_place, up_to], [runs, runs], JSON.stringify(trail));
    }),
    { numRuns: 60, endOnFailure: false },
  );
});

test("a push that nobody answered, and that was rolled back, is not waited for when its five minutes are over", async () => {
  const one = world();
  for (const cloud of one.clouds) one.of(cloud).add("web", 2);
  await one.tick();
  await one.declare({ count: 6, weights: { athens: 0.6, lisbon: 0.2, manchester: 0.2 } as never });
  await one.pass(MINUTE);
  const lisbon = one.of("lisbon");
  Object.assign(lisbon, { network: "lost_answers", updates: "rolls_back", updateMs: 2_000 });
  await one.declare({ count: 0 });
  await one.pass(10_000);
  await one.declare({ count: 6 });
  await one.pass(10_000);
  lisbon.heal();
  await one.pass(2 * MINUTE);
  const open = (await bounds(one)).entries.find(({ cloud }) => cloud === "lisbon");
  assert.match(open?.reason ?? "", /never answered, and may still come/);
  await one.pass(4 * MINUTE);
  const { in_place, up_to, runs } = await bounds(one);
  assert.deepEqual([in_place, up_to], [runs, runs]);
});

test("a push that is refused forgets nothing of the one before it, which somebody else's overtook", async () => {
  const one = world({ updateMs: 60_000 });
  for (const cloud of one.clouds) one.of(cloud).add("web", 2);
  await one.tick();
  await one.declare({ count: 30, weights: { athens: 1 } as never });
  await one.drainStream();
  // Two of them in the middle of ours: cancelled, so that nobody knows how many run.
  one.of("athens").change("web", 9);
  one.of("athens").change("web", 9);
  Object.assign(one.of("athens"), { limit: 3 });
  await one.pass(5 * MINUTE);
  assert.equal((await one.share("athens")).push?.answered?.outcome, "refused");
  assert.equal((await bounds(one)).up_to, 30);
});

test("it closes within two observation periods after a heal", async () => {
  const one = world();
  for (const cloud of one.clouds) one.of(cloud).add("web", 2);
  await one.tick();
  await one.declare({ count: 6, weights: { athens: 0.6, lisbon: 0.2, manchester: 0.2 } as never });
  await one.pass(2 * MINUTE);
  one.of("athens").network = "hang";
  await one.pass(5 * MINUTE);
  const { in_place, up_to } = await bounds(one);
  assert.deepEqual(
    [in_place, up_to],
    [6, 10],
    "four may run in athens, which were dealt to the others",
  );
  one.of("athens").heal();
  await one.pass(2 * MINUTE);
  const after = await bounds(one);
  assert.deepEqual([after.in_place, after.up_to], [after.runs, after.runs]);
});
