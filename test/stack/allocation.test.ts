import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CloudName } from "../../lib/cloud/schema.ts";
import { type AllocationInput, allocate, tieOrder, totalOf } from "../../lib/stack/allocation.ts";
import { billionths, entriesOf, MAX_CLOUDS, MAX_COUNT, StackName } from "../../lib/stack/schema.ts";
import * as arbitrary from "../support/arbitraries.ts";

const web = StackName.parse("web");
const third = 1 / 3;

/** Any stack, some of its clouds available, some of the others drained; counts are kept countable. */
const situation: fc.Arbitrary<AllocationInput> = fc
  .record({
    stack_name: arbitrary.stackName,
    count: fc.oneof(fc.nat(30), fc.nat(1_000)),
    weights: fc.oneof(arbitrary.weightsOfOne, arbitrary.weightsUpToOne),
    failover: fc.constantFrom("even", "proportional", "none"),
  })
  .chain((stack) => {
    const clouds = cloudsOf(stack.weights);
    const sets = fc.tuple(arbitrary.subsetOf(clouds), arbitrary.subsetOf(clouds));
    return sets.map(([available, some]) => {
      return { ...stack, available, drained: new Set([...some].filter((c) => !available.has(c))) };
    });
  });

test("the worked examples", async (t) => {
  const of157 = [9, 9, 22, 41, 57, 19].map((n) => n / 157);
  const of320 = [46, 44, 81, 79, 31, 19, 20].map((n) => n / 320);
  // [count, weights of clouds a, b, c ..., the lost ones, the shares]
  const examples: [number, number[], string, number[] | "hold"][] = [
    [10, [0.6, 0.2, 0.2], "", [6, 2, 2]],
    [10, [0.6, 0.2, 0.2], "c", [7, 3, 0]],
    [10, [0.6, 0.2, 0.2], "abc", "hold"],
    [10, [third, third, third], "", [3, 4, 3]],
    [10, [third, third, third], "a", [0, 5, 5]],
    [10, [third, third, third], "c", [5, 5, 0]],
    [10_000, [third, third, third], "", [3333, 3334, 3333]],
    [7, [0.5, 0.25, 0.25], "", [3, 2, 2]],
    [0, [0.5, 0.5], "", [0, 0]],
    [1, [0.5, 0.3, 0.2], "", [1, 0, 0]],
    [1, [0.5, 0.3, 0.2], "ab", [0, 0, 1]],
    [1, [0.33, 0.56, 0.11], "", [0, 1, 0]],
    [100, [0.33, 0.56, 0.11], "", [33, 56, 11]],
    [1_000_000, [0.33, 0.56, 0.11], "", [330_000, 560_000, 110_000]],
    [10, [0.1, 0.2], "", [1, 2]],
    [10, [0.3, 0.2], "", [3, 2]],
    [11, [0.25, 0.25], "", [3, 3]],
    [10, [0.3, 0.2], "a", [0, 5]],
    [10, [0.5, 0.5, 0], "", [5, 5, 0]],
    [10, [0.5, 0.5, 0], "a", [0, 7, 3]],
    [10, [0.5, 0.5, 0], "ab", [0, 0, 10]],
    [10, [0, 0], "", [0, 0]],
    [10, [0, 0], "ab", "hold"],
    [10, [], "", []],
    [24, of157, "", [1, 1, 3, 7, 9, 3]],
    [24, of157, "a", [0, 1, 3, 7, 10, 3]],
    [6, of320, "", [1, 1, 2, 1, 1, 0, 0]],
    [6, of320, "a", [0, 1, 2, 1, 2, 0, 0]],
    [6, of320, "ab", [0, 0, 2, 2, 2, 0, 0]],
  ];
  for (const [count, weights, lost, shares] of examples) {
    await t.test(`${count} x ${weights.map((w) => +w.toFixed(4)).join("/")}, lost ${lost}`, () => {
      assert.deepEqual(sharesOf({ count, weights, lost }), shares);
    });
  }
});

test("the other two failovers, and drained clouds", async (t) => {
  const examples: [AllocationInput["failover"], number[], string, string, number[] | "hold"][] = [
    ["proportional", [0.6, 0.2, 0.2], "c", "", [7, 3, 0]],
    ["proportional", [0.5, 0.3, 0.2], "a", "", [0, 6, 4]],
    ["proportional", [0.5, 0.3, 0.2], "", "a", [0, 6, 4]],
    ["proportional", [0.5, 0.5, 0], "a", "", [0, 10, 0]],
    ["proportional", [0.5, 0.5, 0, 0], "ab", "", [0, 0, 5, 5]],
    ["none", [0.6, 0.2, 0.2], "c", "", [6, 2, 0]],
    ["none", [0.5, 0.3, 0.2], "", "a", [0, 5, 5]],
    ["none", [0.5, 0.3, 0.2], "b", "a", [0, 0, 7]],
    ["none", [0.5, 0.5, 0], "ab", "", [0, 0, 0]],
    ["none", [0.5, 0.5], "a", "b", "hold"],
    ["even", [0.5, 0.3, 0.2], "", "a", [0, 5, 5]],
    ["even", [0.5, 0.3, 0.2], "b", "a", [0, 0, 10]],
  ];
  for (const [failover, weights, lost, drained, shares] of examples) {
    await t.test(`${failover}: ${weights.join("/")}, lost ${lost}, drained ${drained}`, () => {
      assert.deepEqual(sharesOf({ count: 10, weights, lost, drained, failover }), shares);
    });
  }
});

test("a million instances over 45 clouds", () => {
  const names = Array.from({ length: MAX_CLOUDS }, (_, i) => cloud(`cloud-${i + 1}`));
  const weights = Object.fromEntries(names.map((name, i) => [name, (i + 1) / 1035]));
  const shares = allocate(allAvailable(web, MAX_COUNT, weights));
  assert.ok(shares !== "hold");
  assert.equal(sumOf(Object.values(shares)), MAX_COUNT);
  assert.equal(own(shares, cloud("cloud-45")), Math.round((MAX_COUNT * 45) / 1035));
});

test("clouds named constructor and toString", () => {
  const [a, b] = [CloudName.parse("constructor"), CloudName.parse("toString")];
  const input = { stack_name: web, count: 10, weights: { [a]: 0.6, [b]: 0.4 } };
  const rest = { drained: new Set<CloudName>(), failover: "even" as const };
  assert.deepEqual(allocate({ ...input, available: new Set([a, b]), ...rest }), { [a]: 6, [b]: 4 });
  assert.deepEqual(allocate({ ...input, available: new Set([b]), ...rest }), { [a]: 0, [b]: 10 });
});

test("ties go by FNV-1a of stack/cloud: another order would move instances on an upgrade", () => {
  const clouds = ["athens", "constructor", "lisbon", "manchester", "toString"].map(cloud);
  const order = ["manchester", "constructor", "athens", "toString", "lisbon"];
  assert.deepEqual(tieOrder(web, clouds), order);
  assert.deepEqual(tieOrder(web, clouds.toReversed()), order);
  // The 32-bit hashes of these two are equal: then by name.
  const equal = ["a91hecqd", "hz8dsusm"].map(cloud);
  assert.deepEqual(tieOrder(web, equal), equal);
  assert.deepEqual(tieOrder(web, equal.toReversed()), equal);
});

test("the total is count times the sum of the weights, rounded up", () => {
  const hundredths = fc.array(fc.nat(100), { maxLength: 10 }).filter((ws) => sumOf(ws) <= 100);
  check(
    fc.property(arbitrary.count, hundredths, (count, ws) => {
      const weights = weightsOf(ws.map((w) => w / 100));
      assert.equal(totalOf(count, weights), Math.ceil((count * sumOf(ws)) / 100));
    }),
  );
});

test("exact: the shares add up to the total while any listed cloud is available", () => {
  check(
    fc.property(situation, (input) => {
      const shares = allocate(input);
      const clouds = cloudsOf(input.weights);
      if (clouds.length > 0 && !clouds.some((c) => input.available.has(c))) {
        assert.equal(shares, "hold");
        return;
      }
      assert.ok(shares !== "hold");
      assert.deepEqual(Object.keys(shares), clouds);
      const lost = input.failover === "none" ? lostWithoutFailover(input) : 0;
      assert.equal(sumOf(Object.values(shares)), totalOf(input.count, input.weights) - lost);
      for (const [name, share] of entriesOf(shares)) {
        assert.ok(Number.isSafeInteger(share) && share >= 0, `${name}: ${share}`);
        assert.ok(!Object.is(share, -0) && (share === 0 || input.available.has(name)));
      }
    }),
  );
});

test("stable: a larger count never takes an instance from any cloud, whichever are lost", () => {
  check(
    fc.property(situation, fc.oneof(fc.constant(1), fc.nat(50)), (input, more) => {
      const larger = { ...input, count: Math.min(MAX_COUNT, input.count + more) };
      assertNoneShrinks(allocate(input), allocate(larger), input.available);
    }),
  );
});

test("stable: losing or draining clouds in any order never takes an instance from a survivor", () => {
  const history = situation.chain((input) =>
    fc.tuple(
      fc.constant(input),
      arbitrary.shuffled([...input.available]),
      fc.infiniteStream(fc.boolean()),
    ),
  );
  check(
    fc.property(history, ([input, order, drains]) => {
      let before = input;
      for (const gone of order) {
        const available = new Set([...before.available].filter((c) => c !== gone));
        const drained = drains.next().value ? new Set([...before.drained, gone]) : before.drained;
        const after = { ...before, available, drained };
        assertNoneShrinks(allocate(before), allocate(after), available);
        before = after;
      }
    }),
  );
});

test("stable: the same input gives the same output whatever the order of keys", () => {
  const reordered = situation.chain((input) =>
    fc.record({
      input: fc.constant(input),
      keys: arbitrary.shuffled(cloudsOf(input.weights)),
      available: arbitrary.shuffled([...input.available]),
    }),
  );
  check(
    fc.property(reordered, ({ input, keys, available }) => {
      const weights = Object.fromEntries(keys.map((c) => [c, own(input.weights, c)]));
      const other = { ...input, weights, available: new Set(available) };
      assert.deepEqual(allocate(other), allocate(input));
    }),
  );
});

test("with every cloud available the shares are Webster's, counted out one by one", () => {
  const small = fc.nat(200);
  check(
    fc.property(
      arbitrary.stackName,
      small,
      arbitrary.weightsUpToOne,
      (stack_name, count, weights) => {
        const shares = allocate(allAvailable(stack_name, count, weights));
        assert.deepEqual(shares, countedOut(stack_name, totalOf(count, weights), weights));
      },
    ),
  );
});

test("up to a million instances no two clouds' last and next instance are the wrong way round", () => {
  check(
    fc.property(
      arbitrary.stackName,
      fc.nat(MAX_COUNT),
      arbitrary.weightsOfOne,
      (stack_name, count, weights) => {
        const shares = allocate(allAvailable(stack_name, count, weights));
        assert.ok(shares !== "hold");
        const order = tieOrder(stack_name, cloudsOf(weights));
        order.forEach((holder, i) => {
          order.forEach((rival, j) => {
            const [has, could] = [own(shares, holder), own(shares, rival)];
            const kept = BigInt(billionths(own(weights, holder))) * BigInt(2 * could + 1);
            const asked = BigInt(billionths(own(weights, rival))) * BigInt(2 * has - 1);
            assert.ok(has === 0 || i === j || (i < j ? kept >= asked : kept > asked));
          });
        });
      },
    ),
  );
});

test("even: what the survivors get of the lost ones differs by one at most", () => {
  check(
    fc.property(situation, (input) => {
      const even = { ...input, failover: "even" } as const;
      const shares = allocate(even);
      if (shares === "hold") {
        return;
      }
      const base = countedOut(input.stack_name, totalOf(input.count, input.weights), input.weights);
      const dealt = survivorsOf(even).map((c) => own(shares, c) - own(base, c));
      assert.ok(dealt.length === 0 || Math.max(...dealt) - Math.min(...dealt) <= 1);
    }),
  );
});

test("even: clouds of equal weight stay within one of each other, whichever are lost", () => {
  const equals = fc.record({
    stack_name: arbitrary.stackName,
    count: fc.nat(200),
    n: fc.integer({ min: 1, max: 10 }),
  });
  const some = equals.chain(({ stack_name, count, n }) => {
    const weights = weightsOf(Array.from({ length: n }, () => 1 / n));
    return arbitrary.subsetOf(cloudsOf(weights)).map((available) => {
      return { ...allAvailable(stack_name, count, weights), available };
    });
  });
  check(
    fc.property(some, (input) => {
      const shares = allocate(input);
      if (shares !== "hold") {
        const survivors = survivorsOf(input).map((c) => own(shares, c));
        assert.ok(Math.max(...survivors) - Math.min(...survivors) <= 1);
      }
    }),
  );
});

test("proportional: what is lost does not change the shares among those that are left", () => {
  check(
    fc.property(situation, (input) => {
      const shares = allocate({ ...input, failover: "proportional" });
      const left = survivorsOf(input);
      const weights = Object.fromEntries(left.map((c) => [c, own(input.weights, c)]));
      if (shares === "hold" || left.every((c) => billionths(own(weights, c)) === 0)) {
        return;
      }
      const expected = countedOut(input.stack_name, totalOf(input.count, input.weights), weights);
      assert.deepEqual(Object.fromEntries(left.map((c) => [c, own(shares, c)])), expected);
    }),
  );
});

/** Clouds are named a, b, c ...; those lost and drained are given by their letters. */
function sharesOf(given: {
  count: number;
  weights: number[];
  lost?: string;
  drained?: string;
  failover?: AllocationInput["failover"];
}): number[] | "hold" {
  const { count, lost = "", drained = "", failover = "even" } = given;
  const weights = weightsOf(given.weights);
  const shares = allocate({
    stack_name: web,
    count,
    weights,
    available: new Set(cloudsOf(weights).filter((c) => !(lost + drained).includes(c))),
    drained: new Set([...drained].map(cloud)),
    failover,
  });
  return shares === "hold" ? shares : cloudsOf(weights).map((c) => own(shares, c));
}

function allAvailable(
  stack_name: StackName,
  count: number,
  weights: Record<CloudName, number>,
): AllocationInput {
  const available = new Set(cloudsOf(weights));
  return { stack_name, count, weights, available, drained: new Set(), failover: "even" };
}

/** Webster by its definition, one instance after the other, in exact integers. */
function countedOut(
  stack_name: StackName,
  total: number,
  weights: Record<CloudName, number>,
): Record<CloudName, number> {
  const seats = new Map(cloudsOf(weights).map((c) => [c, 0]));
  const order = tieOrder(stack_name, seats.keys());
  const weightOf = new Map(order.map((c) => [c, BigInt(billionths(own(weights, c)))]));
  const bid = (a: CloudName, b: CloudName) =>
    (weightOf.get(a) ?? 0n) * BigInt(2 * (seats.get(b) ?? 0) + 1);
  for (let left = total; left > 0; left -= 1) {
    const next = order.reduce((best, c) => (bid(c, best) > bid(best, c) ? c : best));
    seats.set(next, (seats.get(next) ?? 0) + 1);
  }
  return Object.fromEntries(seats);
}

/** What failover `none` leaves lost: the base of clouds neither available nor drained. */
function lostWithoutFailover({ stack_name, count, weights, ...sets }: AllocationInput): number {
  const base = countedOut(stack_name, totalOf(count, weights), weights);
  const lost = cloudsOf(weights).filter((c) => !sets.available.has(c) && !sets.drained.has(c));
  return sumOf(lost.map((c) => own(base, c)));
}

function assertNoneShrinks(
  before: ReturnType<typeof allocate>,
  after: ReturnType<typeof allocate>,
  survivors: ReadonlySet<CloudName>,
): void {
  if (before !== "hold" && after !== "hold") {
    for (const c of survivors) {
      assert.ok(own(after, c) >= own(before, c), `${c}: ${own(before, c)} -> ${own(after, c)}`);
    }
  }
}

function survivorsOf({ weights, available }: AllocationInput): CloudName[] {
  return cloudsOf(weights).filter((c) => available.has(c));
}

function cloudsOf(weights: Record<CloudName, number>): CloudName[] {
  return entriesOf(weights).map(([name]) => name);
}

function weightsOf(weights: number[]): Record<CloudName, number> {
  return Object.fromEntries(
    weights.map((weight, i) => [cloud(String.fromCharCode(97 + i)), weight]),
  );
}

function own(record: Record<CloudName, number>, name: CloudName): number {
  const value = Object.hasOwn(record, name) ? record[name] : undefined;
  assert.ok(value !== undefined, `${name} is missing`);
  return value;
}

function cloud(name: string): CloudName {
  return CloudName.parse(name);
}

function sumOf(numbers: number[]): number {
  return numbers.reduce((sum, n) => sum + n, 0);
}

function check<T>(property: fc.IProperty<T>): void {
  fc.assert(property, { numRuns: 2_000 });
}
