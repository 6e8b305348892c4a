import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { CloudName, type Seen } from "../../lib/cloud/schema.ts";
import {
  type NextPush,
  nextPushes,
  type PushInput,
  placeOf,
  type ShareView,
} from "../../lib/stack/pushes.ts";
import { type Push, StackName } from "../../lib/stack/schema.ts";
import { cloudName, shuffled } from "../support/arbitraries.ts";

const now = "2026-01-01T12:00:00.000Z";
const soon = "2026-01-01T12:01:00.000Z";
const before = "2026-01-01T11:59:00.000Z";

type Sketch = Partial<Omit<ShareView, "seen" | "push">> & {
  /** The parameter, and what is confirmed; absent: never read. */
  place?: number;
  seen?: Partial<Seen>;
  push?: Partial<Push>;
};

function share(cloud: string, desired: number, { place, seen, push, ...rest }: Sketch): ShareView {
  const heat_stack_id = `id-of-${cloud}`;
  const base: ShareView = {
    cloud: CloudName.parse(cloud),
    desired,
    verdict: "reachable",
    isOpen: false,
    isBlocked: false,
    awaitsRelease: false,
    ...rest,
  };
  const pushed: Push = {
    id: "push",
    generation: 1,
    count: desired,
    at: before,
    before: { heat_stack_id, updated_time: null },
    ...push,
  };
  const read: Seen = {
    cloud: base.cloud,
    stack_name: "web",
    read_at: before,
    parameter: "count",
    count: place ?? 0,
    in_place: place ?? 0,
    heat_status: "UPDATE_COMPLETE",
    heat_stack_id,
    ...seen,
  };
  return {
    ...base,
    ...(push ? { push: pushed } : {}),
    ...(place === undefined && !seen ? {} : { seen: read }),
  };
}

function input(shares: ShareView[], more: Partial<PushInput> = {}): PushInput {
  return {
    stack_name: StackName.parse("web"),
    generation: 1,
    order: "make_before_break",
    paused: false,
    incomplete: false,
    shares,
    oldTotal: undefined,
    now,
    ...more,
  };
}

/** `athens 6` for a push, `athens order` for a hold. */
function decided(given: PushInput): string[] {
  const { pushes, holds } = nextPushes(given);
  return [
    ...pushes.map(({ cloud, count }) => `${cloud} ${count}`),
    ...holds.map(({ cloud, reason }) => `${cloud} ${reason}`),
  ].sort();
}

/** As if Heat had done what it was asked for. */
function done(shares: ShareView[], pushes: NextPush[]): ShareView[] {
  const counts = new Map(pushes.map(({ cloud, count }) => [cloud, count]));
  return shares.map((own) => {
    const count = counts.get(own.cloud);
    if (count === undefined || !own.seen) return own;
    const { stuck: _, ...seen } = own.seen;
    const complete = { complete_at: now, ...(own.push ? { complete_after: own.push.id } : {}) };
    return {
      ...own,
      seen: { ...seen, ...complete, count, in_place: count, heat_status: "UPDATE_COMPLETE" },
    };
  });
}

/** Pushes until there is nothing more to push; each step is the places that it led to. */
function steps(given: PushInput): number[][] {
  const all = [given.shares.map(placeOf)];
  let shares = given.shares;
  for (let round = 0; round < 20; round += 1) {
    const { pushes } = nextPushes({ ...given, shares });
    if (pushes.length === 0) return all;
    shares = done(shares, pushes);
    all.push(shares.map(placeOf));
  }
  throw new Error("it never ends");
}

const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);

describe("the order of pushes", () => {
  const three = (places: number[], desired: number[], more: Sketch[] = []): ShareView[] =>
    ["athens", "lisbon", "manchester"].map((cloud, i) =>
      share(cloud, desired[i] ?? 0, { place: places[i] ?? 0, ...more[i] }),
    );

  test("scale-ups go at once, the scale-down when they are in place", () => {
    const given = input(three([4, 4, 4], [8, 2, 2]), { oldTotal: 12 });
    assert.deepEqual(steps(given), [
      [4, 4, 4],
      [8, 4, 4],
      [8, 2, 2],
    ]);
  });

  test("12/4/4 -> 2/6/2 with the second blocked ends at 2/4/4", () => {
    const given = input(three([12, 4, 4], [2, 6, 2], [{}, { isBlocked: true }]), { oldTotal: 20 });
    assert.deepEqual(steps(given).at(-1), [2, 4, 4]);
  });

  test("the largest scale-down takes the surplus first, the rest is held", () => {
    const given = input(three([7, 5, 1], [4, 4, 4], [{}, {}, { isBlocked: true }]), {
      oldTotal: 12,
    });
    assert.deepEqual(decided(given), ["athens 6", "athens order", "lisbon order"]);
  });

  test("equal scale-downs go in one order, whatever the order of the clouds", () => {
    const shares = three([5, 5, 1], [4, 4, 2], [{}, {}, { isBlocked: true }]);
    const one = decided(input(shares, { oldTotal: 10 }));
    assert.equal(one.length, 2);
    assert.deepEqual(decided(input([...shares].reverse(), { oldTotal: 10 })), one);
  });

  test("a smaller count is scaled down at once: the new total is the floor", () => {
    const given = input(three([6, 2, 2], [2, 1, 1]), { oldTotal: 10 });
    assert.deepEqual(decided(given), ["athens 2", "lisbon 1", "manchester 1"]);
  });

  test("at_once does not wait for surplus", () => {
    const given = input(three([4, 4, 4], [8, 2, 2]), { oldTotal: 12, order: "at_once" });
    assert.deepEqual(decided(given), ["athens 8", "lisbon 2", "manchester 2"]);
  });

  test("without an old total the new one is the floor", () => {
    assert.deepEqual(decided(input(three([12, 0, 0], [6, 2, 2]))), [
      "athens 10",
      "athens order",
      "lisbon 2",
      "manchester 2",
    ]);
  });

  test("two clouds that lead to one heat stack make no surplus", () => {
    const twin = { seen: { heat_stack_id: "the same", count: 6, in_place: 6 }, isBlocked: true };
    const given = input(three([6, 6, 9], [4, 4, 4], [twin, twin]), { oldTotal: 12 });
    assert.deepEqual(decided(given), ["manchester 6", "manchester order"]);
  });
});

describe("what is not pushed", () => {
  const cases: { name: string; shares: ShareView[]; more?: Partial<PushInput>; want: string[] }[] =
    [
      {
        name: "what is in place already",
        shares: [share("athens", 4, { place: 4 })],
        want: [],
      },
      {
        name: "a heat stack that was never read",
        shares: [share("athens", 4, {})],
        want: [],
      },
      {
        name: "a missing one",
        shares: [share("athens", 4, { place: 0, seen: { missing: { since: before } } })],
        want: [],
      },
      {
        name: "anything of a paused stack, which says so",
        shares: [share("athens", 4, { place: 2 }), share("lisbon", 2, { place: 4 })],
        more: { paused: true },
        want: ["athens paused", "lisbon paused"],
      },
      {
        name: "a blocked share",
        shares: [share("athens", 4, { place: 2, isBlocked: true })],
        want: [],
      },
      {
        name: "a suspected cloud, whose place does not count",
        shares: [
          share("athens", 4, { place: 8, verdict: "suspected" }),
          share("lisbon", 4, { place: 8 }),
        ],
        more: { oldTotal: 16 },
        want: ["athens suspicion", "lisbon order"],
      },
      {
        name: "an unknown cloud, whose place does not count",
        shares: [
          share("athens", 4, { place: 8, verdict: "unknown" }),
          share("lisbon", 4, { place: 8 }),
        ],
        more: { oldTotal: 16 },
        want: ["athens unknown", "lisbon order"],
      },
      {
        name: "an unreachable one, which is not even held",
        shares: [share("athens", 0, { place: 8, verdict: "unreachable" })],
        want: [],
      },
      {
        name: "scale-downs while the weights do not sum to 1",
        shares: [share("athens", 4, { place: 8 }), share("lisbon", 4, { place: 1 })],
        more: { incomplete: true },
        want: ["athens incomplete", "lisbon 4"],
      },
      {
        name: "a share that awaits its release, and whose place does not count",
        shares: [
          share("athens", 0, { place: 8, awaitsRelease: true }),
          share("lisbon", 4, { place: 8 }),
        ],
        more: { oldTotal: 8 },
        want: ["athens release", "lisbon 4"],
      },
      {
        name: "a heat stack with an update under way",
        shares: [share("athens", 4, { place: 2, seen: { heat_status: "UPDATE_IN_PROGRESS" } })],
        want: [],
      },
      {
        name: "a suspended one",
        shares: [share("athens", 4, { place: 2, seen: { heat_status: "SUSPEND_COMPLETE" } })],
        want: [],
      },
      {
        name: "a share whose push has not ended",
        shares: [share("athens", 6, { place: 2, push: { count: 4 }, isOpen: true })],
        want: [],
      },
      {
        name: "the same number of the same generation within its pause",
        shares: [share("athens", 4, { place: 2, push: { count: 4 }, retryAt: soon })],
        want: ["athens retry"],
      },
    ];
  for (const { name, shares, more, want } of cases) {
    test(name, () => assert.deepEqual(decided(input(shares, more)), want));
  }
});

describe("what is pushed", () => {
  const cases: { name: string; shares: ShareView[]; want: string[] }[] = [
    {
      name: "another number within the pause",
      shares: [share("athens", 5, { place: 2, push: { count: 4 }, retryAt: soon })],
      want: ["athens 5"],
    },
    {
      name: "the number of another generation within the pause",
      shares: [share("athens", 4, { place: 2, push: { count: 4, generation: 0 }, retryAt: soon })],
      want: ["athens 4"],
    },
    {
      name: "the same number when the pause is over",
      shares: [share("athens", 4, { place: 2, push: { count: 4 }, retryAt: now })],
      want: ["athens 4"],
    },
    {
      name: "a failed update, even with the number it has",
      shares: [
        share("athens", 4, { seen: { count: 4, in_place: 2, heat_status: "UPDATE_FAILED" } }),
      ],
      want: ["athens 4"],
    },
    {
      name: "a stuck update, even with the number it has",
      shares: [
        share("athens", 4, {
          seen: {
            count: 4,
            in_place: 2,
            heat_status: "UPDATE_IN_PROGRESS",
            stuck: { since: before },
          },
        }),
      ],
      want: ["athens 4"],
    },
    {
      name: "a stuck scale-up that is now to be smaller, without going below what is in place",
      shares: [
        share("athens", 2, {
          seen: {
            count: 9,
            in_place: 4,
            heat_status: "UPDATE_IN_PROGRESS",
            stuck: { since: before },
          },
        }),
        share("lisbon", 2, { place: 0, isBlocked: true }),
      ],
      want: ["athens 4", "athens order"],
    },
  ];
  for (const { name, shares, want } of cases) {
    test(name, () => assert.deepEqual(decided(input(shares)), want));
  }

  test("while a push is open its place is the lower of what was seen and what it asks for", () => {
    const shares = [
      share("athens", 2, { place: 8, push: { count: 2 }, isOpen: true }),
      share("lisbon", 4, { place: 10 }),
    ];
    assert.deepEqual(decided(input(shares, { oldTotal: 12 })), ["lisbon 4"]);
    assert.deepEqual(decided(input(shares, { oldTotal: 18 })), ["lisbon 4"]);
    const later = shares.map((own) => ({ ...own, desired: own.desired + 3 }));
    assert.deepEqual(decided(input(later, { oldTotal: 18 })), ["lisbon order"]);
  });

  test("a push that ended counts until a COMPLETE was read since: somebody's update may have followed it", () => {
    const seen = { complete_at: before, count: 11, heat_status: "UPDATE_FAILED" };
    const pushed = share("athens", 4, { place: 7, seen, push: { count: 0, at: before } });
    assert.equal(placeOf(pushed), 0);
    const complete = { complete_at: before, complete_after: "push" };
    const since = share("athens", 4, { place: 7, seen: complete, push: { count: 0, at: now } });
    assert.equal(placeOf(since), 7);
  });

  /** A push of this number failed, or something after it did: of `in_place` no more than it is certain. */
  const doubtful = (count: number, in_place: number): Sketch => ({
    seen: { count: 9, in_place, heat_status: "UPDATE_FAILED", complete_at: before },
    push: { count, at: before },
  });

  test("what is not certain to run is taken away where nothing of it is needed", () => {
    assert.deepEqual(decided(input([share("athens", 0, doubtful(0, 2))])), ["athens 0"]);
    const shares = [share("athens", 1, doubtful(3, 7)), share("lisbon", 5, { place: 4 })];
    assert.deepEqual(decided(input(shares)), ["athens 2", "athens order", "lisbon 5"]);
  });

  test("while too few surely run, what perhaps runs is asked for again, then taken away", () => {
    const shares = [share("athens", 1, doubtful(0, 2)), share("lisbon", 3, { place: 3 })];
    assert.deepEqual(decided(input(shares)), ["athens 2", "athens order"]);
    assert.deepEqual(steps(input(shares)), [
      [0, 3],
      [2, 3],
      [1, 3],
    ]);
  });

  test("a parameter that a check confirmed after a failed update is pushed again", () => {
    const seen = { count: 9, heat_status: "CHECK_COMPLETE" };
    assert.deepEqual(decided(input([share("athens", 9, { place: 2, seen })])), ["athens 9"]);
    const doubted = doubtful(0, 2);
    const checked = { ...doubted.seen, count: 2, heat_status: "CHECK_COMPLETE" };
    assert.deepEqual(decided(input([share("athens", 2, { ...doubted, seen: checked })])), [
      "athens 2",
    ]);
  });
});

/** Any share: read or not, at rest or not, pushed or not, wherever its cloud stands. */
const anyShare = (cloud: CloudName): fc.Arbitrary<ShareView> =>
  fc
    .record({
      desired: fc.nat(20),
      count: fc.nat(20),
      place: fc.nat(20),
      isRead: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
      status: fc.constantFrom(
        "UPDATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_FAILED",
        "UPDATE_IN_PROGRESS",
        "ROLLBACK_COMPLETE",
        "SUSPEND_COMPLETE",
      ),
      isStuck: fc.boolean(),
      verdict: fc.constantFrom<ShareView["verdict"][]>(
        "reachable",
        "reachable",
        "suspected",
        "unreachable",
        "unknown",
      ),
      pushed: fc.nat(20),
      isOpen: fc.boolean(),
      isBlocked: fc.boolean(),
      awaitsRelease: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
      isResting: fc.boolean(),
      isUnconfirmed: fc.boolean(),
    })
    .map((one) => {
      const isAtRest = one.status !== "UPDATE_FAILED" && !one.status.endsWith("_IN_PROGRESS");
      const count = isAtRest ? one.place : one.count;
      const seen = {
        count,
        in_place: Math.min(one.place, count),
        heat_status: one.status,
        ...(one.isUnconfirmed ? { complete_at: before, complete_after: "an earlier push" } : {}),
        ...(one.isStuck && one.status.endsWith("_IN_PROGRESS") ? { stuck: { since: before } } : {}),
      };
      return share(cloud, one.desired, {
        ...(one.isRead ? { seen } : {}),
        verdict: one.verdict,
        push: { count: one.pushed },
        isOpen: one.isOpen,
        isBlocked: one.isBlocked,
        awaitsRelease: one.awaitsRelease,
        retryAt: one.isResting ? soon : undefined,
      });
    });

const someClouds = fc.uniqueArray(cloudName, { minLength: 1, maxLength: 6 });
const anyShares = someClouds.chain((clouds) => fc.tuple(...clouds.map(anyShare)));
const anyInput = fc
  .record({
    shares: anyShares,
    oldTotal: fc.option(fc.nat(60), { nil: undefined }),
    paused: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    incomplete: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
    order: fc.constantFrom<PushInput["order"][]>("make_before_break", "at_once"),
  })
  .map(({ shares, ...more }) => input(shares, more));

describe("properties of the order of pushes", () => {
  /** What is confirmed in the clouds that we can push to. */
  const confirmed = (shares: ShareView[]) =>
    sum(
      shares
        .filter(({ verdict, awaitsRelease }) => verdict === "reachable" && !awaitsRelease)
        .map(placeOf),
    );
  const floor = ({ shares, oldTotal }: PushInput) => {
    const total = sum(shares.map(({ desired }) => desired));
    return Math.min(oldTotal ?? total, total);
  };

  test("never below: no push takes what is in place below the lower of the old and new total", () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        fc.pre(given.order === "make_before_break");
        const counts = new Map(nextPushes(given).pushes.map(({ cloud, count }) => [cloud, count]));
        const after = given.shares.map((own): ShareView => {
          const count = counts.get(own.cloud);
          if (count === undefined || !own.seen) return own;
          return { ...own, seen: { ...own.seen, in_place: Math.min(placeOf(own), count) } };
        });
        const least = Math.min(floor(given), confirmed(given.shares));
        assert.ok(confirmed(after) >= least, `${confirmed(after)} < ${least}`);
      }),
      { numRuns: 2000 },
    );
  });

  test("never below, all the way, whichever pushes come to their end first", () => {
    const order = fc.array(fc.nat(5), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(anyInput, order, (given, choices) => {
        fc.pre(given.order === "make_before_break");
        const least = Math.min(floor(given), confirmed(given.shares));
        let shares = given.shares;
        for (const choice of choices) {
          const { pushes } = nextPushes({ ...given, shares });
          const asked = new Map(pushes.map(({ cloud, count }) => [cloud, count]));
          shares = shares.map((own) => {
            const count = asked.get(own.cloud);
            const push = { ...own.push, count } as Push;
            return count === undefined ? own : { ...own, isOpen: true, push };
          });
          assert.ok(confirmed(shares) >= least);
          const ending = shares.filter(({ isOpen }) => isOpen)[choice];
          if (ending?.seen && ending.push) {
            const { cloud, push } = ending;
            shares = done(shares, [{ cloud, count: push.count }]).map((own) =>
              own.cloud === cloud ? { ...own, isOpen: false } : own,
            );
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("progress: with nothing in the way two rounds of pushes reach what is desired", () => {
    const free = anyInput.map((given) => ({
      ...given,
      paused: false,
      incomplete: false,
      shares: given.shares.map((own) => {
        const { cloud, desired, seen, push } = own;
        const status = seen?.heat_status === "UPDATE_FAILED" ? "UPDATE_FAILED" : "UPDATE_COMPLETE";
        const { count = 0 } = seen ?? {};
        const in_place = status === "UPDATE_FAILED" ? (seen?.in_place ?? 0) : count;
        const { complete_at, complete_after } = seen ?? {};
        const last = complete_at === undefined ? {} : { complete_at, complete_after };
        return share(cloud, desired, {
          seen: { count, in_place, heat_status: status, ...last },
          ...(status === "UPDATE_FAILED" && push ? { push } : {}),
        });
      }),
    }));
    fc.assert(
      fc.property(free, (given) => {
        const all = steps(given);
        assert.deepEqual(
          all.at(-1),
          given.shares.map(({ desired }) => desired),
        );
        assert.ok(all.length <= (given.order === "at_once" ? 2 : 3), `${all.length} steps`);
      }),
      { numRuns: 1000 },
    );
  });

  test("the order in which the clouds come is of no effect", () => {
    const twice = anyInput.chain((given) => fc.tuple(fc.constant(given), shuffled(given.shares)));
    fc.assert(
      fc.property(twice, ([given, shares]) => {
        assert.deepEqual(decided({ ...given, shares }), decided(given));
      }),
    );
  });

  test("a push goes only to a reachable cloud, where nothing is under way and nothing in the way", () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        for (const { cloud, count } of nextPushes(given).pushes) {
          const own = given.shares.find((one) => one.cloud === cloud);
          assert.ok(own?.seen && !given.paused);
          assert.equal(own.verdict, "reachable");
          assert.ok(!own.isOpen && !own.isBlocked && !own.awaitsRelease);
          const isRunning = own.seen.heat_status === "UPDATE_IN_PROGRESS" && !own.seen.stuck;
          assert.ok(!isRunning && own.seen.heat_status !== "SUSPEND_COMPLETE");
          assert.ok(count >= Math.min(own.desired, placeOf(own)));
          assert.ok(count <= Math.max(own.desired, own.seen.in_place));
        }
      }),
    );
  });
});
