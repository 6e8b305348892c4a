import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Fault } from "../../lib/cloud/faults.ts";
import { type OutlookSettings, outlookOf } from "../../lib/cloud/outlook.ts";
import {
  CloudName,
  type CloudOrders,
  type Time,
  VantageName,
  type Verdict,
  type VerdictKind,
  type Vote,
} from "../../lib/cloud/schema.ts";
import { judge, type KnownCloud } from "../../lib/cloud/verdict.ts";
import { countVote } from "../../lib/cloud/vote.ts";
import { fault } from "../support/plain-cloud.ts";
import { at } from "../support/time.ts";

const [athens, oslo, bern] = ["athens", "oslo", "bern"].map((name) => CloudName.parse(name)) as [
  CloudName,
  CloudName,
  CloudName,
];
const refused: Fault = { class: "path", code: "refused", message: "nothing listens there" };
const rejected = fault("credentials", "login_rejected", 401);
const NOW = 1000;
const DEALT =
  "Each stack that weighs it is dealt anew without it, as its policy says, where another of its clouds is available; where a witness answers, the share stays.";

type Seen = Partial<Omit<Vote, "vantage" | "vote">> & { age?: number };
type Given = {
  verdict?: VerdictKind;
  more?: Partial<Verdict>;
  votes?: [vantage: string, vote: Vote["vote"], more?: Seen][];
  vantages?: string[];
  orders?: Partial<CloudOrders>;
  others?: Partial<Verdict>[];
  misses?: number;
};

function voteOf(vantage: string, vote: Vote["vote"], { age = 2, ...more }: Seen = {}): Vote {
  return {
    cloud: athens,
    vantage: VantageName.parse(vantage),
    vote,
    at: at(NOW - age),
    since: at(960),
    misses: 0,
    successes: vote === "up" ? 3 : 0,
    abstentions: 0,
    ...(vote === "silent" ? { misses: 1, silent_since: at(960), fault: refused } : {}),
    ...more,
  };
}

function verdictOf(cloud: CloudName, verdict: VerdictKind, more: Partial<Verdict> = {}): Verdict {
  const lost = verdict === "suspected" || verdict === "unreachable" ? { lost_at: at(900) } : {};
  return { cloud, verdict, since: at(900), at: at(900), reason: "", votes: [], ...lost, ...more };
}

function looked(given: Given) {
  const { verdict = "reachable", more, votes = [], vantages = ["home", "office", "depot"] } = given;
  const orders = given.orders && { cloud: athens, drained: false, at: at(0), ...given.orders };
  const others = given.others ?? [{}, {}];
  const clouds = [
    { cloud: athens, verdict: verdictOf(athens, verdict, more), orders },
    ...[oslo, bern].slice(0, others.length).map((cloud, n) => ({
      cloud,
      verdict: verdictOf(cloud, others[n]?.verdict ?? "reachable", others[n]),
    })),
  ];
  const settings = {
    vantages: vantages.map((name) => VantageName.parse(name)),
    suspicionWindowMs: 600_000,
    intervalMs: 10_000,
    busySilenceMs: 60_000,
    deadlineMs: 5_000,
    ...(given.misses ? { misses: given.misses } : {}),
  };
  return outlookOf(
    athens,
    clouds,
    votes.map((vote) => voteOf(...vote)),
    at(NOW),
    settings,
  );
}

const rows: [what: string, given: Given, seen: string[], next: string[]][] = [
  [
    "all is well",
    {
      votes: [
        ["home", "up", { latency_ms: 22.6 }],
        ["office", "up", { successes: 1 }],
      ],
    },
    [
      "home is answered since 00:16:00, in 23 ms.",
      "office is answered since 00:16:00: 1 of 3 times in a row.",
      "depot has never voted on it.",
    ],
    ["It is lost when 2 of 3 vantages have 3 misses in a row."],
  ],
  [
    "one of three is silent",
    {
      votes: [
        ["home", "silent", { misses: 3 }],
        ["office", "up"],
        ["depot", "up"],
      ],
    },
    [
      "home has heard nothing since 00:16:00: 3 of 3 misses (refused: nothing listens there).",
      "office is answered since 00:16:00.",
      "depot is answered since 00:16:00.",
    ],
    [
      "1 of 3 vantages finds it silent (home); it takes 2.",
      "It stays reachable unless 1 more has 3 misses in a row, at 00:17:08 at the earliest.",
    ],
  ],
  [
    "a majority is silent, but not for long enough yet",
    {
      votes: [
        ["home", "silent", { misses: 2 }],
        ["office", "silent"],
        ["depot", "up"],
      ],
    },
    [
      "home has heard nothing since 00:16:00: 2 of 3 misses (refused: nothing listens there).",
      "office has heard nothing since 00:16:00: 1 of 3 misses (refused: nothing listens there).",
      "depot is answered since 00:16:00.",
    ],
    [
      "2 of 3 vantages find it silent (home and office); it takes 2.",
      "It becomes unreachable at 00:16:58 at the earliest, and its shares move where they can; that needs 1 more of 3 misses from home and 2 more of 3 misses from office.",
    ],
  ],
  [
    "another cloud was just lost",
    {
      votes: [
        ["home", "silent", { misses: 2 }],
        ["office", "silent", { misses: 2 }],
      ],
      others: [{ verdict: "unreachable", lost_at: at(800) }, {}],
      misses: 2,
    },
    [
      "home has heard nothing since 00:16:00: 2 of 2 misses (refused: nothing listens there).",
      "office has heard nothing since 00:16:00: 2 of 2 misses (refused: nothing listens there).",
      "depot has never voted on it.",
    ],
    [
      "2 of 3 vantages find it silent (home and office); it takes 2.",
      "It becomes suspected any moment now, and its shares stay: too many clouds are lost at once.",
    ],
  ],
  [
    "void and abstaining votes say why",
    {
      votes: [
        ["home", "abstains", { void: true, fault: refused }],
        ["office", "abstains", { fault: rejected }],
        ["depot", "up", { age: 91 }],
      ],
    },
    [
      "home hears nothing from any cloud since 00:16:00, so it blames its own network and abstains (refused: nothing listens there).",
      "office abstains since 00:16:00 (login_rejected: GET heat.test: login_rejected): only the network's silence is held against a cloud.",
      "depot votes no more: the vote last written down is of 00:15:09, up to a minute before its last, and too old to count.",
    ],
    ["It is lost when 2 of 3 vantages have 3 misses in a row."],
  ],
  [
    "too few vote",
    {
      votes: [["home", "silent", { misses: 10 }]],
      more: { unwatched: { since: at(980), fresh: 1, majority: 2 } },
    },
    [
      "home has heard nothing since 00:16:00: 10 or more misses in a row, where 3 are enough (refused: nothing listens there).",
      "office has never voted on it.",
      "depot has never voted on it.",
    ],
    [
      "Too few vantages can tell of it since 00:16:20, 1 of the 2 needed: no new outage can be found until more do. Start those that are down, or remove those that are gone.",
      "1 of 3 vantages finds it silent (home); it takes 2.",
      "It stays reachable unless 1 more has 3 misses in a row.",
    ],
  ],
  [
    "suspected",
    {
      verdict: "suspected",
      votes: [
        ["home", "silent", { misses: 9 }],
        ["office", "silent", { misses: 9 }],
      ],
    },
    [
      "home has heard nothing since 00:16:00: 9 misses in a row, where 3 are enough (refused: nothing listens there).",
      "office has heard nothing since 00:16:00: 9 misses in a row, where 3 are enough (refused: nothing listens there).",
      "depot has never voted on it.",
    ],
    [
      "It becomes unreachable at 00:25:00 at the earliest, and its shares move where they can, unless it is refuted, or 2 of 3 vantages are answered 3 times in a row.",
      "Until then its shares stay, and nothing is pushed there. To confirm it moves them at once; to refute it leaves them.",
    ],
  ],
  [
    "suspected, the window over, and heard from",
    {
      verdict: "suspected",
      more: { lost_at: at(100) },
      vantages: ["home"],
      votes: [["home", "abstains", { fault: rejected }]],
    },
    [
      "home abstains since 00:16:00 (login_rejected: GET heat.test: login_rejected): only the network's silence is held against a cloud.",
    ],
    [
      "Its 10 min are over: it becomes unreachable as soon as home has 3 misses in a row.",
      "Until then its shares stay, and nothing is pushed there. To confirm it moves them at once; to refute it leaves them.",
    ],
  ],
  [
    "suspected and confirmed",
    {
      verdict: "suspected",
      vantages: ["home"],
      votes: [["home", "up", { successes: 1 }]],
      orders: { confirmed: { since: at(900), at: at(990) } },
    },
    ["home is answered since 00:16:00: 1 of 3 times in a row."],
    ["The suspicion is confirmed: it becomes unreachable at the next tick."],
  ],
  [
    "suspected, refuted and confirmed: as judge has it, the cloud is kept",
    {
      verdict: "suspected",
      vantages: ["home"],
      orders: {
        confirmed: { since: at(900), at: at(990) },
        refuted: { since: at(900), at: at(995) },
      },
    },
    ["home has never voted on it."],
    [
      "Too few vantages can tell of it, 0 of the 1 needed: no new outage can be found until more do. Start those that are down, or remove those that are gone.",
      "The suspicion is refuted: it becomes reachable at the next tick.",
    ],
  ],
  [
    "suspected, confirmed, and answered meanwhile",
    {
      verdict: "suspected",
      vantages: ["home"],
      votes: [["home", "up"]],
      orders: { confirmed: { since: at(900), at: at(990) } },
    },
    ["home is answered since 00:16:00."],
    ["It is answered 3 times in a row: it becomes reachable at the next tick."],
  ],
  [
    "suspected, and heard from before the window is over",
    {
      verdict: "suspected",
      vantages: ["home"],
      votes: [["home", "abstains", { fault: rejected }]],
    },
    [
      "home abstains since 00:16:00 (login_rejected: GET heat.test: login_rejected): only the network's silence is held against a cloud.",
    ],
    [
      "Its 10 min are over at 00:25:00: from then on it becomes unreachable as soon as home has 3 misses in a row.",
      "Until then its shares stay, and nothing is pushed there. To confirm it moves them at once; to refute it leaves them.",
    ],
  ],
  [
    "unreachable, and on its way back",
    {
      verdict: "unreachable",
      votes: [
        ["home", "up", { successes: 1 }],
        ["office", "up", { successes: 2 }],
        ["depot", "silent"],
      ],
      orders: { drained: true },
    },
    [
      "home is answered since 00:16:00: 1 of 3 times in a row.",
      "office is answered since 00:16:00: 2 of 3 times in a row.",
      "depot has heard nothing since 00:16:00: 1 of 3 misses (refused: nothing listens there).",
    ],
    [
      DEALT,
      "It is back after 3 successes in a row of 2 of 3 vantages: home 1 of 3 and office 2 of 3 so far, at 00:16:58 at the earliest.",
      "It is drained: its instances are dealt to the others.",
    ],
  ],
  [
    "unreachable, and nothing heard of it: the slower of the two that decide takes longest",
    {
      verdict: "unreachable",
      votes: [
        ["home", "silent", { misses: 10, interval_ms: 2000 }],
        ["office", "silent", { misses: 5, interval_ms: 15_000 }],
        ["depot", "silent", { misses: 5, interval_ms: 30_000 }],
      ],
    },
    [
      "home has heard nothing since 00:16:00: 10 or more misses in a row, where 3 are enough (refused: nothing listens there).",
      "office has heard nothing since 00:16:00: 5 misses in a row, where 3 are enough (refused: nothing listens there).",
      "depot has heard nothing since 00:16:00: 5 misses in a row, where 3 are enough (refused: nothing listens there).",
    ],
    [
      DEALT,
      "It is back after 3 successes in a row of 2 of 3 vantages, some 30 to 45 s after it answers again.",
    ],
  ],
  [
    "unreachable, and answered to one that is not enough",
    {
      verdict: "unreachable",
      votes: [
        ["home", "up", { successes: 2 }],
        ["office", "silent", { misses: 5 }],
      ],
    },
    [
      "home is answered since 00:16:00: 2 of 3 times in a row.",
      "office has heard nothing since 00:16:00: 5 misses in a row, where 3 are enough (refused: nothing listens there).",
      "depot has never voted on it.",
    ],
    [
      DEALT,
      "It is back after 3 successes in a row of 2 of 3 vantages: home 2 of 3 so far, at 00:17:08 at the earliest.",
    ],
  ],
  [
    "not judged yet, and blocked",
    {
      verdict: "unknown",
      vantages: ["home"],
      votes: [["home", "abstains", { fault: rejected }]],
      more: {
        blocking: {
          class: "credentials",
          code: "login_rejected",
          message: "The login is refused.",
          since: at(930),
        },
      },
    },
    [
      "home abstains since 00:16:00 (login_rejected: GET heat.test: login_rejected): only the network's silence is held against a cloud.",
    ],
    [
      "One answer makes it reachable; it is lost when home has 3 misses in a row.",
      "Until then its shares keep their place.",
      "Nothing is pushed there since 00:15:30, and no instance moves for it: The login is refused. The first answer after that is mended ends it.",
    ],
  ],
  [
    "a busy engine",
    {
      vantages: ["home"],
      votes: [
        ["home", "silent", { misses: 0, updating: true, fault: fault("service", "timeout") }],
      ],
      others: [],
    },
    [
      "home has heard nothing since 00:16:00: 0 of 3 misses (timeout: GET heat.test: timeout); updates run there, so a missed deadline counts after 60 s only.",
    ],
    [
      "1 of 1 vantage finds it silent (home).",
      "It becomes unreachable at 00:17:13 at the earliest, and its shares move where they can; that needs 3 more of 3 misses from home.",
    ],
  ],
];
for (const [what, given, seen, next] of rows) {
  test(`what is seen, and what comes next: ${what}`, () => {
    const outlook = looked(given);
    assert.deepEqual(outlook.seen, seen);
    assert.deepEqual(outlook.next, next);
  });
}

/** The votes as they are so much later, when whoever is silent stays so. */
function later(votes: Vote[], now: Time): Vote[] {
  return votes.map((vote) => {
    const { interval_ms = 10_000 } = vote;
    const ticks = Math.floor((Date.parse(now) - Date.parse(vote.at)) / interval_ms);
    const moved = new Date(Date.parse(vote.at) + ticks * interval_ms).toISOString();
    return vote.vote === "silent"
      ? { ...vote, at: moved, misses: Math.min(10, vote.misses + ticks) }
      : { ...vote, at: moved };
  });
}

test("when the outlook says that a cloud is lost at a time, judge says so then, and not before", () => {
  const names = ["home", "office", "depot", "lab", "shed"];
  const anyVote = fc
    .record({
      vote: fc.constantFrom("up" as const, "silent" as const, "silent" as const),
      misses: fc.integer({ min: 0, max: 10 }),
      interval: fc.constantFrom(2, 10, 15, 30),
      age: fc.integer({ min: 0, max: 29 }),
    })
    .map((one) => ({ ...one, age: one.age % one.interval }));
  let told = 0;
  fc.assert(
    fc.property(
      fc.array(anyVote, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 2, max: 10 }),
      (cast, misses) => {
        const vantages = names.slice(0, cast.length).map((name) => VantageName.parse(name));
        const votes = cast.map(({ vote, misses: counter, age, interval }, n) =>
          voteOf(names[n] ?? "", vote, {
            ...{ age, interval_ms: interval * 1000 },
            misses: vote === "silent" ? counter : 0,
          }),
        );
        const known = { cloud: athens, verdict: verdictOf(athens, "reachable") };
        const judging = { vantages, suspicionWindowMs: 600_000, misses };
        const settings = {
          ...judging,
          intervalMs: 10_000,
          busySilenceMs: 60_000,
          deadlineMs: 5_000,
        };
        const text = outlookOf(athens, [known], votes, at(NOW), settings).next.join(" ");
        const kindAt = (now: Time) => judge([known], later(votes, now), now, judging)[0]?.verdict;
        if (text.includes("becomes unreachable any moment now")) {
          return assert.equal(kindAt(at(NOW)), "unreachable");
        }
        const [, time] = /becomes unreachable at (\d\d:\d\d:\d\d) at the earliest/.exec(text) ?? [];
        if (time === undefined) return assert.equal(kindAt(at(NOW)), "reachable");
        told += 1;
        const then = `2026-01-01T${time}.000Z`;
        assert.equal(kindAt(then), "unreachable", text);
        const before = new Date(Date.parse(then) - 1).toISOString();
        assert.equal(kindAt(before), "reachable", text);
      },
    ),
  );
  assert.ok(told > 10);
});

test("whether a cloud will be suspected, as others fall silent with it, is told as judge will find it", () => {
  const names = ["home", "office", "depot"].map((name) => VantageName.parse(name));
  const judging = { vantages: names, suspicionWindowMs: 600_000, misses: 3 };
  const settings = { ...judging, intervalMs: 10_000, busySilenceMs: 60_000, deadlineMs: 5_000 };
  /** Misses of each vantage; none: it is answered. */
  const anyMisses = fc.array(fc.option(fc.integer({ min: 1, max: 3 })), {
    minLength: 3,
    maxLength: 3,
  });
  const anyAges = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 3, maxLength: 3 });
  const told = { suspected: 0, unreachable: 0 };
  fc.assert(
    fc.property(
      fc.array(anyMisses, { minLength: 3, maxLength: 3 }),
      anyAges,
      fc.option(fc.constantFrom(100, 405, 900)),
      fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
      fc.constantFrom<VerdictKind>("reachable", "reachable", "unknown"),
      (cast, ages, lostAt, hang, second) => {
        const clouds = [athens, oslo, bern];
        const votes = clouds.flatMap((cloud, c) =>
          names.map((vantage, n): Vote => {
            const isGone = lostAt !== null && cloud === bern;
            const [misses, age = 0] = [isGone ? 3 : cast[c]?.[n], ages[n]];
            const found = hang[c] ? fault("service", "timeout") : refused;
            return misses
              ? { ...voteOf(vantage, "silent", { misses, age, fault: found }), cloud }
              : { ...voteOf(vantage, "up", { age }), cloud };
          }),
        );
        const lost =
          lostAt === null ? {} : { verdict: "unreachable" as const, lost_at: at(lostAt) };
        let known: KnownCloud[] = clouds.map((cloud) => ({
          cloud,
          verdict: verdictOf(
            cloud,
            cloud === oslo ? second : "reachable",
            cloud === bern ? lost : {},
          ),
        }));
        /** When the votes of a vantage's tick are there: those of all clouds together. */
        const slow = new Set(
          votes.filter((vote) => vote.fault?.code === "timeout").map(({ vantage }) => vantage),
        );
        const arrived = (now: number) =>
          votes.map((vote) => {
            const waits = slow.has(vote.vantage) ? 5 : 0;
            return later([vote], at(Math.max(NOW, now - waits)))[0] ?? vote;
          });
        const text = outlookOf(athens, known, votes, at(NOW), settings).next.join(" ");
        const [, kind, time] = /becomes (\w+) (?:at (\S+) at|any moment)/.exec(text) ?? [];
        if (kind !== "suspected" && kind !== "unreachable") return;
        told[kind] += 1;
        for (let now = NOW; ; now += 1) {
          assert.ok(now < NOW + 60, text);
          const moved = judge(known, arrived(now), at(now), judging);
          const verdicts = new Map(moved.map((verdict) => [verdict.cloud, verdict]));
          known = known.map((one) => ({ ...one, verdict: verdicts.get(one.cloud) ?? one.verdict }));
          const found = known[0]?.verdict;
          if (found?.verdict === "reachable") continue;
          assert.equal(found?.verdict, kind, text);
          assert.equal(at(now).slice(11, 19), time ?? at(NOW).slice(11, 19), text);
          return;
        }
      },
    ),
    { numRuns: 500 },
  );
  assert.ok(told.suspected > 10 && told.unreachable > 10, JSON.stringify(told));
});

type Place = { name: string; every: number; phase: number };

/**
 * The cloud of three places, from second 1000 on: at each second the votes that arrive by then, what
 * is said to come next, and the verdict.
 */
function* outage(places: Place[], found: Fault, verdict: Verdict, settings: OutlookSettings) {
  const takes = found.code === "timeout" ? 5 : 0;
  const votes = new Map(
    places.map(({ name, every, phase }) => [
      name,
      voteOf(name, "up", { at: at(1000 + phase - every), interval_ms: every * 1000 }),
    ]),
  );
  const due = new Map(places.map(({ name, phase }) => [name, 1000 + phase]));
  const known = { cloud: athens, verdict };
  for (let now = 1000; ; now += 1) {
    for (const { name, every } of places) {
      const tick = due.get(name) ?? 0;
      if (tick + takes > now) continue;
      due.set(name, tick + Math.max(every, takes));
      const before = { vantage: VantageName.parse(name), previous: votes.get(name) };
      const finding = { cloud: athens, fault: found };
      const rhythm = { at: at(tick), intervalMs: every * 1000, isVoid: false };
      votes.set(name, countVote({ finding, ...before, ...rhythm }));
    }
    const cast = [...votes.values()];
    yield {
      now: at(now),
      said: outlookOf(athens, [known], cast, at(now), settings).next.join(" "),
      isLost: judge([known], cast, at(now), settings)[0]?.verdict === "unreachable",
    };
  }
}

const rhythms: [home: number, agents: number, fault: Fault][] = [
  [2, 15, fault("service", "timeout")],
  [2, 15, refused],
  [10, 15, fault("service", "timeout")],
  [10, 30, fault("service", "timeout")],
  [10, 2, refused],
  [10, 2, fault("service", "timeout")],
];
for (const [home, agents, found] of rhythms) {
  test(`the time of a loss is told once and for all, and right: home every ${home} s, agents every ${agents} s, ${found.code}`, () => {
    const places = [
      { name: "home", every: home, phase: 1 },
      { name: "office", every: agents, phase: agents > 2 ? 9 : 0 },
      { name: "depot", every: agents, phase: agents > 2 ? 13 : 1 },
    ];
    const settings = {
      ...{ intervalMs: home * 1000, deadlineMs: 5000, busySilenceMs: 60_000 },
      ...{ vantages: places.map(({ name }) => VantageName.parse(name)) },
      suspicionWindowMs: 600_000,
    };
    const lost = new Set<string>();
    const bounds = new Set<string>();
    for (const { now, said, isLost } of outage(
      places,
      found,
      verdictOf(athens, "reachable"),
      settings,
    )) {
      const [, sure] = /becomes unreachable at (\S+) at the earliest/.exec(said) ?? [];
      const [, bound] = /3 misses in a row, at (\S+) at the earliest/.exec(said) ?? [];
      if (sure) lost.add(sure);
      if (bound) bounds.add(bound);
      if (!isLost) continue;
      const then = now.slice(11, 19);
      assert.deepEqual([...lost], [then], "the same at every look");
      assert.ok(
        [...bounds].every((time) => time <= then),
        `${[...bounds]}: ${then}`,
      );
      assert.match(said, /becomes unreachable any moment now/);
      break;
    }
  });
}

test("what is told of the future stays the same until another vote is there", () => {
  const votes = [voteOf("home", "silent"), voteOf("office", "up"), voteOf("depot", "up")];
  const settings = {
    ...{ intervalMs: 10_000, deadlineMs: 5000, busySilenceMs: 60_000, suspicionWindowMs: 600_000 },
    vantages: votes.map(({ vantage }) => vantage),
  };
  const known = { cloud: athens, verdict: verdictOf(athens, "reachable") };
  const told = [1000, 1002.5, 1005, 1007.9].map((now) =>
    outlookOf(athens, [known], votes, at(now), settings).next.join(" "),
  );
  assert.equal(new Set(told).size, 1, told.join("\n"));
});
