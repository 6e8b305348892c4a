import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Known, Seen, Verdict } from "../../lib/cloud/schema.ts";
import type { Push } from "../../lib/stack/schema.ts";
import {
  cloudViews,
  hasEnded,
  isAskedAnew,
  isUndecided,
  needsReading,
  ofThisStack,
  verdictMarks,
} from "../../lib/stack/view.ts";
import {
  at,
  athens,
  declared,
  knowing,
  lisbon,
  pushOf,
  type Sketch,
  seenOf,
  settings,
  verdictOf,
} from "../support/stack-view.ts";

const accepted = { at: at(0.1), outcome: "accepted" as const };
const unanswered = { at: at(0.1), outcome: "unanswered" as const };
const running = { heat_status: "UPDATE_IN_PROGRESS", updated_time: "2026-01-01T12:00:00Z" };
const moved = { updated_time: "2026-01-01T12:00:00Z" };

describe("a push has ended", () => {
  const cases: {
    name: string;
    push?: Partial<Push>;
    seen?: Partial<Seen> | undefined;
    verdict?: Partial<Verdict>;
    want: boolean;
  }[] = [
    {
      name: "refused, whatever was seen",
      push: { answered: { ...accepted, outcome: "refused" } },
      seen: undefined,
      want: true,
    },
    { name: "never read", push: { answered: accepted }, seen: undefined, want: false },
    {
      name: "read before it",
      push: { answered: accepted },
      seen: { read_at: at(-1) },
      want: false,
    },
    {
      name: "accepted, read before the answer",
      push: { answered: accepted },
      seen: { read_at: at(0.05) },
      want: false,
    },
    {
      name: "accepted, read as it was answered",
      push: { answered: accepted },
      seen: { read_at: at(0.1) },
      want: false,
    },
    {
      name: "accepted, still in progress",
      push: { answered: accepted },
      seen: { read_at: at(1), ...running },
      want: false,
    },
    {
      name: "accepted, read since as complete",
      push: { answered: accepted },
      seen: { read_at: at(1) },
      want: true,
    },
    {
      name: "accepted, read since as failed",
      push: { answered: accepted },
      seen: { read_at: at(1), heat_status: "UPDATE_FAILED" },
      want: true,
    },
    {
      name: "accepted, rolling back",
      push: { answered: accepted },
      seen: { read_at: at(1), heat_status: "ROLLBACK_IN_PROGRESS" },
      want: false,
    },
    {
      name: "unanswered, carried out and over",
      push: { answered: unanswered },
      seen: { read_at: at(1), ...moved },
      want: true,
    },
    {
      name: "unanswered, being carried out",
      push: { answered: unanswered },
      seen: { read_at: at(9), ...running },
      want: false,
    },
    {
      name: "unanswered, no trace yet",
      push: { answered: unanswered },
      seen: { read_at: at(4.9) },
      want: false,
    },
    {
      name: "unanswered, no trace after five minutes",
      push: { answered: unanswered },
      seen: { read_at: at(5) },
      want: true,
    },
    {
      name: "unanswered, no trace, but the cloud only just came back",
      push: { answered: unanswered },
      seen: { read_at: at(8) },
      verdict: { returned_at: at(9) },
      want: false,
    },
    {
      name: "unanswered, no trace after the return",
      push: { answered: unanswered },
      seen: { read_at: at(9) },
      verdict: { returned_at: at(9) },
      want: true,
    },
    {
      name: "cut off before the answer was written down, carried out",
      seen: { read_at: at(1), ...moved },
      want: true,
    },
    { name: "cut off, no trace yet", seen: { read_at: at(1) }, want: false },
    {
      name: "the heat stack is gone",
      push: { answered: accepted },
      seen: { read_at: at(1), missing: { since: at(1) } },
      want: true,
    },
    {
      name: "another heat stack under the name",
      seen: { read_at: at(1), heat_stack_id: "new" },
      want: true,
    },
    {
      name: "stuck since",
      push: { answered: accepted },
      seen: { read_at: at(70), ...running, stuck: { since: at(70) } },
      want: true,
    },
    {
      name: "stuck before it",
      push: { answered: accepted },
      seen: { read_at: at(1), ...running, stuck: { since: at(-1) } },
      want: false,
    },
  ];
  for (const { name, push, seen, verdict, want } of cases) {
    test(`${name}: ${want ? "yes" : "no"}`, () => {
      const [own, said] = [pushOf(6, push), verdictOf(athens, verdict)];
      const read = seen && knowing(seenOf(athens, 4, seen), said, own);
      const ended = hasEnded(own, read, said, settings);
      assert.equal(ended, want);
    });
  }
});

describe("what came first is known by what was known, whosever clock is ahead", () => {
  const push = pushOf(6, { answered: accepted });
  const back = verdictOf(athens, { returned_at: at(-9) });
  const known = { push_id: "push", answered: true, returned_at: at(-9) };
  const cases: { name: string; after: Known; read_at: string; want: boolean }[] = [
    { name: "read after it, by a clock that is behind", after: known, read_at: at(-1), want: true },
    { name: "read before it, by one that is ahead", after: {}, read_at: at(2), want: false },
    {
      name: "read before its answer, by one that is ahead",
      after: { ...known, answered: undefined },
      read_at: at(2),
      want: false,
    },
    {
      name: "read after another push",
      after: { ...known, push_id: "before" },
      read_at: at(2),
      want: false,
    },
  ];
  test("seen as it was asked for before its answer was written down: ended", () => {
    const seen = seenOf(athens, 6, { after: { ...known, answered: undefined }, read_at: at(2) });
    assert.equal(hasEnded(push, seen, back, settings), false);
    assert.equal(hasEnded(push, { ...seen, settled_after: "push" }, back, settings), true);
  });

  for (const { name, after, read_at, want } of cases) {
    test(`${name}: ${want ? "ended" : "open"}`, () => {
      assert.equal(hasEnded(push, seenOf(athens, 6, { after, read_at }), back, settings), want);
    });
  }

  test("read after a return, by a clock that is behind: it counts; before it, by one that is ahead: not", () => {
    const view = declared({ athens: { verdict: { returned_at: at(0) } } });
    const seenBy = (after: Known, read_at: string) => {
      view.seen.set(athens, seenOf(athens, 4, { after, read_at }));
      return cloudViews(view, new Map(), settings).get(athens)?.seen?.read_at;
    };
    assert.equal(seenBy({ returned_at: at(0) }, at(-1)), at(-1));
    assert.equal(seenBy({}, at(1)), undefined);
  });

  test("without a share only what was read for this declaration counts: the cloud may have been let go of since", () => {
    const view = declared({ athens: { share: undefined } }, { generation: 3 });
    const known = (after: Known) => {
      view.seen.set(athens, seenOf(athens, 4, { after }));
      return cloudViews(view, new Map(), settings).get(athens)?.raw?.count;
    };
    assert.equal(known({ generation: 2 }), undefined);
    assert.equal(known({}), undefined);
    assert.equal(known({ generation: 3 }), 4);
  });

  test("a pause ends with a question that the push did not know of, whatever their times", () => {
    const asked = { at: at(-3), asked_at: at(-3) };
    assert.equal(isAskedAnew(asked, pushOf(6)), true);
    assert.equal(isAskedAnew(asked, pushOf(6, { asked_at: at(-3) })), false);
    assert.equal(isAskedAnew({ at: at(1) }, pushOf(6)), false);
  });
});

describe("Heat must be asked", () => {
  const cases: { name: string; sketch?: Sketch; asked_at?: number; now?: number; want: boolean }[] =
    [
      { name: "nothing owed", want: false },
      { name: "never read", sketch: { seen: undefined }, want: true },
      { name: "read for another parameter", sketch: { seen: { parameter: "size" } }, want: true },
      {
        name: "not read since the return",
        sketch: { verdict: { returned_at: at(0) } },
        want: true,
      },
      { name: "a person asked since", asked_at: 0, want: true },
      { name: "a person asked before", asked_at: -10, want: false },
      {
        name: "unreachable",
        sketch: { seen: undefined, verdict: { verdict: "unreachable" } },
        want: false,
      },
      {
        name: "suspected",
        sketch: { seen: undefined, verdict: { verdict: "suspected" } },
        want: false,
      },
      {
        name: "blocked by its credentials",
        sketch: {
          seen: undefined,
          verdict: { blocking: { class: "credentials", code: "x", message: "", since: at(0) } },
        },
        want: false,
      },
      {
        name: "an accepted push: the probe looks",
        sketch: { share: { push: pushOf(6, { answered: accepted }) } },
        now: 9,
        want: false,
      },
      {
        name: "an unanswered one, within the five minutes",
        sketch: { share: { push: pushOf(6) } },
        now: 4,
        want: false,
      },
      {
        name: "an unanswered one, after them",
        sketch: { share: { push: pushOf(6) } },
        now: 5,
        want: true,
      },
      {
        name: "a blocked share before its hour",
        sketch: { share: { blocked: "refused", retry_at: at(60) } },
        want: false,
      },
      {
        name: "a blocked share after its hour",
        sketch: { share: { blocked: "refused", retry_at: at(60) } },
        now: 60,
        want: true,
      },
      {
        name: "a failed update, which is simply pushed",
        sketch: { share: { blocked: "update_failed", retry_at: at(1) } },
        now: 2,
        want: false,
      },
    ];
  for (const { name, sketch, asked_at, now = 1, want } of cases) {
    test(`${name}: ${want ? "yes" : "no"}`, () => {
      const view = declared({ athens: sketch ?? {} });
      const [raw, asked] = [view.seen.get(athens), asked_at && at(asked_at)];
      if (raw && asked) view.seen.set(athens, knowing(raw, verdictOf(athens), undefined, asked));
      const own = cloudViews(view, new Map(), settings).get(athens);
      assert.ok(own);
      const wake =
        asked_at === undefined ? undefined : { at: at(asked_at), asked_at: at(asked_at) };
      assert.equal(needsReading(own, { wake, now: at(now), settings }), want);
    });
  }

  test("a cloud no longer weighed, while its push is open and known to Heat: the probe does not look", () => {
    const open = (answered: Push["answered"]) => {
      const push = pushOf(6, answered ? { answered } : {});
      const view = declared({ athens: {}, lisbon: { weight: undefined, share: { push } } });
      const own = cloudViews(view, new Map(), settings).get(lisbon);
      assert.ok(own);
      return needsReading(own, { wake: undefined, now: at(1), settings });
    };
    assert.equal(open(accepted), true);
    assert.equal(open(unanswered), false);
  });
});

describe("what is known of a cloud", () => {
  const viewOf = (sketch: Sketch, stack = {}) => {
    const own = cloudViews(declared({ athens: sketch }, stack), new Map(), settings).get(athens);
    assert.ok(own);
    return own;
  };
  const blocking = { class: "config" as const, code: "x", message: "", since: at(0) };
  const manual = { policy: { failover: "even", order: "make_before_break", failback: "manual" } };

  test("available: reachable, suspected, or unknown and abstaining", () => {
    const available = (sketch: Sketch, stack = {}) => viewOf(sketch, stack).isAvailable;
    assert.equal(available({}), true);
    assert.equal(available({ verdict: { verdict: "suspected" } }), true);
    assert.equal(available({ verdict: { verdict: "unknown", blocking } }), true);
    assert.equal(available({ verdict: { verdict: "unknown" } }), false);
    assert.equal(available({ verdict: { verdict: "unreachable" } }), false);
    assert.equal(available({ drained: true }), false);
    assert.equal(available({ seen: { missing: { since: at(0) } } }), false);
    const lost = { share: { lost: { since: at(-9) } }, verdict: { returned_at: at(-8) } };
    assert.equal(available(lost), true);
    assert.equal(available(lost, manual), false);
    assert.equal(available(lost, { ...manual, released: { at: at(-8.5) } }), false);
    assert.equal(available(lost, { ...manual, released: { at: at(-7) } }), true);
  });

  test("undecided: weighed, unknown, not abstaining, not drained", () => {
    assert.equal(isUndecided(viewOf({ verdict: { verdict: "unknown" } })), true);
    assert.equal(isUndecided(viewOf({ verdict: { verdict: "unknown", blocking } })), false);
    assert.equal(isUndecided(viewOf({ verdict: { verdict: "unknown" }, drained: true })), false);
    assert.equal(isUndecided(viewOf({})), false);
  });

  test("of a deleted stack of the name only the version and the pushes count", () => {
    const view = declared({
      athens: { share: { blocked: "refused", push: pushOf(6), attempts: 3 } },
    });
    const status = view.status && { ...view.status, uid: "another" };
    const [share] = ofThisStack({ ...view, ...(status ? { status } : {}) }).shares;
    assert.deepEqual(Object.keys(share ?? {}).sort(), [
      "attempts",
      "cloud",
      "desired",
      "push",
      "stack_name",
      "version",
    ]);
    assert.equal(share?.attempts, 0);
    assert.deepEqual(ofThisStack(view).shares, view.shares);
  });

  test("its inputs move with each verdict or order of a cloud that it weighs", () => {
    const view = (athens: number, lisbon: number, ordered: number, manchester = 9) =>
      declared({
        athens: { verdict: { at: at(athens) } },
        lisbon: { verdict: { at: at(lisbon) }, drained: true, ordered_at: at(ordered) },
        manchester: { weight: undefined, verdict: { at: at(manchester) } },
      });
    const marks = verdictMarks(view(3, 1, 7));
    assert.equal(verdictMarks(view(3, 1, 7, 10)), marks);
    for (const moved of [view(4, 1, 7), view(3, 2, 7), view(3, 1, 8)]) {
      assert.notEqual(verdictMarks(moved), marks);
    }
  });
});
