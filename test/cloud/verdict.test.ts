import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Fault, isSilence } from "../../lib/cloud/faults.ts";
import {
  CloudName,
  type CloudOrders,
  VantageName,
  type Verdict,
  type Vote,
} from "../../lib/cloud/schema.ts";
import { judge } from "../../lib/cloud/verdict.ts";
import { countVote, isVoid, isWorthWriting } from "../../lib/cloud/vote.ts";
import { shuffled } from "../support/arbitraries.ts";
import { fault, otherFaults, silences } from "../support/plain-cloud.ts";
import { at } from "../support/time.ts";

const home = VantageName.parse("home");
const [athens, lisbon, oslo, paris, rome, bern] = [
  "athens",
  "lisbon",
  "oslo",
  "paris",
  "rome",
  "bern",
].map((name) => CloudName.parse(name)) as [
  CloudName,
  CloudName,
  CloudName,
  CloudName,
  CloudName,
  CloudName,
];
const refused = fault("path", "refused");
const tooMany = fault("answer", "http_429", 429);
const rejected = fault("credentials", "login_rejected", 401);
const suspicionWindowMs = 600_000;

/** What one vantage and the table know, tick after tick, as lib/cloud/tick.ts does it. */
type World = {
  clouds: CloudName[];
  verdicts: Map<CloudName, Verdict>;
  votes: Map<CloudName, Vote>;
};
type Orders = Map<CloudName, Partial<CloudOrders>>;
/** What a tick finds: a fault, or nothing where Heat answers. */
type Found = (cloud: CloudName) => Fault | undefined;

function world(...clouds: CloudName[]): World {
  return { clouds, verdicts: new Map(), votes: new Map() };
}

function ordersOf(cloud: CloudName, orders: Orders): CloudOrders | undefined {
  const own = orders.get(cloud);
  return own ? { cloud, drained: false, at: at(0), ...own } : undefined;
}

/** One tick; returns the verdicts that moved. */
function tick(
  { clouds, verdicts, votes }: World,
  seconds: number,
  found: Found,
  orders: Orders = new Map(),
): Verdict[] {
  const findings = clouds.map((cloud) => {
    const met = found(cloud);
    return { cloud, ...(met ? { fault: met } : {}) };
  });
  const voidTick = isVoid(findings);
  for (const finding of findings) {
    const previous = votes.get(finding.cloud);
    const refutedAt = ordersOf(finding.cloud, orders)?.refuted?.at;
    const next = countVote({
      finding,
      vantage: home,
      at: at(seconds),
      previous,
      isVoid: voidTick,
      refutedAt,
    });
    if (isWorthWriting(previous, next)) votes.set(finding.cloud, next);
  }
  const known = clouds.map((cloud) => ({
    cloud,
    verdict: verdicts.get(cloud),
    orders: ordersOf(cloud, orders),
  }));
  const settings = { vantages: [home], suspicionWindowMs };
  const next = judge(known, [...votes.values()], at(seconds), settings);
  const moved = next.filter((verdict) => verdicts.get(verdict.cloud) !== verdict);
  for (const verdict of moved) verdicts.set(verdict.cloud, verdict);
  return moved;
}

/** Ticks every 10 s over [from, to]. */
function ticks(of: World, from: number, to: number, found: Found, orders?: Orders): void {
  for (let seconds = from; seconds <= to; seconds += 10) tick(of, seconds, found, orders);
}

const up: Found = () => undefined;
const silent =
  (...lost: CloudName[]): Found =>
  (cloud) =>
    lost.includes(cloud) ? refused : undefined;

function kinds({ clouds, verdicts }: World): (string | undefined)[] {
  return clouds.map((cloud) => verdicts.get(cloud)?.verdict);
}

const single: [what: string, letters: string, expected: string][] = [
  ["one answer makes an unknown cloud reachable", "u", "reachable"],
  ["two misses leave it unknown", "mm", "unknown"],
  ["three misses from unknown lose it", "mmm", "unreachable"],
  ["two misses leave it reachable", "umm", "reachable"],
  ["three misses lose it", "ummm", "unreachable"],
  ["three misses with answers between do not", "ummummumm", "reachable"],
  ["three misses with an abstention between lose it", "ummam", "unreachable"],
  ["an abstention does not", "ummaaaa", "reachable"],
  ["one success does not end an outage", "ummmu", "unreachable"],
  ["two successes do not", "ummmuu", "unreachable"],
  ["three do", "ummmuuu", "reachable"],
  ["three with a miss between do not", "ummmuumu", "unreachable"],
  ["three with an abstention between do", "ummmuuau", "reachable"],
  ["a wrong password is not the return of a lost cloud", "ummmaaaaaa", "unreachable"],
];
for (const [what, letters, expected] of single) {
  test(`${what} (${letters})`, () => {
    const of = world(athens);
    [...letters].forEach((letter, n) => {
      tick(of, n * 10, () => ({ u: undefined, m: refused, a: rejected })[letter]);
    });
    assert.equal(of.verdicts.get(athens)?.verdict, expected);
  });
}

test("three blips in a month are not three misses in a row, even if nothing is ever up", () => {
  const of = world(athens, lisbon);
  tick(of, 0, up);
  for (let day = 0; day < 30; day += 1) {
    const start = 86_400 * (day + 1);
    ticks(of, start, start + 200, () => rejected);
    tick(of, start + 210, (cloud) => (cloud === athens ? refused : rejected));
  }
  assert.deepEqual(kinds(of), ["reachable", "reachable"]);
});

const blasts: [clouds: number, lost: number, expected: string][] = [
  [1, 1, "unreachable"],
  [2, 1, "unreachable"],
  [3, 1, "unreachable"],
  [3, 2, "suspected"],
  [4, 2, "suspected"],
  [5, 2, "suspected"],
  [6, 2, "unreachable"],
  [6, 3, "suspected"],
  [45, 15, "unreachable"],
  [45, 16, "suspected"],
];
for (const [clouds, lost, expected] of blasts) {
  for (const from of ["reachable", "unknown"]) {
    test(`${lost} of ${clouds} ${from} clouds lost at once are ${expected}`, () => {
      const names = Array.from({ length: clouds }, (_, n) => CloudName.parse(`cloud-${n}`));
      const of = world(...names);
      if (from === "reachable") tick(of, 0, up);
      ticks(of, 10, 30, silent(...names.slice(0, lost)));
      assert.deepEqual(kinds(of).slice(0, lost), Array(lost).fill(expected));
      assert.deepEqual(kinds(of).slice(lost), Array(clouds - lost).fill("reachable"));
    });
  }
}

test("what is unreachable stays so when others follow; those are suspected", () => {
  const of = world(athens, lisbon, oslo);
  tick(of, 0, up);
  ticks(of, 10, 30, silent(athens));
  ticks(of, 40, 60, silent(athens, lisbon));
  assert.deepEqual(kinds(of), ["unreachable", "suspected", "reachable"]);
});

test("losses more than ten minutes apart are no blast", () => {
  const of = world(athens, lisbon, oslo);
  tick(of, 0, up);
  ticks(of, 10, 640, silent(athens));
  ticks(of, 650, 670, silent(athens, lisbon));
  assert.deepEqual(kinds(of), ["unreachable", "unreachable", "reachable"]);
});

test("each suspicion becomes unreachable ten minutes after its own loss", () => {
  const of = world(athens, lisbon, oslo, paris);
  tick(of, 0, up);
  ticks(of, 10, 60, silent(athens, lisbon));
  ticks(of, 70, 620, silent(athens, lisbon, oslo));
  assert.deepEqual(kinds(of), ["suspected", "suspected", "suspected", "reachable"]);
  tick(of, 630, silent(athens, lisbon, oslo));
  assert.deepEqual(kinds(of), ["unreachable", "unreachable", "suspected", "reachable"]);
  ticks(of, 640, 690, silent(athens, lisbon, oslo));
  assert.deepEqual(kinds(of), ["unreachable", "unreachable", "unreachable", "reachable"]);
});

test("a suspicion ends with three successes, not with one", () => {
  const of = world(athens, lisbon, oslo);
  tick(of, 0, up);
  ticks(of, 10, 30, silent(athens, lisbon));
  ticks(of, 40, 50, silent(lisbon));
  assert.deepEqual(kinds(of), ["suspected", "suspected", "reachable"]);
  tick(of, 60, silent(lisbon));
  assert.deepEqual(kinds(of), ["reachable", "suspected", "reachable"]);
});

test("a suspected cloud that is heard from, but not up, does not become unreachable", () => {
  const of = world(athens, lisbon, oslo);
  tick(of, 0, up);
  ticks(of, 10, 30, silent(athens, lisbon));
  ticks(of, 40, 1200, (cloud) => (cloud === oslo ? undefined : rejected));
  assert.deepEqual(kinds(of), ["suspected", "suspected", "reachable"]);
});

test("a suspicion whose window ends waits for a silence, when it was just heard from", () => {
  const of = world(athens, lisbon, oslo);
  tick(of, 0, up);
  ticks(of, 10, 620, silent(athens, lisbon));
  tick(of, 630, (cloud) => (cloud === athens ? rejected : silent(lisbon)(cloud)));
  assert.deepEqual(kinds(of), ["suspected", "unreachable", "reachable"]);
  tick(of, 640, silent(athens, lisbon));
  assert.deepEqual(kinds(of), ["unreachable", "unreachable", "reachable"]);
});

test("a suspicion does not become unreachable while nobody hears anything", () => {
  const of = world(athens, lisbon, oslo);
  tick(of, 0, up);
  ticks(of, 10, 30, silent(athens, lisbon));
  ticks(of, 40, 1200, () => refused);
  assert.deepEqual(kinds(of), ["suspected", "suspected", "reachable"]);
  ticks(of, 1210, 1230, silent(athens, lisbon));
  assert.deepEqual(kinds(of), ["unreachable", "unreachable", "reachable"], "three new misses");
});

function suspected(): { of: World; since: string } {
  const of = world(athens, lisbon, oslo);
  tick(of, 0, up);
  ticks(of, 10, 30, silent(athens, lisbon));
  return { of, since: of.verdicts.get(athens)?.since ?? "" };
}

test("a suspicion that is confirmed by its since is unreachable at once", () => {
  const { of, since } = suspected();
  tick(of, 40, silent(athens, lisbon), new Map([[athens, { confirmed: { since, at: at(35) } }]]));
  assert.deepEqual(kinds(of), ["unreachable", "suspected", "reachable"]);
  assert.equal(of.verdicts.get(athens)?.lost_at, at(30));
  assert.match(of.verdicts.get(athens)?.reason ?? "", /person confirmed/);
});

test("a suspicion that is refuted is reachable at once, and is asked of nobody again within the window", () => {
  const { of, since } = suspected();
  const orders: Orders = new Map([[athens, { refuted: { since, at: at(35) } }]]);
  tick(of, 40, silent(athens, lisbon), orders);
  assert.deepEqual(kinds(of), ["reachable", "suspected", "reachable"]);
  assert.match(of.verdicts.get(athens)?.reason ?? "", /person refuted/);
  assert.equal(of.votes.get(athens)?.misses, 1);
  tick(of, 50, silent(athens, lisbon), orders);
  assert.equal(kinds(of)[0], "reachable");
  for (let seconds = 60; seconds < 35 + 600; seconds += 10) {
    tick(of, seconds, silent(athens, lisbon), orders);
    assert.equal(kinds(of)[0], "reachable");
  }
  tick(of, 640, silent(athens, lisbon), orders);
  assert.equal(kinds(of)[0], "unreachable", "and it is still silent");
});

test("an answer to another suspicion says nothing", () => {
  const { of } = suspected();
  const answer = { since: at(-500), at: at(-490) };
  const orders: Orders = new Map([
    [athens, { refuted: answer }],
    [lisbon, { confirmed: answer }],
  ]);
  tick(of, 40, silent(athens, lisbon), orders);
  assert.deepEqual(kinds(of), ["suspected", "suspected", "reachable"]);
});

test("a confirmed cloud that has come back meanwhile is reachable, and nobody is blamed for it", () => {
  const { of, since } = suspected();
  ticks(of, 40, 50, up);
  tick(of, 60, up, new Map([[athens, { confirmed: { since, at: at(55) } }]]));
  assert.equal(kinds(of)[0], "reachable");
  assert.equal(of.verdicts.get(athens)?.reason, "Heat answers (asked from home)");
});

test("a fault that is quoted in a reason ends no sentence there", () => {
  const of = world(athens, lisbon);
  tick(of, 0, up);
  const sentence = { ...refused, message: "The connection was refused." };
  ticks(of, 10, 30, (cloud) => (cloud === athens ? sentence : undefined));
  assert.match(of.verdicts.get(athens)?.reason ?? "", /\(refused: The connection was refused\)$/);
});

test("since, lost_at and returned_at say when", () => {
  const of = world(athens, lisbon, oslo);
  const times = () => {
    const { since, at: written, lost_at, returned_at } = of.verdicts.get(athens) as Verdict;
    return { since, written, lost_at, returned_at };
  };
  tick(of, 0, up);
  const never = { lost_at: undefined, returned_at: undefined };
  assert.deepEqual(times(), { since: at(0), written: at(0), ...never });
  ticks(of, 10, 30, silent(athens, lisbon));
  assert.deepEqual(times(), { since: at(30), written: at(30), ...never, lost_at: at(30) });
  ticks(of, 40, 630, silent(athens, lisbon));
  const unreachable = { since: at(630), written: at(630), lost_at: at(30) };
  assert.deepEqual(times(), { ...unreachable, returned_at: undefined }, "lost when suspected");
  ticks(of, 640, 660, up);
  const back = { since: at(660), written: at(660), lost_at: at(30), returned_at: at(660) };
  assert.deepEqual(times(), back);
  ticks(of, 670, 690, () => rejected);
  assert.deepEqual(times(), { ...back, written: at(670) }, "blocking moved, the verdict did not");
  ticks(of, 700, 720, up);
  ticks(of, 730, 750, silent(athens));
  const again = { since: at(750), written: at(750), lost_at: at(750), returned_at: at(660) };
  assert.deepEqual(times(), again);
});

test("a verdict that did not move is the same object", () => {
  const of = world(athens, lisbon);
  ticks(of, 0, 20, (cloud) => (cloud === lisbon ? rejected : undefined));
  for (const seconds of [30, 90, 150, 600]) {
    assert.deepEqual(
      tick(of, seconds, (cloud) => (cloud === lisbon ? rejected : undefined)),
      [],
    );
  }
});

test("blocking comes with a credentials or config fault, and goes with an answer only", () => {
  const of = world(athens, lisbon);
  const found =
    (of: Fault | undefined): Found =>
    (cloud) =>
      cloud === athens ? of : undefined;
  const blocking = () => of.verdicts.get(athens)?.blocking;
  tick(of, 0, up);
  tick(of, 10, found(rejected));
  assert.deepEqual(blocking(), {
    class: "credentials",
    code: "login_rejected",
    message: rejected.message,
    since: at(10),
  });
  tick(of, 20, found(tooMany));
  assert.equal(blocking()?.code, "login_rejected");
  tick(of, 30, found(refused));
  assert.equal(blocking()?.code, "login_rejected");
  tick(of, 40, () => refused);
  assert.equal(blocking()?.code, "login_rejected");
  const expired = fault("config", "certificate_expired");
  assert.equal(tick(of, 50, found(expired)).length, 1);
  assert.deepEqual([blocking()?.code, blocking()?.since], ["certificate_expired", at(50)]);
  assert.equal(tick(of, 60, up).length, 1, "the item moves, so that the stacks are woken");
  assert.equal(blocking(), undefined);
  assert.equal(kinds(of)[0], "reachable");
});

test("other faults do not block a cloud that has been reached", () => {
  const of = world(athens, lisbon);
  tick(of, 0, up);
  ticks(of, 10, 100, (cloud) => (cloud === athens ? tooMany : undefined));
  assert.equal(of.verdicts.get(athens)?.blocking, undefined);
});

test("unknown that only abstained for three ticks is blocked, and still unknown", () => {
  for (const other of otherFaults.filter(({ class: of }) => of !== "stack")) {
    const of = world(athens, lisbon);
    const found: Found = (cloud) => (cloud === athens ? other : undefined);
    ticks(of, 0, 10, found);
    assert.equal(of.verdicts.get(athens)?.blocking, undefined);
    tick(of, 20, found);
    assert.deepEqual(
      [of.verdicts.get(athens)?.verdict, of.verdicts.get(athens)?.blocking?.code],
      ["unknown", other.code],
    );
    tick(of, 30, up);
    const { verdict, blocking } = of.verdicts.get(athens) as Verdict;
    assert.deepEqual([verdict, blocking], ["reachable", undefined]);
  }
});

test("void ticks leave what an unknown cloud is blocked for", () => {
  const of = world(athens, lisbon);
  ticks(of, 0, 20, (cloud) => (cloud === athens ? tooMany : undefined));
  const blocked = of.verdicts.get(athens);
  assert.equal(blocked?.blocking?.code, "http_429");
  ticks(of, 30, 60, () => refused);
  assert.equal(of.verdicts.get(athens), blocked);
});

test("a verdict that moves while blocked says still since when it is blocked", () => {
  const { of, since } = suspected();
  const found: Found = (cloud) => (cloud === athens ? rejected : silent(lisbon)(cloud));
  ticks(of, 40, 50, found);
  tick(of, 60, found, new Map([[athens, { confirmed: { since, at: at(55) } }]]));
  const { verdict, blocking } = of.verdicts.get(athens) as Verdict;
  assert.deepEqual([verdict, blocking?.since], ["unreachable", at(40)]);
});

test("void ticks do not make an unknown cloud blocked", () => {
  const of = world(athens, lisbon);
  ticks(of, 0, 600, () => refused);
  assert.deepEqual(kinds(of), ["unknown", "unknown"]);
  assert.equal(of.verdicts.get(athens)?.blocking, undefined);
});

test("a changed credential writes the verdict again, once, with nothing else moved", () => {
  const of = world(athens, lisbon);
  const settings = { vantages: [home], suspicionWindowMs };
  ticks(of, 0, 20, up);
  const votes = (credential_hash: string) =>
    [...of.votes.values()].map((vote) => ({ ...vote, at: at(20), credential_hash }));
  const known = (verdicts: (Verdict | undefined)[]) =>
    of.clouds.map((cloud, n) => ({ cloud, verdict: verdicts[n] }));
  const first = judge(known([]), votes("old"), at(20), settings);
  assert.deepEqual(judge(known(first), votes("old"), at(30), settings), first);
  const next = judge(known(first), votes("new"), at(40), settings);
  next.forEach((verdict, n) => {
    const { at: written, votes: _, ...rest } = verdict;
    const { at: __, votes: ___, ...before } = first[n] as Verdict;
    assert.equal(written, at(40));
    assert.deepEqual(rest, before);
  });
  judge(known(next), votes("new"), at(50), settings).forEach((verdict, n) => {
    assert.equal(verdict, next[n]);
  });
});

type Ballot = {
  vantage: string;
  vote: Vote["vote"];
  counter?: number;
  age?: number;
  misses?: number;
  successes?: number;
  void?: boolean;
  since?: string;
};

function ballot({ vantage, vote, counter = 3, age = 0, ...kept }: Ballot): Vote {
  return {
    cloud: athens,
    vantage: VantageName.parse(vantage),
    vote,
    at: at(1000 - age),
    since: at(900),
    misses: vote === "silent" ? counter : 0,
    successes: vote === "up" ? counter : 0,
    abstentions: vote === "abstains" ? counter : 0,
    ...(vote === "silent" ? { fault: refused } : vote === "abstains" ? { fault: rejected } : {}),
    ...kept,
  };
}

function judged(
  from: Verdict["verdict"],
  ballots: Ballot[],
  vantages = ["home", "b", "c"],
  orders?: Partial<CloudOrders>,
  more: { suspicionWindowMs?: number } = {},
): Verdict | undefined {
  const verdict: Verdict = {
    cloud: athens,
    verdict: from,
    since: at(0),
    at: at(0),
    reason: "",
    votes: [],
  };
  const named = vantages.map((name) => VantageName.parse(name));
  const settings = { vantages: named, suspicionWindowMs, ...more };
  const known = {
    cloud: athens,
    verdict,
    orders: ordersOf(athens, new Map([[athens, orders ?? {}]])),
  };
  return judge([known], ballots.map(ballot), at(1000), settings)[0];
}

const s = (vantage: string, more = {}): Ballot => ({ vantage, vote: "silent", ...more });
const u = (vantage: string, more = {}): Ballot => ({ vantage, vote: "up", ...more });
const a = (vantage: string, more = {}): Ballot => ({ vantage, vote: "abstains", ...more });

const majorities: [what: string, from: Verdict["verdict"], ballots: Ballot[], expected: string][] =
  [
    ["two silent of three lose it", "reachable", [s("home"), s("b"), u("c")], "unreachable"],
    ["one silent of three does not", "reachable", [s("home"), u("b"), u("c")], "reachable"],
    ["one silent, the others stale", "reachable", [s("home"), s("b", { age: 91 })], "reachable"],
    [
      "two silent, 90 s old",
      "reachable",
      [s("home", { age: 90 }), s("b", { age: 90 })],
      "unreachable",
    ],
    ["one silent, the others have no vote", "reachable", [s("home")], "reachable"],
    ["one silent, the others abstain", "reachable", [s("home"), a("b"), a("c")], "reachable"],
    ["two misses do not count", "reachable", [s("home"), s("b", { counter: 2 })], "reachable"],
    ["two silent, one of them not registered", "reachable", [s("home"), s("zzz")], "reachable"],
    ["two up of three bring it back", "unreachable", [u("home"), u("b"), s("c")], "reachable"],
    ["one up of three does not", "unreachable", [u("home"), s("b"), s("c")], "unreachable"],
    [
      "two successes do not count",
      "unreachable",
      [u("home"), u("b", { counter: 2 })],
      "unreachable",
    ],
    ["stale ups do not count", "unreachable", [u("home"), u("b", { age: 91 })], "unreachable"],
    [
      "one up, once, is enough for an unknown one",
      "unknown",
      [u("c", { counter: 1 }), s("b")],
      "reachable",
    ],
    ["a stale up is not", "unknown", [u("c", { age: 91 })], "unknown"],
    ["no vote at all", "suspected", [], "suspected"],
    ["two silent, and its window is over", "suspected", [s("home"), s("b")], "unreachable"],
    [
      "one silent, the other was and abstains now",
      "reachable",
      [s("home"), a("b", { misses: 3 })],
      "reachable",
    ],
    [
      "one up, the other was and abstains now",
      "unreachable",
      [u("home"), a("b", { successes: 3 })],
      "unreachable",
    ],
  ];
for (const [what, from, ballots, expected] of majorities) {
  test(`majority of all registered vantages: ${what}: ${from} -> ${expected}`, () => {
    assert.equal(judged(from, ballots)?.verdict, expected);
  });
}

test("silences of before a refutation do not count after it", () => {
  const orders = { refuted: { since: at(500), at: at(995) } };
  const bothSilent = (age: number) => [s("home", { age }), s("b", { age })];
  const window = { suspicionWindowMs: 3_000 };
  const kind = (age: number) =>
    judged("reachable", bothSilent(age), undefined, orders, window)?.verdict;
  assert.equal(kind(10), "reachable");
  assert.equal(kind(4), "unreachable");
});

test("an even number of vantages needs more than half", () => {
  const two = ["home", "b"];
  assert.equal(judged("reachable", [s("home")], two)?.verdict, "reachable");
  assert.equal(judged("reachable", [s("home"), s("b")], two)?.verdict, "unreachable");
});

test("blocking needs a majority as well", () => {
  assert.equal(judged("reachable", [a("home"), u("b"), u("c")])?.blocking, undefined);
  assert.equal(judged("reachable", [a("home"), a("b"), u("c")])?.blocking?.code, "login_rejected");
});

test("who hears nothing from any cloud for longer than a vote counts tells nothing of one", () => {
  const void_ = (vantage: string, since: number) => a(vantage, { void: true, since: at(since) });
  const unwatched = (...votes: Ballot[]) => judged("reachable", votes)?.unwatched;
  assert.equal(unwatched(void_("home", 909), void_("b", 910), u("c")), undefined);
  assert.deepEqual(unwatched(void_("home", 909), u("b"), u("c")), undefined);
  assert.deepEqual(unwatched(void_("home", 909), void_("b", 909), u("c")), {
    since: at(1000),
    fresh: 1,
    majority: 2,
  });
});

test("with fewer fresh votes than a majority a cloud is unwatched, since the first such tick", () => {
  const of = judged("reachable", [u("home"), u("b", { age: 91 })]);
  assert.deepEqual(of?.unwatched, { since: at(1000), fresh: 1, majority: 2 });
  assert.equal(of?.verdict, "reachable");
  assert.equal(
    judged("reachable", [u("home"), a("b")])?.unwatched,
    undefined,
    "who abstains is there",
  );
  const settings = { vantages: ["home", "b", "c"].map((name) => VantageName.parse(name)) };
  const again = (votes: Ballot[]) =>
    judge([{ cloud: athens, verdict: of }], votes.map(ballot), at(1010), {
      ...settings,
      suspicionWindowMs,
    })[0];
  assert.equal(again([u("home")]), of, "nothing is written while it lasts");
  assert.equal(again([]), of);
  assert.equal(again([u("home"), u("c")])?.unwatched, undefined);
});

test("as many misses as are set make a silence count", () => {
  for (const misses of [2, 3, 5, 10]) {
    const settings = { vantages: [home], suspicionWindowMs, misses };
    const verdictAfter = (counter: number) => {
      const from = judged("reachable", [u("home"), u("b")]);
      const votes = [ballot(s("home", { counter }))];
      return judge([{ cloud: athens, verdict: from }], votes, at(1000), settings)[0]?.verdict;
    };
    assert.equal(verdictAfter(misses - 1), "reachable");
    assert.equal(verdictAfter(misses), "unreachable");
  }
});

const clouds = [athens, lisbon, oslo, paris, rome, bern];
const anySilence = fc.constantFrom(...silences);
const noSilence = fc.option(fc.constantFrom(...otherFaults), { nil: undefined });
const anything = fc.oneof(fc.constant(undefined), anySilence, fc.constantFrom(...otherFaults));
/** Ticks nearer than half an interval count once, which vote.test.ts has. */
const gap = fc.oneof({ weight: 6, arbitrary: fc.constant(10) }, fc.integer({ min: 5, max: 700 }));

/** Ticks of one to six clouds: what each finds, and the seconds before it. */
function history(finding: fc.Arbitrary<Fault | undefined>) {
  return fc.integer({ min: 1, max: clouds.length }).chain((n) =>
    fc.record({
      clouds: fc.constant(clouds.slice(0, n)),
      ticks: fc.array(fc.tuple(fc.array(finding, { minLength: n, maxLength: n }), gap), {
        maxLength: 40,
      }),
    }),
  );
}

type Played = { before: Map<CloudName, Verdict>; found: (Fault | undefined)[]; seconds: number };

/** Plays a history, and calls back after each tick. */
function play(
  { clouds: names, ticks: all }: { clouds: CloudName[]; ticks: [(Fault | undefined)[], number][] },
  look: (of: World, played: Played) => void,
): World {
  const of = world(...names);
  let seconds = 0;
  for (const [found, more] of all) {
    seconds += more;
    const before = new Map(of.verdicts);
    tick(of, seconds, (cloud) => found[names.indexOf(cloud)]);
    look(of, { before, found, seconds });
  }
  return of;
}

const isVoidFor = (found: (Fault | undefined)[]) =>
  found.length > 1 && found.every((each) => each && isSilence(each));
const isLost = (kind: string | undefined) => kind === "suspected" || kind === "unreachable";

test("Only the network's silence is an outage: no history of other faults loses a cloud", () => {
  fc.assert(
    fc.property(history(noSilence), (given) => {
      play(given, (of) => assert.ok(!kinds(of).some(isLost)));
    }),
  );
});

test("One miss is nothing: a cloud is lost only by three misses with nothing else between", () => {
  fc.assert(
    fc.property(history(anything), (given) => {
      const misses = new Map<CloudName, number>();
      play(given, (of, { before, found }) => {
        const isVoidTick = isVoidFor(found);
        of.clouds.forEach((cloud, n) => {
          const met = found[n];
          const isMiss = met !== undefined && isSilence(met) && !isVoidTick;
          const inARow = !met ? 0 : (misses.get(cloud) ?? 0) + (isMiss ? 1 : 0);
          misses.set(cloud, inARow);
          const isNew =
            isLost(of.verdicts.get(cloud)?.verdict) && !isLost(before.get(cloud)?.verdict);
          assert.ok(!isNew || (isMiss && inARow >= 3));
        });
      });
    }),
    { numRuns: 300 },
  );
});

test("One miss is nothing: a lost cloud is back only after three successes in a row", () => {
  fc.assert(
    fc.property(history(anything), (given) => {
      const successes = new Map<CloudName, number>();
      play(given, (of, { before, found }) => {
        const isVoidTick = isVoidFor(found);
        of.clouds.forEach((cloud, n) => {
          const met = found[n];
          const inARow = successes.get(cloud) ?? 0;
          const isMiss = met !== undefined && isSilence(met) && !isVoidTick;
          successes.set(cloud, !met ? inARow + 1 : isMiss ? 0 : inARow);
          const isBack =
            of.verdicts.get(cloud)?.verdict === "reachable" && isLost(before.get(cloud)?.verdict);
          assert.ok(!isBack || (met === undefined && (successes.get(cloud) ?? 0) >= 3));
        });
      });
    }),
    { numRuns: 300 },
  );
});

test("If everything looks down, it is us: a tick that hears nothing moves no verdict", () => {
  fc.assert(
    fc.property(history(anything), gap, anySilence, (given, more, silence) => {
      fc.pre(given.clouds.length > 1);
      const of = play(given, () => {});
      const seconds = given.ticks.reduce((sum, [, each]) => sum + each, 0);
      const known = new Map(of.verdicts);
      for (let n = 1; n <= 5; n += 1) tick(of, seconds + n * more, () => silence);
      for (const [cloud, { verdict, since, blocking }] of known) {
        const after = of.verdicts.get(cloud);
        assert.deepEqual(
          [after?.verdict, after?.since, after?.blocking],
          [verdict, since, blocking],
        );
      }
    }),
  );
});

test("If everything looks down, it is us: never more than the blast limit go over within its window", () => {
  fc.assert(
    fc.property(history(fc.oneof({ weight: 3, arbitrary: anySilence }, anything)), (given) => {
      const lostAt = new Map<CloudName, number>();
      play(given, (of, { before, seconds }) => {
        const limit = Math.max(1, of.clouds.length / 3);
        for (const cloud of of.clouds) {
          if (!isLost(of.verdicts.get(cloud)?.verdict)) lostAt.delete(cloud);
          else if (!lostAt.has(cloud)) lostAt.set(cloud, seconds);
        }
        const early = of.clouds.filter((cloud) => {
          const lost = lostAt.get(cloud);
          const isOver = of.verdicts.get(cloud)?.verdict === "unreachable";
          return isOver && lost !== undefined && seconds - lost < 600;
        });
        assert.ok(early.length <= limit, `${early.length} of ${of.clouds.length}`);
        for (const cloud of of.clouds) {
          const [was, is] = [before.get(cloud)?.verdict, of.verdicts.get(cloud)?.verdict];
          assert.ok(was !== "unreachable" || is !== "suspected", "what is unreachable stays so");
        }
      });
    }),
    { numRuns: 300 },
  );
});

test("Explained: every verdict says why, and a loss since when nothing was heard", () => {
  fc.assert(
    fc.property(history(anything), (given) => {
      play(given, (of, { before }) => {
        for (const [cloud, verdict] of of.verdicts) {
          assert.ok(verdict.reason.length > 0);
          assert.ok(!verdict.reason.includes("undefined"), verdict.reason);
          if (before.get(cloud)?.verdict !== verdict.verdict && isLost(verdict.verdict)) {
            assert.match(verdict.reason, /home has heard nothing since 20/);
          }
        }
      });
    }),
  );
});

test("the same votes give the same verdicts, whatever the order of clouds and votes", () => {
  fc.assert(
    fc.property(
      history(anything).chain((given) =>
        fc.tuple(fc.constant(given), shuffled(given.clouds), shuffled(given.clouds)),
      ),
      ([given, order, voteOrder]) => {
        const of = play(given, () => {});
        const settings = { vantages: [home], suspicionWindowMs };
        const now = at(given.ticks.reduce((sum, [, each]) => sum + each, 0) + 10);
        const knownOf = (names: CloudName[]) =>
          names.map((cloud) => ({ cloud, verdict: of.verdicts.get(cloud) }));
        const votes = (names: CloudName[]) => names.flatMap((cloud) => of.votes.get(cloud) ?? []);
        const byName = (verdicts: Verdict[]) =>
          [...verdicts].sort((one, other) => (one.cloud < other.cloud ? -1 : 1));
        assert.deepEqual(
          byName(judge(knownOf(order), votes(voteOrder), now, settings)),
          byName(judge(knownOf(given.clouds), votes(given.clouds), now, settings)),
        );
      },
    ),
  );
});
