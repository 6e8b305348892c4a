import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ulid } from "ulid";
import type { Outcome } from "../../lib/cloud/faults.ts";
import { CloudName, type Testimony, type Time } from "../../lib/cloud/schema.ts";
import {
  countTestimony,
  isTestimonyNews,
  shownTarget,
  targetOf,
  type Workload,
  wordOf,
  workloadFacts,
  workloadOf,
} from "../../lib/cloud/witness.ts";
import { missedClouds, witnessesOf } from "../../lib/cloud/witnesses.ts";
import { Stack, StackName } from "../../lib/stack/schema.ts";
import type { Witness } from "../../lib/stack/witness.ts";
import { cloudTable } from "../../lib/table/clouds.ts";
import { memoryTable } from "../support/memory-table.ts";
import { fault } from "../support/plain-cloud.ts";
import { at, stoppedClock } from "../support/time.ts";

const athens = CloudName.parse("athens");
const lisbon = CloudName.parse("lisbon");
const witness: Witness = { tcp: "athens.example.org:443" };
const place = { cloud: athens, stack_name: StackName.parse("web"), witness };

const answer: Outcome<void> = { ok: true, value: undefined };
const silence: Outcome<void> = { ok: false, fault: fault("path", "refused") };
const nothing: Outcome<void> = { ok: false, fault: fault("config", "refused_address") };
const outcomes = { "+": answer, "-": silence, "?": nothing };
type Letter = keyof typeof outcomes;

const usual = { place, threshold: 3 };

/** One testimony after the other, ten seconds apart: `+` answers, `-` silent, `?` could not be asked. */
function after(letters: string, more: { first?: number; threshold?: number } = {}): Testimony {
  const { first = 0, ...own } = more;
  let previous: Testimony | undefined;
  for (const [i, letter] of [...letters].entries()) {
    const outcome = outcomes[letter as Letter];
    previous = countTestimony({ ...usual, ...own, outcome, at: at(first + 10 * i), previous });
  }
  assert.ok(previous);
  return previous;
}

function said(letters: string, since: Time = at(0)): Workload {
  return workloadOf(after(letters), since);
}

describe("what a witness says", () => {
  const cases: [string, Workload][] = [
    ["+", "answers"],
    ["-", "unknown"],
    ["--", "unknown"],
    ["---", "silent"],
    ["--+", "answers"],
    ["--+--", "unknown"],
    ["---?", "silent"],
    ["--?-", "silent"],
    ["?", "unknown"],
    ["+??", "unknown"],
    ["???", "abstains"],
    ["??-?", "unknown"],
    ["???+", "answers"],
    ["---+", "answers"],
  ];
  for (const [letters, want] of cases) {
    test(`${letters} is ${want}`, () => assert.equal(said(letters), want));
  }

  test("counts as often as misses make a cloud lost", () => {
    const saidOf = (letters: string, threshold: number) =>
      workloadOf(after(letters, { threshold }), at(0));
    assert.deepEqual(
      [saidOf("-", 2), saidOf("--", 2), saidOf("??", 2)],
      ["unknown", "silent", "abstains"],
    );
    assert.deepEqual([saidOf("---", 4), saidOf("----", 4)], ["unknown", "silent"]);
  });

  test("is of this outage, and of this witness, only", () => {
    assert.equal(said("---", at(20)), "silent");
    assert.equal(said("---", at(20 + 90)), "silent");
    assert.equal(said("---", at(20 + 91)), "unknown", "said long before this outage");
    const other: Witness = { url: "https://athens.example.org/", status: 200 };
    assert.equal(wordOf(after("---"), other), undefined);
    assert.deepEqual(wordOf(after("---"), witness), after("---"));
    assert.equal(workloadOf(undefined, at(0)), "unknown");
    const renamed = countTestimony({
      ...usual,
      place: { ...place, witness: other },
      outcome: silence,
      at: at(30),
      previous: after("---"),
    });
    assert.equal(renamed.misses, 1, "another witness begins anew");
  });

  test("one silence is nothing, whatever went before: three in a row, each fresh, are", () => {
    const letters = fc.array(fc.constantFrom<Letter>("+", "-", "?"), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(letters, (row) => {
        const text = row.join("");
        const sinceAnswer = text.slice(text.lastIndexOf("+") + 1);
        const silences = [...sinceAnswer].filter((letter) => letter === "-").length;
        const isSilent = said(text) === "silent" || said(text) === "abstains";
        if (isSilent) assert.ok(silences >= 3 || sinceAnswer.endsWith("???"), text);
        if (text.endsWith("---")) assert.equal(said(text), "silent");
      }),
    );
    const old = after("--");
    const late = countTestimony({ ...usual, outcome: silence, at: at(10 + 91), previous: old });
    assert.equal(late.misses, 1);
  });

  test("is written when it moved or is a minute old, and an overlapping tick counts nothing", () => {
    const first = after("-");
    const next = (seconds: number, outcome: Outcome<void>) =>
      countTestimony({ ...usual, outcome, at: at(seconds), previous: first });
    assert.equal(isTestimonyNews(undefined, first, 10_000), true);
    assert.equal(isTestimonyNews(first, next(10, silence), 10_000), true);
    assert.equal(isTestimonyNews(first, next(4, silence), 10_000), false);
    const settled = after("++");
    const again = (seconds: number) =>
      countTestimony({ ...usual, outcome: answer, at: at(seconds), previous: settled });
    assert.equal(isTestimonyNews(settled, again(20), 10_000), false);
    assert.equal(isTestimonyNews(settled, again(70), 10_000), true);
  });

  test("is a fact when the workload fell silent, and when it answers again", () => {
    const types = (before: string, letter: Letter) => {
      const previous = after(before);
      const next = countTestimony({
        ...usual,
        outcome: outcomes[letter],
        at: at(10 * before.length),
        previous,
      });
      return workloadFacts(previous, next, () => "id").map(({ type }) => type);
    };
    assert.deepEqual(types("--", "-"), ["workload.silent"]);
    assert.deepEqual(types("---", "-"), []);
    assert.deepEqual(types("---", "+"), ["workload.answers"]);
    assert.deepEqual(types("+", "+"), []);
    assert.deepEqual(types("-", "+"), []);
    assert.equal(
      shownTarget(targetOf({ url: "https://h.example/health?key=secret", status: 200 })),
      "https://h.example/health for 200",
    );
    assert.deepEqual(types("??", "?"), ["workload.unasked"]);
    assert.deepEqual(types("???", "?"), []);
    assert.deepEqual(types("???", "+"), ["workload.answers"]);
  });
});

/** The real store, stacks with witnesses, and a place to ask that does as it is told. */
function scene(stacks: Stack[]) {
  const clock = stoppedClock();
  const table = memoryTable();
  const stores = cloudTable(table);
  const asked: string[] = [];
  const state = { outcome: answer, takesMs: 0, atOnce: 0, most: 0 };
  const deps = {
    ...stores,
    now: clock.now,
    newId: () => ulid(clock.now().getTime()),
    settings: { intervalMs: 10_000 },
    askWitness: async (one: Witness): Promise<Outcome<void>> => {
      asked.push("tcp" in one ? one.tcp : one.url);
      state.atOnce += 1;
      state.most = Math.max(state.most, state.atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      state.atOnce -= 1;
      clock.advance(state.takesMs / 1000);
      return state.outcome;
    },
  };
  const board = { stacks, statuses: [], verdicts: [], orders: [], vantages: [] };
  const bugs: unknown[] = [];
  return {
    clock,
    table,
    state,
    deps,
    bugs,
    round: async (clouds: CloudName[], isVoid = false) => {
      const startedAt = clock.now().toISOString();
      const witnesses = witnessesOf(deps, board, { startedAt, bugs });
      witnesses.ask(clouds);
      witnesses.ask(clouds);
      await witnesses.save(isVoid);
      return asked.splice(0);
    },
    /** Of a cloud that is well. */
    check: async () => {
      const startedAt = clock.now().toISOString();
      const witnesses = witnessesOf(deps, board, { startedAt, bugs });
      witnesses.check([athens]);
      await witnesses.save(false);
    },
    testimonies: () => stores.readTestimonies(athens),
  };
}

function stackOf(name: string, more: object = {}): Stack {
  return Stack.parse({
    stack_name: name,
    uid: name,
    generation: 1,
    count: 1,
    count_parameter: "count",
    weights: { athens: 1 },
    policy: {},
    witnesses: { athens: { tcp: `${name}.example.org:443` } },
    paused: false,
    partial: false,
    completed: true,
    created_at: at(0),
    updated_at: at(0),
    ...more,
  });
}

describe("the witnesses of a tick", () => {
  test("are those of stacks that weigh a missed cloud and name one there, each once", async () => {
    const of = scene([
      stackOf("web"),
      stackOf("api", { policy: { evidence: "api" } }),
      stackOf("gone", { deleted_at: at(0) }),
      stackOf("elsewhere", { weights: { lisbon: 1 } }),
      stackOf("unnamed", { witnesses: { lisbon: { tcp: "a.example:1" } } }),
    ]);
    assert.deepEqual(await of.round([]), []);
    assert.deepEqual(await of.round([athens]), ["web.example.org:443"]);
    const [testimony] = await of.testimonies();
    assert.deepEqual([testimony?.stack_name, testimony?.finding], ["web", "answers"]);
  });

  test("are asked where home misses the cloud, or where its verdict is not reachable", () => {
    const vote = (cloud: CloudName, kind: string, misses: number) =>
      ({ cloud, vote: kind, misses }) as never;
    const verdicts = [{ cloud: lisbon, verdict: "unreachable" }] as never;
    const board = { stacks: [], statuses: [], verdicts, orders: [], vantages: [] };
    assert.deepEqual(missedClouds(board, [vote(athens, "silent", 1)]), [athens, lisbon]);
    assert.deepEqual(missedClouds(board, [vote(athens, "silent", 0)]), [lisbon]);
    assert.deepEqual(missedClouds(board, [vote(athens, "abstains", 1)]), [lisbon]);
  });

  test("say nothing in a void tick, and a lost race writes nothing", async () => {
    const of = scene([stackOf("web")]);
    of.state.outcome = silence;
    await of.round([athens], true);
    assert.deepEqual(await of.testimonies(), []);
    for (let tick = 0; tick < 3; tick += 1) {
      await Promise.all([of.round([athens]), of.round([athens])]);
      of.clock.advance(10);
    }
    const [testimony] = await of.testimonies();
    assert.equal(testimony?.misses, 3, "two overlapping ticks count once");
    const events = of.table.records.filter(({ keys }) => keys.sk.startsWith("EVENT#"));
    assert.deepEqual(
      events.map(({ keys, newImage }) => [keys.pk, newImage?.type]),
      [["STACK#web", "workload.silent"]],
    );
  });

  test("are bounded: a few hundred at once, none begun late, and who was left out goes first", async () => {
    const names = Array.from({ length: 600 }, (_, i) => `web${i}`);
    const of = scene(names.map((name) => stackOf(name)));
    of.state.takesMs = 20;
    const first = await of.round([athens]);
    assert.ok(of.state.most <= 256, `${of.state.most} at once`);
    assert.ok(first.length >= 256 && first.length < 600, `${first.length} asked`);
    of.clock.advance(10);
    const second = await of.round([athens]);
    const left = names.length - first.length;
    const isNew = (target: string) => !first.includes(target);
    assert.equal(second.slice(0, left).filter(isNew).length, left, "those left out go first");
    assert.equal((await of.testimonies()).length, 600);
  });

  test("of a cloud that is well are written when their word moves only, and nobody is told", async () => {
    const of = scene([stackOf("web")]);
    const written = () => of.table.records.map(({ keys }) => keys.sk);
    for (let minute = 0; minute < 5; minute += 1) {
      await of.check();
      of.clock.advance(60);
    }
    assert.deepEqual(written(), ["WITNESS#web"]);
    of.state.outcome = silence;
    for (let minute = 0; minute < 5; minute += 1) {
      await of.check();
      of.clock.advance(60);
    }
    assert.deepEqual(written(), ["WITNESS#web", "WITNESS#web"]);
    const [testimony] = await of.testimonies();
    assert.deepEqual([testimony?.finding, testimony?.misses], ["silent", 1]);
    assert.equal(workloadOf(testimony, of.clock.now().toISOString()), "unknown");
  });

  test("one that is a bug of ours stands in nobody's way, and counts as one that cannot be asked", async () => {
    const of = scene([stackOf("web"), stackOf("api")]);
    const { askWitness } = of.deps;
    of.deps.askWitness = async (one) => {
      if ("tcp" in one && one.tcp.startsWith("web")) throw new TypeError("a bug");
      return askWitness(one);
    };
    await of.round([athens]);
    assert.equal(of.bugs.length, 1);
    const found = (await of.testimonies()).map(({ stack_name, finding }) => [stack_name, finding]);
    assert.deepEqual(Object.fromEntries(found), { web: "abstains", api: "answers" });
  });
});
