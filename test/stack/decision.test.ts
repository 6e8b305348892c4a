import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Fault } from "../../lib/cloud/faults.ts";
import type { CloudName } from "../../lib/cloud/schema.ts";
import { type Decision, decide } from "../../lib/stack/decision.ts";
import { factsOf } from "../../lib/stack/facts.ts";
import type { Share, Status } from "../../lib/stack/schema.ts";
import { statusMoved, statusOf } from "../../lib/stack/status.ts";
import type { Declared } from "../../lib/stack/view.ts";
import {
  at,
  athens,
  blockedBy,
  declared,
  lisbon,
  manchester,
  pushOf,
  type Sketch,
  settings,
} from "../support/stack-view.ts";

const noon = at(0);
const running = { heat_status: "UPDATE_IN_PROGRESS", updated_time: "2026-01-01T12:00:00Z" };
const credentials = {
  class: "credentials" as const,
  code: "login_rejected",
  message: "Keystone rejected the login",
  since: at(-1),
};
const policy = { failover: "even", order: "make_before_break", failback: "auto" };
const manual = { policy: { ...policy, failback: "manual" } };

function decided(view: Declared, now = noon, faults: [CloudName, Fault][] = []): Decision {
  return decide(view, { now, settings, faults: new Map(faults) });
}

function shareIn(decision: Decision, cloud: CloudName): Share {
  const share = decision.shares.find((one) => one.cloud === cloud);
  assert.ok(share);
  return share;
}

function status(view: Declared, now = noon, decision = decided(view, now)): Status {
  return statusOf({ view, decision, kept: new Map(), now, settings });
}

/** The view as it is once this was written down: nothing was pushed. */
function written(view: Declared, now = noon): Declared {
  const decision = decided(view, now);
  return { ...view, shares: decision.shares, status: status(view, now, decision) };
}

const three = (more: Record<string, Sketch> = {}, stack = {}) =>
  declared({ athens: {}, lisbon: {}, manchester: {}, ...more }, stack);

describe("blocks", () => {
  const code = (sketch: Sketch, now = noon, faults: [CloudName, Fault][] = []) => {
    const decision = decided(three({ athens: sketch }), now, faults);
    return shareIn(decision, athens).blocked?.code;
  };

  test("come from the cloud, from what the heat stack says, and from what was met", () => {
    const fault = { class: "stack" as const, code: "quota", message: "no more" };
    assert.equal(code({}), undefined);
    assert.equal(code({ verdict: { blocking: credentials } }), "login_rejected");
    assert.equal(code({ seen: { heat_status: "SUSPEND_COMPLETE" } }), "suspended");
    assert.equal(code({ seen: { heat_status: "DELETE_IN_PROGRESS" } }), "deleting");
    assert.equal(code({ seen: { count: undefined } as never }), "no_count_parameter");
    assert.equal(code({ seen: { heat_stack_id: "id-of-lisbon" } }), "same_heat_stack");
    assert.equal(code({}, noon, [[athens, fault]]), "quota");
    assert.equal(code({}, noon, [[athens, { ...fault, class: "config" }]]), "quota");
    assert.equal(code({}, noon, [[athens, { ...fault, class: "service" }]]), undefined);
  });

  test("are of no interest where nothing is owed, but for the cloud's own", () => {
    const suspended = { seen: { heat_status: "SUSPEND_COMPLETE" } };
    const lost = { verdict: "unreachable" as const };
    assert.equal(code({ ...suspended, verdict: lost }), undefined);
    assert.equal(code({ verdict: { ...lost, blocking: credentials } }), "login_rejected");
    const refused = { share: { blocked: "refused", retry_at: at(60) } };
    assert.equal(code({ ...refused, seen: { missing: { since: at(-1) } } }), undefined);
    assert.equal(code({ ...refused, desired: 4 }), undefined);
  });

  test("a refused push waits for its hour, or for its witness to move, or for a person", () => {
    const seen = { count: 6, in_place: 6 };
    const of = (share: Share | undefined, more = {}, count = 9) => {
      const view = three({ athens: { seen: { ...seen, ...more } } }, { count });
      return {
        ...view,
        shares: view.shares.map((own) => (own.cloud === athens ? { ...own, ...share } : own)),
      };
    };
    const push = pushOf(3, { answered: { at: at(0.1), outcome: "refused" } });
    const { shares } = of(undefined);
    const [own] = shares.filter(({ cloud }) => cloud === athens);
    const fault = { class: "stack" as const, code: "quota", message: "no more", status: 400 };
    const refused = own && { ...own, push, retry_at: at(2), attempts: 2 };
    const found = shareIn(decided(of(refused), at(0.2), [[athens, fault]]), athens);
    assert.equal(found.retry_at, at(60.1), "an hour after it was turned down");
    assert.equal(found.desired, 3);
    const now = (minutes: number, view: Declared, asked?: number) => {
      const wake = asked === undefined ? {} : { wake: { at: at(asked), asked_at: at(asked) } };
      const decision = decided({ ...view, ...wake }, at(minutes));
      const isPushed = decision.pushes.some(({ cloud }) => cloud === athens);
      return [shareIn(decision, athens).blocked?.code, isPushed];
    };
    assert.deepEqual(now(59, of(found)), ["quota", false]);
    assert.deepEqual(now(61, of(found)), ["quota", true]);
    assert.deepEqual(now(59, of(found), 30), ["quota", true]);
    const asked = { ...of(refused), wake: { at: at(-1), asked_at: at(-1) } };
    const answer = shareIn(decided(asked, at(0.2), [[athens, fault]]), athens);
    assert.deepEqual(now(59, of(answer), -1), ["quota", false], "asked before it was tried");
    const changed = of(found, { updated_time: "2026-01-01T12:30:00Z" });
    assert.deepEqual(now(31, changed), [undefined, true]);
    assert.deepEqual(now(31, of(found, {}, 15)), [undefined, true], "another number");
  });

  test("the hour of a block that is gone binds no push", () => {
    const blocked = blockedBy("suspended");
    const share = { blocked, push: pushOf(4), retry_at: at(60), attempts: 1 };
    const resumed = { share, seen: { read_at: at(6), count: 2, in_place: 2 } };
    const decision = decided(three({ athens: resumed }), at(10));
    assert.deepEqual(shareIn(decision, athens).retry_at, undefined);
    assert.deepEqual(decision.pushes, [{ cloud: athens, count: 4 }]);
  });

  test("a failed update is shown while it rests and while it is tried again, until one is over", () => {
    const answered = { at: at(0.1), outcome: "accepted" as const };
    const failed = { read_at: at(1), count: 4, in_place: 2, heat_status: "UPDATE_FAILED" };
    const share = { push: pushOf(4, { answered }), retry_at: at(5), attempts: 1 };
    const resting = decided(three({ athens: { share, seen: failed } }), at(2));
    assert.equal(shareIn(resting, athens).blocked?.code, "update_failed");
    assert.deepEqual([resting.pushes, resting.retries], [[], [at(5)]]);
    assert.equal(decided(three({ athens: { share, seen: failed } }), at(5)).pushes.length, 1);
    const again = { ...share, blocked: "update_failed", push: pushOf(4, { answered, at: at(5) }) };
    const open = { share: again, seen: { ...failed, ...running, read_at: at(6) } };
    assert.equal(code(open, at(6)), "update_failed");
    assert.equal(code({ share: again, seen: { read_at: at(7) } }, at(7)), undefined);
    const back = { read_at: at(7), count: 2, in_place: 2, heat_status: "ROLLBACK_COMPLETE" };
    const rolledBack = shareIn(
      decided(three({ athens: { share: again, seen: back } }), at(7)),
      athens,
    );
    assert.equal(rolledBack.blocked?.code, "update_failed");
    assert.match(rolledBack.blocked?.message ?? "", /to 4 did not last, and Heat went back to 2/);
    assert.equal(
      code({ share: again, seen: { ...back, count: 4, in_place: 4 } }, at(7)),
      undefined,
    );
  });

  test("a PATCH that the stack's own 500 answered is tried after the push's own pause", () => {
    const push = pushOf(4, { answered: { at: at(0.1), outcome: "unanswered" } });
    const share = { push, retry_at: at(1), attempts: 1 };
    const fault = { class: "stack" as const, code: "remote_error", message: "", status: 500 };
    const decision = decided(
      three({ athens: { share, seen: { count: 2, in_place: 2 } } }),
      at(0.2),
      [[athens, fault]],
    );
    assert.equal(shareIn(decision, athens).blocked?.code, "remote_error");
    assert.equal(shareIn(decision, athens).retry_at, at(1));
  });
});

describe("shares", () => {
  const desired = (view: Declared) =>
    Object.fromEntries(decided(view).shares.map((share) => [share.cloud, share.desired]));

  test("a lost, a missing and a drained cloud's share is dealt to the others", () => {
    const gone: Sketch[] = [
      { verdict: { verdict: "unreachable" } },
      { seen: { missing: { since: at(-1) } } },
      { drained: true },
    ];
    for (const athens of gone) {
      const shares = desired(three({ athens }));
      assert.deepEqual(shares, { athens: 0, lisbon: 6, manchester: 6 });
    }
    assert.deepEqual(desired(three({ athens: { verdict: { verdict: "suspected" } } })), {
      athens: 4,
      lisbon: 4,
      manchester: 4,
    });
  });

  test("nothing moves while a weighed cloud is unknown, and each share says why", () => {
    const decision = decided(
      three({ athens: { verdict: { verdict: "unknown" }, seen: undefined } }),
    );
    assert.equal(decision.standstill?.reason, "unknown");
    assert.match(decision.standstill?.message ?? "", /athens/);
    assert.deepEqual(decision.pushes, []);
    for (const { desired, held } of decision.shares) {
      assert.deepEqual([desired, held?.reason], [4, "unknown"]);
    }
  });

  test("only a share that was dealt away is marked as lost", () => {
    const lost = (view: Declared) => shareIn(decided(view), athens).lost;
    const gone = { verdict: { verdict: "unreachable" as const, since: at(-3) } };
    assert.deepEqual(lost(three({ athens: gone })), { since: at(-3) });
    assert.equal(lost(declared({ athens: gone })), undefined, "nowhere to deal it to");
    assert.equal(lost(three({ athens: { ...gone, drained: true } })), undefined);
    const none = { policy: { ...policy, failover: "none" } };
    assert.equal(lost(three({ athens: gone }, none)), undefined);
    const before = { ...gone, share: { lost: { since: at(-9) } } };
    assert.deepEqual(lost(three({ athens: before })), { since: at(-9) });
    const back = { share: { lost: { since: at(-9) } }, verdict: { returned_at: at(-8) } };
    assert.equal(lost(three({ athens: back })), undefined);
    assert.deepEqual(lost(three({ athens: back }, manual)), { since: at(-9) });
  });

  test("a standby of weight 0 that held instances when it was lost awaits its release as well", () => {
    const standby = (sketch: Sketch) =>
      decided(declared({ athens: { weight: 1 }, lisbon: { weight: 0, ...sketch } }, manual));
    const lost = { verdict: { verdict: "unreachable" as const } };
    assert.equal(shareIn(standby({ ...lost, desired: 0 }), lisbon).lost, undefined);
    assert.ok(shareIn(standby({ ...lost, desired: 2 }), lisbon).lost);
  });

  test("what is no longer weighed stays as long as its push is open, and no cloud is gone", () => {
    const push = pushOf(6);
    const open = { weight: undefined, share: { push } };
    const kept = decided(three({ athens: open }));
    assert.equal(shareIn(kept, athens).desired, 4);
    assert.deepEqual(kept.removed, []);
    assert.deepEqual(decided(three({ athens: { weight: undefined } })).removed, [athens]);
    const view = three({ athens: open });
    view.verdicts.delete(athens);
    assert.deepEqual(decided(view).removed, [athens]);
  });

  test("the rest of a scale-down stays held while the part that may go is under way", () => {
    const held = { reason: "order" as const, message: "waits", since: at(-4) };
    const answered = { at: at(0.1), outcome: "accepted" as const };
    const part = { desired: 2, count: 2, share: { push: pushOf(6, { answered }), held } };
    const seen = { read_at: at(1), count: 6, in_place: 6, ...running };
    const decision = decided(three({ athens: { ...part, seen } }), at(1));
    assert.deepEqual(shareIn(decision, athens).held, held);
  });
});

describe("status", () => {
  test("at rest: converged, the generation observed, and no due time", () => {
    const { state, observed_generation, old_total, due_at, attempts, version } = status(three());
    assert.deepEqual(
      [state, observed_generation, old_total, due_at, attempts, version],
      ["converged", 1, 12, undefined, 0, 8],
    );
  });

  test("worst wins", () => {
    const lost = { verdict: { verdict: "unreachable" as const } };
    const blocked = { verdict: { blocking: credentials } };
    const behind = { seen: { count: 2, in_place: 2 } };
    const states: [Declared, string][] = [
      [three({ athens: behind }), "converging"],
      [
        three({ athens: lost, lisbon: { count: 6 }, manchester: { count: 6 } }, { count: 12 }),
        "failed_over",
      ],
      [three({ athens: lost }), "failed_over"],
      [three({ athens: lost, lisbon: { verdict: { verdict: "suspected" } } }), "held"],
      [three({ athens: lost, lisbon: blocked }), "blocked"],
      [three({ athens: lost, lisbon: blocked }, { paused: true }), "paused"],
      [declared({ athens: lost }), "held"],
    ];
    for (const [view, state] of states) assert.equal(status(view).state, state);
  });

  test("a new generation keeps the old one's total until it is in place", () => {
    const next = status(three({ athens: { seen: { count: 2, in_place: 2 } } }, { generation: 2 }));
    assert.deepEqual([next.observed_generation, next.old_total], [1, 12]);
    assert.deepEqual([next.state, next.inputs.generation], ["converging", 2]);
  });

  test("a re-created stack keeps nothing but the version", () => {
    const view = three({ athens: { seen: { count: 2, in_place: 2 } } }, { uid: "new" });
    const next = status(view);
    assert.deepEqual([next.version, next.uid], [8, "new"]);
    assert.deepEqual([next.observed_generation, next.old_total], [undefined, undefined]);
  });

  test("what is not converged is looked at in growing pauses, up to an hour", () => {
    let view = three({ athens: { seen: { count: 4, in_place: 2, ...running } } });
    let now = noon;
    const pauses: number[] = [];
    for (let round = 0; round < 9; round += 1) {
      view = written(view, now);
      const due = view.status?.due_at ?? "";
      assert.ok(!statusMoved(view.status, status(view, now)), "a second run writes nothing");
      pauses.push((Date.parse(due) - Date.parse(now)) / 60_000);
      now = due;
    }
    assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  test("what is in place but blocked is looked at in growing pauses too", () => {
    let view = three({ athens: { verdict: { blocking: credentials } } });
    let now = noon;
    for (let round = 0; round < 8; round += 1) {
      view = written(view, now);
      now = view.status?.due_at ?? "";
    }
    const { due_at = "" } = written(view, now).status ?? {};
    assert.equal(Date.parse(due_at) - Date.parse(now), settings.longestPauseMs);
  });

  test("paused, without weights, and awaiting a release alone: no due time", () => {
    const behind = { athens: { seen: { count: 2, in_place: 2 } } };
    assert.equal(status(three(behind, { paused: true })).due_at, undefined);
    assert.equal(status(declared({}, { count: 5 })).due_at, undefined);
    const back = { share: { lost: { since: at(-9) } }, verdict: { returned_at: at(-8) } };
    const rest = { lisbon: { count: 6 }, manchester: { count: 6 } };
    const waiting = three({ athens: { ...back, count: 0 }, ...rest }, { ...manual, count: 12 });
    assert.deepEqual([status(waiting).due_at, status(waiting).state], [undefined, "failed_over"]);
  });

  test("the end of an unanswered push's five minutes, a retry and a block's hour are due times", () => {
    const seen = { count: 2, in_place: 2 };
    const late = { attempts: 9 };
    const withStatus = (view: Declared): Declared =>
      view.status ? { ...view, status: { ...view.status, ...late, due_at: at(50) } } : view;
    const open = three({ athens: { seen, share: { push: pushOf(4) } } });
    assert.equal(status(withStatus(open), at(1)).due_at, at(5));
    const answered = { at: at(0.1), outcome: "accepted" as const };
    const failed = { ...seen, read_at: at(1), heat_status: "UPDATE_FAILED" };
    const resting = { push: pushOf(4, { answered }), retry_at: at(9), attempts: 4 };
    assert.equal(
      status(withStatus(three({ athens: { seen: failed, share: resting } })), at(2)).due_at,
      at(9),
    );
  });

  test("open: every cloud whose push has not ended, and those about to be pushed", () => {
    const seen = { count: 2, in_place: 2 };
    const view = three({ athens: { seen, share: { push: pushOf(4) } }, lisbon: { seen } });
    assert.deepEqual([...status(view, at(1)).open].sort(), [athens, lisbon]);
  });

  test("a suspended heat stack is not in place", () => {
    const view = three({ athens: { seen: { heat_status: "SUSPEND_COMPLETE" } } });
    const converged = status(view).conditions.find(({ type }) => type === "converged");
    assert.deepEqual([converged?.status, status(view).state], [false, "blocked"]);
  });

  test("what is left to do names what moves, and what only has to end", () => {
    const view = three({ athens: { seen: running }, lisbon: { seen: { in_place: 3 } } });
    const converged = status(view).conditions.find(({ type }) => type === "converged");
    assert.equal(converged?.message, "athens is updating, lisbon 3 -> 4");
  });

  test("conditions say the same whatever the order of weights and shares", () => {
    const verdict = { blocking: credentials };
    const view = three({ athens: { verdict }, lisbon: { verdict }, manchester: { seen: running } });
    const weights = Object.fromEntries(Object.entries(view.stack.weights).reverse());
    const turned = {
      ...view,
      stack: { ...view.stack, weights },
      shares: view.shares.toReversed(),
    };
    assert.deepEqual(
      status(turned).conditions.map(({ message }) => message),
      status(view).conditions.map(({ message }) => message),
    );
  });

  test("conditions keep their since as long as they say the same", () => {
    const view = written(three({ athens: { verdict: { blocking: credentials } } }));
    const later = status(view, at(30));
    for (const { since } of later.conditions) assert.equal(since, noon);
  });
});

describe("facts", () => {
  const facts = (view: Declared, now = noon) =>
    factsOf(view, decided(view, now), { now, newId: () => "id" });

  test("a reallocation says what changed, from what to what, and why", () => {
    const lost = { verdict: "unreachable" as const, since: at(-3), reason: "silence" };
    const [event, ...others] = facts(three({ athens: { verdict: lost } }));
    assert.deepEqual(others, []);
    assert.equal(event?.type, "stack.reallocated");
    assert.deepEqual(event?.changes, [
      { cloud: athens, from: 4, to: 0 },
      { cloud: lisbon, from: 4, to: 6 },
      { cloud: manchester, from: 4, to: 6 },
    ]);
    assert.equal(event?.cause, `athens is unreachable since ${at(-3)} (silence)`);
    assert.equal(
      event?.message,
      "web: athens 4 -> 0, lisbon 4 -> 6, manchester 4 -> 6, because athens is unreachable since 11:57",
    );
  });

  test("blocks of several clouds read as one sentence", () => {
    const verdict = { blocking: { ...credentials, message: "Keystone rejected the login." } };
    const other = { blocking: { ...credentials, message: "Keystone knows no such project." } };
    const view = three({ athens: { verdict }, lisbon: { verdict: other } });
    const blocked = status(view).conditions.find(({ type }) => type === "blocked");
    const said = "athens: Keystone rejected the login; lisbon: Keystone knows no such project.";
    assert.equal(blocked?.message, said);
    assert.deepEqual(
      facts(view).map(({ message }) => message),
      [`web: blocked: ${said}`],
    );
  });

  test("a reallocation names its clouds in order, and the day of what is older than today", () => {
    const lost = { verdict: "unreachable" as const, since: at(-24 * 60), reason: "silence" };
    const view = three({ athens: { verdict: lost } });
    const [event] = facts({ ...view, shares: view.shares.toReversed() });
    assert.match(event?.message ?? "", /^web: athens .*, lisbon .*, manchester .*, because/);
    assert.match(event?.message ?? "", /unreachable since 2025-12-31 12:00$/);
  });

  test("a new declaration is the cause of its own", () => {
    const [event] = facts(three({}, { generation: 2, count: 15 }));
    assert.equal(event?.cause, "generation 2 asks for 15 in 3 clouds");
  });

  test("those that came and went for one reason come in one event, and only once", () => {
    const suspected = {
      verdict: { verdict: "suspected" as const },
      seen: { count: 2, in_place: 2 },
    };
    const view = three({ athens: suspected, lisbon: suspected });
    const [event, ...others] = facts(view);
    assert.deepEqual([event?.type, others.length], ["share.held", 0]);
    assert.match(event?.message ?? "", /^web: held: athens, lisbon: the cloud is suspected/);
    assert.deepEqual(facts(written(view)), []);
    const after = written(view);
    const reached = new Map(
      [...after.verdicts].map(([cloud, own]) => [cloud, { ...own, verdict: "reachable" as const }]),
    );
    const [over] = facts({ ...after, verdicts: reached });
    assert.equal(over?.type, "share.unheld");
    assert.match(over?.message ?? "", /athens \(was: suspicion\); lisbon \(was: suspicion\)/);
  });
});

/** Any state of a cloud that a stack may meet. */
const anySketch: fc.Arbitrary<Sketch> = fc
  .record({
    count: fc.nat(12),
    desired: fc.nat(12),
    verdict: fc.constantFrom("reachable", "reachable", "suspected", "unreachable", "unknown"),
    isBlocking: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    isReturned: fc.boolean(),
    drained: fc.option(fc.boolean(), { nil: undefined }),
    heat_status: fc.constantFrom(
      "UPDATE_COMPLETE",
      "UPDATE_FAILED",
      "UPDATE_IN_PROGRESS",
      "ROLLBACK_COMPLETE",
      "SUSPEND_COMPLETE",
    ),
    isMissing: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    readAt: fc.integer({ min: -9, max: 9 }),
    pushed: fc.option(fc.nat(12), { nil: undefined }),
    outcome: fc.option(fc.constantFrom("accepted", "refused", "unanswered"), { nil: undefined }),
    blocked: fc.option(fc.constantFrom("refused", "update_failed", "suspended"), {
      nil: undefined,
    }),
    retryAt: fc.option(fc.integer({ min: -9, max: 70 }), { nil: undefined }),
    isLost: fc.boolean(),
    isWeighed: fc.integer({ min: 0, max: 7 }).map((n) => n > 0),
  })
  .map((one) => ({
    ...(one.isWeighed ? {} : { weight: undefined }),
    count: one.count,
    desired: one.desired,
    verdict: {
      verdict: one.verdict as never,
      ...(one.isBlocking ? { blocking: credentials } : {}),
      ...(one.isReturned ? { returned_at: at(-4) } : {}),
    },
    ...(one.drained === undefined ? {} : { drained: one.drained }),
    seen: {
      heat_status: one.heat_status,
      read_at: at(one.readAt),
      ...(one.isMissing ? { missing: { since: at(one.readAt) } } : {}),
    },
    share: {
      ...(one.pushed === undefined
        ? {}
        : {
            push: pushOf(
              one.pushed,
              one.outcome ? { answered: { at: at(0.1), outcome: one.outcome as never } } : {},
            ),
          }),
      ...(one.blocked ? { blocked: one.blocked } : {}),
      ...(one.retryAt === undefined ? {} : { retry_at: at(one.retryAt) }),
      ...(one.isLost ? { lost: { since: at(-9) } } : {}),
    },
  }));
const anyView = fc
  .tuple(
    anySketch,
    anySketch,
    anySketch,
    fc.boolean(),
    fc.boolean(),
    fc.integer({ min: 0, max: 2 }),
  )
  .map(([athens, lisbon, manchester, isManual, paused, generation]) =>
    three({ athens, lisbon, manchester }, { ...(isManual ? manual : {}), paused, generation }),
  );

describe("properties of a decision", () => {
  test("it settles: once written down, the same view gives the same again, and no event", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const after = written(written(view, at(10)), at(10));
        const decision = decided(after, at(10));
        assert.deepEqual(decision.shares, after.shares);
        assert.ok(!statusMoved(after.status, status(after, at(10))));
        assert.deepEqual(factsOf(after, decision, { now: at(10), newId: () => "" }), []);
      }),
      { numRuns: 2000 },
    );
  });

  test("it settles at once: writing it down changes nothing that it rests on", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const once = written(view, at(10));
        assert.deepEqual(decided(once, at(10)).shares, once.shares);
      }),
      { numRuns: 2000 },
    );
  });

  test("what is neither converged, paused nor awaiting a release has a due time ahead", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const { due_at, conditions } = status(view, at(10));
        const holds = (type: string) => conditions.find((one) => one.type === type)?.status;
        if (view.stack.paused || Object.keys(view.stack.weights).length === 0) {
          assert.equal(due_at, undefined);
        } else if (!holds("converged") || holds("blocked")) {
          assert.ok(due_at !== undefined && due_at > at(10));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("exact: the shares of a stack add up to its count, or nothing moves", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const { shares, standstill } = decided(view);
        const weighed = shares.filter(({ cloud }) => Object.hasOwn(view.stack.weights, cloud));
        const total = weighed.reduce((sum, { desired }) => sum + desired, 0);
        if (!standstill && weighed.length > 0) assert.equal(total, view.stack.count);
      }),
    );
  });
});
