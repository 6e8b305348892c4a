import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CloudName } from "../../lib/cloud/schema.ts";
import { type AllocationInput, allocate, totalOf } from "../../lib/stack/allocation.ts";
import { entriesOf, StackName } from "../../lib/stack/schema.ts";
import * as arbitrary from "../support/arbitraries.ts";

type Shares = Record<CloudName, number>;
/** What only some situations show: several kept, of which one would get more and another less. */
const many = { numRuns: 3000 };

/** A stack whose clouds are each available, lost or drained, and one or more of them kept as they were. */
const situation: fc.Arbitrary<AllocationInput & { kept: Map<CloudName, number> }> = fc
  .record({
    stack_name: arbitrary.stackName,
    count: fc.oneof(fc.nat(30), fc.nat(1_000)),
    weights: fc.oneof(arbitrary.weightsOfOne, arbitrary.weightsUpToOne),
    failover: fc.constantFrom("even", "proportional", "none"),
  })
  .chain((stack) => {
    const clouds = entriesOf(stack.weights).map(([cloud]) => cloud);
    const kinds = fc.array(fc.constantFrom("available", "kept", "lost", "drained"), {
      minLength: clouds.length,
      maxLength: clouds.length,
    });
    const held = fc.array(fc.nat(60), { minLength: clouds.length, maxLength: clouds.length });
    return fc.tuple(kinds, held).map(([kindOf, heldOf]) => {
      const those = (kind: string) => clouds.filter((_, i) => kindOf[i] === kind);
      return {
        ...stack,
        available: new Set(those("available")),
        kept: new Map(those("kept").map((cloud) => [cloud, heldOf[clouds.indexOf(cloud)] ?? 0])),
        drained: new Set(those("drained")),
      };
    });
  });

function sharesOf(input: AllocationInput): Shares {
  const shares = allocate(input);
  fc.pre(shares !== "hold");
  return shares;
}

function sumOf(shares: Shares): number {
  return Object.values(shares).reduce((sum, share) => sum + share, 0);
}

/** As if no cloud were kept, but these available too. */
function asAvailable(input: AllocationInput & { kept: Map<CloudName, number> }): AllocationInput {
  const { kept, ...rest } = input;
  return { ...rest, available: new Set([...input.available, ...kept.keys()]) };
}

test("Exact: with clouds kept, too, every instance is placed while a cloud is available", () => {
  fc.assert(
    fc.property(situation, (input) => {
      const total = totalOf(input.count, input.weights);
      const sum = sumOf(sharesOf(input));
      if (input.failover === "none") assert.ok(sum <= total);
      else assert.equal(sum, total);
      assert.equal(sum, sumOf(sharesOf(asAvailable(input))), "as many as if it were available");
    }),
    many,
  );
});

test("a kept cloud has what it held, within its own part and what a deal would give it", () => {
  fc.assert(
    fc.property(situation, (input) => {
      const shares = sharesOf(input);
      const all = entriesOf(input.weights).map(([cloud]) => cloud);
      const least = sharesOf({
        ...input,
        available: new Set(all),
        kept: new Map(),
        drained: new Set(),
      });
      for (const [cloud, held] of input.kept) {
        const kept = new Map([...input.kept].filter(([other]) => other !== cloud));
        const available = new Set([...input.available, cloud]);
        const most = sharesOf({ ...input, kept, available });
        const [low, high] = [least[cloud] ?? 0, most[cloud] ?? 0];
        assert.equal(shares[cloud], Math.min(high, Math.max(low, held)));
      }
    }),
    many,
  );
});

test("Stable: a cloud that becomes kept moves nothing, however often it is looked at", () => {
  fc.assert(
    fc.property(situation, (input) => {
      const before = sharesOf(asAvailable(input));
      fc.pre(input.available.size > 0);
      const kept = new Map([...input.kept.keys()].map((cloud) => [cloud, before[cloud] ?? 0]));
      assert.deepEqual(allocate({ ...input, kept }), before);
      const other = sharesOf(input);
      const again = new Map([...input.kept.keys()].map((cloud) => [cloud, other[cloud] ?? 0]));
      assert.deepEqual(allocate({ ...input, kept: again }), other);
    }),
    many,
  );
});

test("Stable: one more that becomes kept moves nothing", () => {
  fc.assert(
    fc.property(situation, fc.nat(), (input, nth) => {
      const before = sharesOf(input);
      const open = [...input.available];
      const silent = open[nth % open.length];
      fc.pre(silent !== undefined && open.length > 1);
      const available = new Set(open.filter((cloud) => cloud !== silent));
      const held = [...input.kept.keys(), silent].map(
        (cloud) => [cloud, before[cloud] ?? 0] as const,
      );
      assert.deepEqual(sharesOf({ ...input, available, kept: new Map(held) }), before);
    }),
    many,
  );
});

test("Stable: with clouds kept, neither a larger count nor a further loss takes an instance away", () => {
  fc.assert(
    fc.property(situation, fc.nat(20), fc.nat(), (input, more, nth) => {
      const before = sharesOf(input);
      const larger = sharesOf({ ...input, count: input.count + more });
      for (const [cloud, share] of entriesOf(before)) assert.ok((larger[cloud] ?? 0) >= share);
      const open = [...input.available];
      const gone = open[nth % open.length];
      fc.pre(gone !== undefined && open.length > 1);
      const kept = new Map([...input.kept.keys()].map((cloud) => [cloud, before[cloud] ?? 0]));
      const available = new Set(open.filter((cloud) => cloud !== gone));
      const after = sharesOf({ ...input, kept, available });
      for (const [cloud, share] of entriesOf(before)) {
        if (cloud !== gone) assert.ok((after[cloud] ?? 0) >= share, cloud);
      }
    }),
    many,
  );
});

test("nothing new is asked of a cloud that no push reaches", () => {
  const [athens, lisbon, oslo] = ["athens", "lisbon", "oslo"].map((name) => CloudName.parse(name));
  assert.ok(athens && lisbon && oslo);
  const of = (held: number, failover: AllocationInput["failover"], available: CloudName[]) =>
    allocate({
      stack_name: StackName.parse("web"),
      count: 10,
      weights: { [athens]: 0.6, [lisbon]: 0.2, [oslo]: 0.2 },
      available: new Set(available),
      kept: new Map([[athens, held]]),
      drained: new Set(),
      failover,
    });
  const after = { athens: 6, lisbon: 4, oslo: 0 };
  assert.deepEqual(of(6, "even", [lisbon]), after, "oslo was lost after athens");
  const before = { athens: 7, lisbon: 3, oslo: 0 };
  assert.deepEqual(of(7, "even", [lisbon]), before, "oslo was lost before athens");
  assert.deepEqual(of(6, "none", [lisbon]), { athens: 6, lisbon: 2, oslo: 0 });
  assert.equal(of(6, "even", []), "hold", "nothing can be pushed anywhere");
});
