import assert from "node:assert/strict";
import { test } from "node:test";
import { minuteOf, ticksOfMinute } from "../../lib/cloud/minute.ts";
import { at, stoppedClock } from "../support/time.ts";

type Run = {
  /** Seconds after the scheduled minute's start. */
  startsAt?: number;
  intervalMs?: number;
  /** Seconds that each tick takes, in turn; then none. */
  takes?: number[];
  /** Seconds that each tick waits, in turn, while others have the clock; then none. */
  waits?: number[];
  /** Ticks that throw, by number. */
  throws?: (n: number) => boolean;
  /** Ticks that wake a stack, by number. */
  wakes?: number[];
  /** The second from which on nothing remains. */
  endsAt?: number;
  /** Ticks after which another vantage's vote may decide, by number. */
  open?: number[];
  /** How often to judge again after each of them; the last time, or throw. */
  again?: number | "throws";
};

/** Runs a minute on a clock that only sleeps and ticks move; says when it ticked and when it ended. */
async function run(options: Run) {
  const {
    startsAt = 0,
    intervalMs = 10_000,
    takes = [],
    waits = [],
    throws = () => false,
    wakes = [],
    endsAt = 900,
    open = [],
    again = 1000,
  } = options;
  const clock = stoppedClock(startsAt);
  const seconds = () => (clock.now().getTime() - Date.parse(at(0))) / 1000;
  const ticked: number[] = [];
  const between: number[] = [];
  const reported: string[] = [];
  let thrown: unknown;
  try {
    await ticksOfMinute(
      {
        now: clock.now,
        sleep: async (ms) => clock.advance(ms / 1000),
        remainingMs: () => Math.max(0, endsAt - seconds()) * 1000,
        newId: () => "id",
        log: {
          debug: () => reported.push("quiet"),
          info: () => reported.push("news"),
          error: () => reported.push("error"),
        },
        tick: async () => {
          const n = ticked.push(seconds());
          clock.advance(takes[n - 1] ?? 0);
          const end = seconds() + (waits[n - 1] ?? 0);
          while (seconds() < end) await new Promise(setImmediate);
          if (throws(n)) throw new Error(`tick ${n}`);
          const woken = wakes.includes(n) ? 1 : 0;
          const more = open.includes(n) ? { open: [] } : {};
          return { clouds: 0, isVoid: false, moved: [], woken, ...more };
        },
        judgeBetween: async () => {
          const n = between.push(seconds());
          await new Promise(setImmediate);
          if (again === "throws") throw new Error("no table");
          return { moved: [], isOpen: n < again };
        },
      },
      { scheduledAt: new Date(at(0)), intervalMs },
    );
  } catch (error) {
    thrown = error;
  }
  return { ticked, between, reported, thrown, endedAt: seconds() };
}

const minutes: [what: string, run: Run, ticked: number[]][] = [
  ["every interval until the minute is over", {}, [0, 10, 20, 30, 40, 50]],
  ["from when it was started", { startsAt: 4 }, [4, 14, 24, 34, 44, 54]],
  ["once when the minute is all but over", { startsAt: 59.999 }, [59.999]],
  ["never when it comes a minute late", { startsAt: 60 }, []],
  ["never when it comes an hour late", { startsAt: 3600 }, []],
  ["a tick that takes long lets the missed ones be", { takes: [0, 25] }, [0, 10, 40, 50]],
  ["a tick that takes all the minute is the last", { takes: [70] }, [0]],
  ["at the pace that is set", { intervalMs: 30_000 }, [0, 30]],
  ["until little time remains", { endsAt: 40 }, [0, 10, 20]],
  ["once though little time remains from the start", { endsAt: 1 }, [0]],
];
for (const [what, options, expected] of minutes) {
  test(`ticks ${what}`, async () => {
    const { ticked, thrown } = await run(options);
    assert.deepEqual(ticked, expected);
    assert.equal(thrown, undefined);
  });
}

test("a tick that throws is told, and the next one goes on; one with news is told, too", async () => {
  const { reported, thrown } = await run({ throws: (n) => n === 2, wakes: [4] });
  assert.deepEqual(reported, ["quiet", "error", "quiet", "news", "quiet", "quiet"]);
  assert.equal(thrown, undefined);
});

test("when every tick threw, the run fails with the last error", async () => {
  const { ticked, thrown } = await run({ throws: () => true });
  assert.equal(ticked.length, 6);
  assert.match(String(thrown), /tick 6/);
});

test("a run that is asked to end does so within a second, even when its ticks throw", async () => {
  const { ticked, endedAt } = await run({ endsAt: 27, throws: () => true });
  assert.deepEqual(ticked, [0, 10]);
  assert.ok(endedAt < 13, `${endedAt}`);
});

test("the minute is read from the event", () => {
  assert.deepEqual(minuteOf({ time: "2026-01-01T00:00:00Z" }), new Date(at(0)));
  for (const event of [
    undefined,
    null,
    "x",
    {},
    { time: 5 },
    { time: "soon" },
    { time: "<aws.scheduler.scheduled-time>" },
  ]) {
    assert.equal(minuteOf(event), undefined);
  }
});

test("while another vantage's vote may decide, it is judged again until the next tick", async () => {
  const { ticked, between } = await run({ open: [2] });
  assert.deepEqual(ticked, [0, 10, 20, 30, 40, 50]);
  assert.deepEqual([between.at(0), between.at(-1), between.length], [10.5, 20, 20]);
});

test("it is not judged again when nothing is open any more, or when that throws", async () => {
  assert.deepEqual((await run({ open: [2], again: 2 })).between, [10.5, 11]);
  const { between, ticked, thrown } = await run({ open: [1], again: "throws" });
  assert.deepEqual([between, ticked.length, thrown], [[0.5], 6, undefined]);
});

test("the last tick's question is judged until the minute is over", async () => {
  const { between, endedAt } = await run({ open: [6] });
  assert.deepEqual([between.at(0), between.at(-1), endedAt], [50.5, 60, 60]);
  assert.equal((await run({ open: [] })).endedAt, 50);
});

test("what is open is judged also while the next tick waits for a deadline", async () => {
  const { ticked, between } = await run({ open: [2], waits: [0, 0, 5] });
  assert.deepEqual(ticked, [0, 10, 20, 30, 40, 50]);
  const during = between.filter((second) => second > 20);
  assert.equal(during.at(0), 20.5);
  assert.ok(during.every((second) => second <= 25) && during.length >= 8);
});
