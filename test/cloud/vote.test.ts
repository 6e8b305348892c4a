import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Fault } from "../../lib/cloud/faults.ts";
import { CloudName, VantageName, type Vote } from "../../lib/cloud/schema.ts";
import { countVote, isVoid, isWorthWriting, MOST_MISSES } from "../../lib/cloud/vote.ts";
import { fault, otherFaults, silences } from "../support/plain-cloud.ts";
import { at } from "../support/time.ts";

const cloud = CloudName.parse("athens");
const vantage = VantageName.parse("home");
const refused = fault("path", "refused");
const timeout = fault("service", "timeout");
const tooMany = fault("answer", "http_429", 429);
const rejected = fault("credentials", "login_rejected", 401);

type Step = {
  fault?: Fault;
  isVoid?: boolean;
  busySilenceMs?: number;
  refutedAt?: string;
  intervalMs?: number;
};

/** One letter a tick: up, miss, missed deadline, abstention, void. */
const steps: Record<string, Step> = {
  u: {},
  m: { fault: refused },
  t: { fault: timeout },
  a: { fault: tooMany },
  v: { fault: refused, isVoid: true },
};

function counted(previous: Vote | undefined, seconds: number, step: Step): Vote {
  const { fault: found, isVoid: isVoidTick = false, ...rest } = step;
  const finding = { cloud, ...(found ? { fault: found } : { latency_ms: 20 }) };
  return countVote({
    ...{ finding, vantage, at: at(seconds), previous, isVoid: isVoidTick },
    ...{ intervalMs: 10_000, ...rest },
  });
}

function played(letters: string, everySeconds = 10, more: Step = {}): Vote | undefined {
  return [...letters].reduce<Vote | undefined>(
    (previous, letter, n) => counted(previous, n * everySeconds, { ...steps[letter], ...more }),
    undefined,
  );
}

const histories: [
  letters: string,
  vote: string,
  misses: number,
  successes: number,
  abstentions: number,
][] = [
  ["u", "up", 0, 1, 0],
  ["uuuuu", "up", 0, 3, 0],
  ["m", "silent", 1, 0, 0],
  ["mmmmm", "silent", 5, 0, 0],
  ["mmmmmmmmmmmm", "silent", 10, 0, 0],
  ["uuum", "silent", 1, 0, 0],
  ["mmu", "up", 0, 1, 0],
  ["a", "abstains", 0, 0, 1],
  ["aaaaa", "abstains", 0, 0, 3],
  ["mma", "abstains", 2, 0, 1],
  ["mmam", "silent", 3, 0, 0],
  ["uua", "abstains", 0, 2, 1],
  ["uuau", "up", 0, 3, 0],
  ["mmv", "abstains", 2, 0, 0],
  ["mmvm", "silent", 3, 0, 0],
  ["uuv", "abstains", 0, 2, 0],
  ["aavv", "abstains", 0, 0, 2],
  ["vvvvv", "abstains", 0, 0, 0],
  ["aam", "silent", 1, 0, 0],
];
for (const [letters, vote, misses, successes, abstentions] of histories) {
  test(`${letters} votes ${vote} with ${misses} misses, ${successes} successes, ${abstentions} abstentions`, () => {
    const last = played(letters);
    assert.deepEqual(
      [last?.vote, last?.misses, last?.successes, last?.abstentions],
      [vote, misses, successes, abstentions],
    );
  });
}

test("a vote older than 90 s begins from 0", () => {
  for (const [letters, gap, expected] of [
    ["mmm", 90, [3, 0, 0]],
    ["mmm", 91, [1, 0, 0]],
    ["uuu", 91, [0, 1, 0]],
    ["aaa", 91, [0, 0, 1]],
  ] as const) {
    const last = played(letters, gap);
    assert.deepEqual(
      [last?.misses, last?.successes, last?.abstentions],
      expected,
      `${letters} ${gap}`,
    );
  }
});

test("misses of which the last is older than 90 s begin from 0, however often somebody abstained since", () => {
  assert.equal(played("mmaaaaaaaam")?.misses, 3);
  assert.equal(played("mmaaaaaaaaam")?.misses, 1);
});

test("a vote from ahead of the clock begins from 0, and is written over", () => {
  const ahead = counted(undefined, 3600, steps.m ?? {});
  const now = counted({ ...ahead, misses: 2 }, 0, steps.m ?? {});
  assert.equal(now.misses, 1);
  assert.equal(isWorthWriting(ahead, now), true);
});

test("a refutation sets the misses before it to 0, and none after it", () => {
  const two = played("mm");
  assert.equal(counted(two, 20, { fault: refused, refutedAt: at(15) }).misses, 1);
  const afterwards = counted(two, 20, { fault: refused, refutedAt: at(5) });
  assert.equal(afterwards.misses, 3);
});

test("while updates of ours run, a missed deadline counts once the silence is 60 s old", () => {
  const busy = { busySilenceMs: 60_000 };
  assert.equal(played("tttttt", 10, busy)?.misses, 0, "50 s");
  assert.equal(played("ttttttt", 10, busy)?.misses, 1, "60 s");
  assert.equal(played("ttttttttt", 10, busy)?.misses, 3, "80 s");
  assert.equal(played("uutttttttu", 10, busy)?.misses, 0);
});

test("while updates of ours run, refusals count at once", () => {
  assert.equal(played("mmm", 10, { busySilenceMs: 60_000 })?.misses, 3);
});

test("a busy silence begins with this silence, not with one before a gap or an answer", () => {
  const busy = { fault: timeout, busySilenceMs: 60_000 };
  const long = played("t", 10, { busySilenceMs: 60_000 });
  assert.equal(counted(long, 3600, busy).misses, 0, "an hour without ticks");
  const answered = counted(long, 30, { fault: tooMany });
  assert.equal(counted(answered, 70, busy).misses, 0, "an answer in between");
});

test("the start of a silence is kept through void ticks, and ends with an answer", () => {
  assert.equal(played("umm")?.silent_since, at(10));
  assert.equal(played("ummvvm")?.silent_since, at(10));
  assert.equal(played("uvvm")?.silent_since, at(10), "in a void nothing is heard either");
  assert.equal(played("umam")?.silent_since, at(30));
  assert.equal(played("uvav")?.silent_since, at(30));
  assert.equal(played("ummu")?.silent_since, undefined);
});

test("a void is one void since its first tick, whatever faults its ticks met", () => {
  const late: Step = { fault: timeout, isVoid: true };
  const first = counted(played("um"), 20, { fault: refused, isVoid: true });
  const third = counted(counted(first, 30, late), 40, { fault: refused, isVoid: true });
  assert.equal(third.since, at(20));
  assert.equal(
    counted(third, 50, { fault: refused }).since,
    at(50),
    "and what comes after it is new",
  );
  assert.equal(counted(third, 50, { fault: rejected }).since, at(50));
});

test("a busy engine's missed deadlines are not made older by a void before or among them", () => {
  const busy = { busySilenceMs: 60_000 };
  assert.equal(played("vvvvvvvvt", 10, busy)?.misses, 0, "80 s of void");
  assert.equal(played("vvtttttt", 10, busy)?.misses, 0, "50 s since");
  assert.equal(played("vvttttttt", 10, busy)?.misses, 1, "60 s since");
  assert.equal(played("tttvvvvt", 10, busy)?.misses, 0);
});

test("since is the first of the same findings in a row", () => {
  assert.equal(played("uuu")?.since, at(0));
  assert.equal(played("ummm")?.since, at(10));
  assert.equal(played("umt")?.since, at(20), "another fault");
  assert.equal(played("uu", 100)?.since, at(100), "after a gap nobody knows");
});

test("a vote remembers what is not counted", () => {
  const login_pause = { until: at(99), attempts: 2 };
  const memory = { listed_at: at(1), updating: true, login_pause, credential_hash: "h" };
  const first = { ...counted(undefined, 0, {}), ...memory };
  for (const step of Object.values(steps)) {
    const { listed_at, updating, login_pause: pause, credential_hash } = counted(first, 500, step);
    assert.deepEqual({ listed_at, updating, login_pause: pause, credential_hash }, memory);
  }
});

test("a tick is void when all of two or more clouds that were asked are silent", () => {
  const of = (...faults: (Fault | undefined | "unasked")[]) =>
    isVoid(
      faults.map((each) =>
        each === "unasked"
          ? { cloud, fault: fault("config", "no_such_cloud"), unasked: true as const }
          : { cloud, ...(each ? { fault: each } : {}) },
      ),
    );
  assert.equal(of(), false);
  assert.equal(of(refused), false, "one cloud alone may be down");
  assert.equal(of(refused, timeout), true);
  assert.equal(of(refused, timeout, undefined), false, "one answers");
  assert.equal(of(refused, timeout, tooMany), false, "one says too much");
  assert.equal(of(refused, timeout, rejected), false, "one does not know us");
  assert.equal(of(refused, timeout, "unasked"), true, "one was not asked");
  assert.equal(of(refused, "unasked"), false);
});

test("a vote is rewritten when more than its latency moved, or after 60 s", () => {
  const first = played("uuu") as Vote;
  const next = { ...counted(first, 30, {}), latency_ms: 999 };
  assert.equal(isWorthWriting(undefined, first), true);
  assert.equal(isWorthWriting(first, next), false);
  assert.equal(isWorthWriting(first, counted(first, 79, {})), false);
  assert.equal(isWorthWriting(first, counted(first, 80, {})), true);
  assert.equal(isWorthWriting(first, counted(first, 30, { fault: refused })), true);
  assert.equal(isWorthWriting(first, { ...next, listed_at: at(30) }), true);
});

test("a vote is rewritten as its vantage's interval has it, so that one may be lost on the way", () => {
  for (const [intervalMs, rewrittenAt] of [
    [2_000, 60],
    [10_000, 60],
    [15_000, 45],
    [20_000, 40],
    [25_000, 25],
    [30_000, 30],
    [60_000, 60],
  ] as const) {
    const [first, every] = [counted(played("uuu"), 30, { intervalMs }), intervalMs / 1000];
    let tick = 1;
    while (!isWorthWriting(first, counted(first, 30 + tick * every, { intervalMs }))) tick += 1;
    assert.equal(tick * every, rewrittenAt, `every ${every} s`);
  }
});

test("No vote is ever too old while its vantage votes: not with one lost, late ticks and deadlines", () => {
  const rhythm = fc.record({
    interval: fc.integer({ min: 1, max: 30 }),
    /** Of a tick, in parts of an interval; and of its vote, in parts of the longest way. */
    late: fc.array(fc.double({ min: 0, max: 0.99, noNaN: true }), { minLength: 99, maxLength: 99 }),
    ways: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 99, maxLength: 99 }),
    lost: fc.integer({ min: 1, max: 98 }),
  });
  fc.assert(
    fc.property(rhythm, ({ interval, late, ways, lost }) => {
      const intervalMs = interval * 1000;
      let [written, writes] = [counted(undefined, 0, { intervalMs }), 0];
      for (let n = 1; n < 99; n += 1) {
        // Each tick is late by its own deadlines; the schedule goes on.
        const seconds = n * interval + (late[n] ?? 0) * Math.min(interval, 5);
        const next = counted(written, seconds, { intervalMs });
        const arrivesAt = seconds + (ways[n] ?? 0) * 10;
        const age = arrivesAt - (Date.parse(written.at) - Date.parse(at(0))) / 1000;
        assert.ok(age <= 90, `${age} s old`);
        if (!isWorthWriting(written, next)) continue;
        writes += 1;
        if (writes !== lost) written = next;
      }
    }),
  );
});

test("a vote that says no interval is always worth writing, unless it repeats one", () => {
  const { interval_ms: _, ...first } = counted(played("uuu"), 30, {});
  const { interval_ms: __, ...next } = counted(first, 35, {});
  assert.equal(isWorthWriting(first, next), true);
  assert.equal(isWorthWriting(first, { ...next, at: at(34.9) }), false);
});

test("two runs that overlap count once", () => {
  const first = played("m") as Vote;
  assert.equal(isWorthWriting(first, counted(first, 4.9, { fault: refused })), false);
  assert.equal(isWorthWriting(first, counted(first, 5, { fault: refused })), true);
  assert.equal(isWorthWriting(first, counted(first, -1, { fault: refused })), false);
  const often = { fault: refused, intervalMs: 2_000 };
  assert.equal(isWorthWriting(first, counted(first, 0.9, often)), false);
  assert.equal(isWorthWriting(first, counted(first, 2, often)), true, "one that looks more often");
});

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>({}),
  fc.constantFrom(...silences).map((found): Step => ({ fault: found })),
  fc.constantFrom(...otherFaults).map((found): Step => ({ fault: found })),
  fc.constantFrom(...silences).map((found): Step => ({ fault: found, isVoid: true })),
);
const anyHistory = fc.array(fc.tuple(anyStep, fc.integer({ min: 1, max: 120 })), { maxLength: 30 });

test("One miss is nothing: misses are never more than the silences since the last answer", () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      let vote: Vote | undefined;
      let seconds = 0;
      let silent = 0;
      for (const [step, gap] of history) {
        seconds += gap;
        vote = counted(vote, seconds, step);
        const isMiss = step.fault && silences.includes(step.fault) && !step.isVoid;
        silent = isMiss ? silent + 1 : step.fault ? silent : 0;
        assert.ok(vote.misses <= Math.min(silent, MOST_MISSES));
        assert.ok(vote.vote !== "silent" || isMiss);
        assert.equal(vote.vote === "up", step.fault === undefined);
      }
    }),
  );
});

test("Only the network's silence is an outage: no other fault adds a miss", () => {
  fc.assert(
    fc.property(anyHistory, fc.constantFrom(...otherFaults), (history, other) => {
      const vote = history.reduce<Vote | undefined>(
        (previous, [step], n) => counted(previous, n * 10, step),
        undefined,
      );
      const next = counted(vote, history.length * 10, { fault: other });
      assert.ok(next.misses <= (vote?.misses ?? 0));
      assert.equal(next.vote, "abstains");
    }),
  );
});

test("If everything looks down, it is us: a void tick counts nothing", () => {
  fc.assert(
    fc.property(anyHistory, fc.constantFrom(...silences), (history, silence) => {
      const vote = history.reduce<Vote | undefined>(
        (previous, [step], n) => counted(previous, n * 10, step),
        undefined,
      );
      const next = counted(vote, history.length * 10, { fault: silence, isVoid: true });
      assert.ok(next.misses <= (vote?.misses ?? 0));
      assert.equal(next.successes, vote?.successes ?? 0);
      assert.equal(next.abstentions, vote?.abstentions ?? 0);
    }),
  );
});
