import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  CloudName,
  type HeatStackDetail,
  type Seen,
  type Verdict,
} from "../../lib/cloud/schema.ts";
import {
  hasMoved,
  hasOutlived,
  heatState,
  isUnderWay,
  mayBeStuck,
  missingFrom,
  refusesUpdates,
  seenFrom,
  wasCutOff,
} from "../../lib/cloud/seen.ts";
import { plainCloud, putHeatStack } from "../support/plain-cloud.ts";
import { at } from "../support/time.ts";

const cloud = CloudName.parse("athens");
const settings = { stuckGraceMs: 300_000, updateTimeoutMs: 3_600_000, pushSilenceMs: 300_000 };

function detail(heat_status: string, count: string | number, more: Partial<HeatStackDetail> = {}) {
  return putHeatStack(plainCloud(), { heat_status, count, ...more });
}

function seen(previous: Seen | undefined, of: HeatStackDetail, parameter = "count"): Seen {
  const reading = { cloud, detail: of, parameter, read_at: at(0), after: {}, push: undefined };
  return seenFrom({ ...reading, previous, isStuck: false });
}

test("the state is what is behind the last _", () => {
  for (const action of [
    "CREATE",
    "UPDATE",
    "ROLLBACK",
    "CHECK",
    "RESUME",
    "ADOPT",
    "SNAPSHOT",
    "RESTORE",
  ]) {
    assert.equal(heatState(`${action}_COMPLETE`), "complete");
    assert.equal(heatState(`${action}_FAILED`), "failed");
    assert.equal(heatState(`${action}_IN_PROGRESS`), "in_progress");
    assert.equal(refusesUpdates(`${action}_COMPLETE`), false);
  }
  assert.equal(refusesUpdates("SUSPEND_COMPLETE"), true);
  assert.equal(refusesUpdates("DELETE_IN_PROGRESS"), true);
  assert.equal(isUnderWay({ heat_status: "DELETE_IN_PROGRESS" }), false);
  assert.equal(isUnderWay({ heat_status: "CHECK_IN_PROGRESS" }), true);
});

/** Readings of one heat stack in a row, and what is in place after each. */
const readings: [
  what: string,
  readings: [heat_status: string, count: number | string, in_place: number][],
][] = [
  ["a COMPLETE counts", [["UPDATE_COMPLETE", 6, 6]]],
  [
    "nothing counts until first seen COMPLETE",
    [
      ["CREATE_IN_PROGRESS", 6, 0],
      ["CREATE_FAILED", 6, 0],
      ["UPDATE_IN_PROGRESS", 4, 0],
      ["UPDATE_COMPLETE", 4, 4],
    ],
  ],
  ["an UPDATE_FAILED met first counts nothing", [["UPDATE_FAILED", 6, 0]]],
  [
    "a scale-up counts when it is COMPLETE",
    [
      ["UPDATE_COMPLETE", 2, 2],
      ["UPDATE_IN_PROGRESS", 6, 2],
      ["UPDATE_COMPLETE", 6, 6],
    ],
  ],
  [
    "a scale-down counts at its lower number at once",
    [
      ["UPDATE_COMPLETE", 6, 6],
      ["UPDATE_IN_PROGRESS", 2, 2],
      ["UPDATE_COMPLETE", 2, 2],
    ],
  ],
  [
    "a failed scale-up counts at the old number",
    [
      ["UPDATE_COMPLETE", 2, 2],
      ["UPDATE_IN_PROGRESS", 6, 2],
      ["UPDATE_FAILED", 6, 2],
    ],
  ],
  [
    "a failed scale-down counts at the new number",
    [
      ["UPDATE_COMPLETE", 6, 6],
      ["UPDATE_FAILED", 2, 2],
    ],
  ],
  [
    "failures in a row count at the lowest",
    [
      ["UPDATE_COMPLETE", 6, 6],
      ["UPDATE_FAILED", 2, 2],
      ["UPDATE_FAILED", 9, 2],
      ["UPDATE_IN_PROGRESS", 5, 2],
      ["UPDATE_COMPLETE", 5, 5],
    ],
  ],
  [
    "a rollback counts at the old number when it is COMPLETE",
    [
      ["UPDATE_COMPLETE", 6, 6],
      ["UPDATE_IN_PROGRESS", 9, 6],
      ["ROLLBACK_IN_PROGRESS", 6, 6],
      ["ROLLBACK_COMPLETE", 6, 6],
    ],
  ],
  [
    "a check does not change what runs",
    [
      ["UPDATE_COMPLETE", 6, 6],
      ["CHECK_IN_PROGRESS", 6, 6],
      ["CHECK_FAILED", 6, 6],
    ],
  ],
  [
    "a suspended one counts what it had, and no more",
    [
      ["UPDATE_COMPLETE", 6, 6],
      ["SUSPEND_COMPLETE", 6, 6],
      ["RESUME_COMPLETE", 6, 6],
    ],
  ],
  ["a suspended one met first counts nothing", [["SUSPEND_COMPLETE", 6, 0]]],
  [
    "a deletion is a scale-down to nothing",
    [
      ["UPDATE_COMPLETE", 6, 6],
      ["DELETE_IN_PROGRESS", 6, 0],
      ["DELETE_FAILED", 6, 0],
    ],
  ],
  [
    "a count that is no whole number leaves what was known",
    [
      ["UPDATE_COMPLETE", 6, 6],
      ["UPDATE_COMPLETE", "2.5", 6],
    ],
  ],
];
for (const [what, steps] of readings) {
  test(`in place: ${what}`, () => {
    let previous: Seen | undefined;
    for (const [heat_status, count, in_place] of steps) {
      previous = seen(previous, detail(heat_status, count));
      assert.equal(previous.in_place, in_place, `${heat_status} ${count}`);
    }
  });
}

test("in place: another parameter, or another heat stack, begins from 0", () => {
  const before = seen(undefined, detail("UPDATE_COMPLETE", 6));
  const parameters = new Map([["size", "6"]]);
  const renamed = { ...detail("UPDATE_IN_PROGRESS", 6), parameters };
  assert.equal(seen(before, renamed, "size").in_place, 0);
  assert.equal(seen(before, { ...renamed, heat_status: "UPDATE_COMPLETE" }, "size").in_place, 6);
  const another = detail("CREATE_IN_PROGRESS", 6, { heat_stack_id: "id-2" });
  assert.equal(seen(before, another).in_place, 0);
});

test("in place: a check or a resume after a failed update confirms nothing", () => {
  const failed = seen(seen(undefined, detail("UPDATE_COMPLETE", 2)), detail("UPDATE_FAILED", 9));
  for (const heat_status of ["CHECK_COMPLETE", "RESUME_COMPLETE", "SNAPSHOT_COMPLETE"]) {
    assert.equal(seen(failed, detail(heat_status, 9)).in_place, 2, heat_status);
    assert.equal(seen(undefined, detail(heat_status, 9)).in_place, 9, heat_status);
  }
});

test("in place: an update to a count that cannot be read leaves nothing confirmed", () => {
  const before = seen(undefined, detail("UPDATE_COMPLETE", 6));
  const updated_time = "2026-01-01T09:00:00Z";
  const renamed = { ...detail("UPDATE_COMPLETE", 6, { updated_time }), parameters: new Map() };
  assert.equal(seen(before, renamed).in_place, 0);
});

test("Never below: in place is never more than the last COMPLETE, nor than any number asked for since", () => {
  const status = fc.constantFrom(
    ...["CREATE", "UPDATE", "ROLLBACK", "CHECK"].flatMap((action) =>
      ["COMPLETE", "FAILED", "IN_PROGRESS"].map((state) => `${action}_${state}`),
    ),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(status, fc.nat(20)), { minLength: 1 }), (steps) => {
      let previous: Seen | undefined;
      let bound = 0;
      for (const [heat_status, count] of steps) {
        const isNews = !heat_status.startsWith("CHECK_") || previous?.complete_at === undefined;
        previous = seen(previous, detail(heat_status, count));
        bound = isNews && heat_status.endsWith("_COMPLETE") ? count : Math.min(bound, count);
        assert.equal(previous.in_place, bound);
      }
    }),
  );
});

test("a count is a whole number, or absent", () => {
  for (const [text, count] of [
    ["4", 4],
    [" 4 ", 4],
    ["0", 0],
    ["2.5", undefined],
    ["-1", undefined],
    ["", undefined],
    ["three", undefined],
    ["1e3", undefined],
    ["99999999999999999999", undefined],
  ] as const) {
    assert.equal(seen(undefined, detail("UPDATE_COMPLETE", text)).count, count, text);
  }
  const lacking = { ...detail("UPDATE_COMPLETE", 4), parameters: new Map<string, string>() };
  assert.equal(seen(undefined, lacking).count, undefined);
  assert.equal(seen(undefined, lacking, "constructor").count, undefined);
});

test("a reason is kept short, and whole characters", () => {
  const long = seen(undefined, detail("UPDATE_FAILED", 4, { reason: `${"x".repeat(999)}😀` }));
  assert.ok((long.reason ?? "").length <= 1000);
  assert.ok(long.reason?.isWellFormed());
});

test("missing counts nothing, and keeps the project and since when", () => {
  const named = { cloud, stack_name: "web", parameter: "count", project_id: "project-1" };
  const input = { ...named, after: {} };
  const first = missingFrom({
    ...input,
    read_at: at(10),
    previous: seen(undefined, detail("UPDATE_COMPLETE", 6)),
  });
  assert.deepEqual(first, { ...input, read_at: at(10), in_place: 0, missing: { since: at(10) } });
  const next = missingFrom({ ...input, read_at: at(20), previous: first });
  assert.deepEqual(next.missing, { since: at(10) });
  assert.equal(hasMoved(first, next), false, "read_at alone is no movement");
  assert.equal(hasMoved(undefined, next), true);
  assert.equal(hasMoved(seen(undefined, detail("UPDATE_COMPLETE", 6)), next), true);
});

test("the order of keys is no movement", () => {
  const one = seen(undefined, detail("UPDATE_COMPLETE", 6));
  const turned = Object.fromEntries(Object.entries(one).reverse()) as Seen;
  assert.equal(hasMoved(one, turned), false);
});

/** An update begun at 0 s. */
function running(heat_status = "UPDATE_IN_PROGRESS", more: Partial<Seen> = {}): Seen {
  return { ...seen(undefined, detail(heat_status, 4, { updated_time: at(0) })), ...more };
}

test("an update has outlived its timeout and the grace", () => {
  const cases: [what: string, seen: Seen, at_: number, expected: boolean][] = [
    ["60 min and 5", running(), 3899, false],
    ["60 min and 5", running(), 3900, true],
    ["its own 5 min and 5", running(undefined, { timeout_mins: 5 }), 599, false],
    ["its own 5 min and 5", running(undefined, { timeout_mins: 5 }), 600, true],
    ["no timeout is 60 min", running(undefined, { timeout_mins: null }), 3900, true],
    [
      "a creation",
      running("CREATE_IN_PROGRESS", { updated_time: null, creation_time: at(0) }),
      3900,
      true,
    ],
    ["a rollback", running("ROLLBACK_IN_PROGRESS"), 3900, true],
    ["a check, begun nobody knows when", running("CHECK_IN_PROGRESS"), 999_999, false],
    ["a resumption, the same", running("RESUME_IN_PROGRESS"), 999_999, false],
  ];
  for (const [what, of, seconds, expected] of cases) {
    assert.equal(hasOutlived(of, at(seconds), settings), expected, `${what} at ${seconds}`);
  }
});

function returned(seconds: number | undefined): Verdict {
  const returned_at = seconds === undefined ? {} : { returned_at: at(seconds) };
  const since = at(-999);
  return { cloud, verdict: "reachable", since, at: since, reason: "", votes: [], ...returned_at };
}

test("an update was cut off when the cloud came back during it", () => {
  assert.equal(wasCutOff(running(), undefined), false);
  assert.equal(wasCutOff(running(), returned(undefined)), false, "never lost");
  assert.equal(wasCutOff(running(), returned(-1)), false, "back before it began");
  assert.equal(wasCutOff(running(), returned(100)), true);
});

test("what may be stuck is read again: outlived, or quiet for 5 min since a return", () => {
  const may = (of: Seen, verdict: Verdict, seconds: number) =>
    mayBeStuck(of, verdict, at(seconds), settings);
  assert.equal(may(running(), returned(undefined), 1000), false);
  assert.equal(may(running(), returned(undefined), 3900), true);
  assert.equal(may(running(), returned(100), 399), false);
  assert.equal(may(running(), returned(100), 400), true);
  assert.equal(may(running(undefined, { stuck: { since: at(1) } }), returned(100), 9999), false);
  assert.equal(may(running("UPDATE_COMPLETE"), returned(100), 9999), false);
  assert.equal(may(running("DELETE_IN_PROGRESS"), returned(100), 9999), false);
});
