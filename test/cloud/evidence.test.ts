import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { judgedAgain, verdictEvidence } from "../../lib/cloud/evidence.ts";
import {
  CloudName,
  type Time,
  VantageName,
  type Verdict,
  type Vote,
} from "../../lib/cloud/schema.ts";
import { type JudgeSettings, judge, type KnownCloud } from "../../lib/cloud/verdict.ts";
import { VerdictEvidence } from "../../lib/event/schema.ts";
import { otherFaults, silences } from "../support/plain-cloud.ts";
import { at } from "../support/time.ts";

const NOW = 10_000;
const now = at(NOW);
const vantages = ["home", "office", "rack", "lab", "cron"].map((name) => VantageName.parse(name));
/** Within the last 15 min, with ties. */
const past = fc.nat(90).map((tens) => at(NOW - tens * 10));
const fault = fc.constantFrom(...silences, ...otherFaults);
const optional = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined }).map((some) => (some === undefined ? {} : { [key]: some }));

function verdictOf(cloud: CloudName): fc.Arbitrary<Verdict | undefined> {
  const verdict = fc
    .tuple(
      fc.record({
        cloud: fc.constant(cloud),
        verdict: fc.constantFrom("unknown", "reachable", "suspected", "unreachable"),
        since: past,
        at: past,
        reason: fc.constantFrom("Heat answers (asked from home)", "home has heard nothing"),
        votes: fc.constant([]),
      }),
      optional("lost_at", past),
      optional("returned_at", past),
      optional(
        "blocking",
        fc.tuple(fault, past).map(([{ status: _, ...of }, since]) => ({ ...of, since })),
      ),
    )
    .map(([own, ...rest]) => Object.assign({}, own, ...rest) as Verdict);
  return fc.option(verdict, { nil: undefined });
}

function ordersOf(cloud: CloudName, since: Time | undefined) {
  const answer = past.map((time) => ({ since: since ?? time, at: time }));
  return fc
    .tuple(optional("confirmed", answer), optional("refuted", answer))
    .map(([confirmed, refuted]) => ({ cloud, drained: false, at: now, ...confirmed, ...refuted }));
}

function known(cloud: CloudName): fc.Arbitrary<KnownCloud> {
  return verdictOf(cloud).chain((verdict) =>
    fc
      .option(ordersOf(cloud, verdict?.since), { nil: undefined })
      .map((orders) => ({ cloud, verdict, orders })),
  );
}

function voteOf(cloud: CloudName, vantage: VantageName): fc.Arbitrary<Vote | undefined> {
  const vote = fc
    .tuple(
      fc.record({
        cloud: fc.constant(cloud),
        vantage: fc.constant(vantage),
        vote: fc.constantFrom("up", "silent", "silent", "abstains"),
        at: fc.nat(120).map((seconds) => at(NOW - seconds)),
        since: past,
        misses: fc.nat(10),
        successes: fc.nat(3),
        abstentions: fc.nat(3),
        interval_ms: fc.constant(10_000),
        latency_ms: fc.nat(500),
        credential_hash: fc.constantFrom("one", "other"),
      }),
      optional("silent_since", past),
      optional("fault", fault),
      optional("void", fc.constant(true)),
    )
    .map(([own, ...rest]) => Object.assign({}, own, ...rest) as Vote);
  return fc.option(vote, { nil: undefined, freq: 8 });
}

type Situation = { clouds: KnownCloud[]; votes: Vote[]; settings: JudgeSettings };

const situation: fc.Arbitrary<Situation> = fc
  .tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5 }))
  .chain(([many, voters]) => {
    const names = Array.from({ length: many }, (_, i) => CloudName.parse(`cloud-${i}`));
    const pairs = names.flatMap((cloud) =>
      vantages.slice(0, voters).map((vantage) => voteOf(cloud, vantage)),
    );
    return fc.record({
      clouds: fc.tuple(...names.map(known)),
      votes: fc.tuple(...pairs).map((all) => all.filter((vote) => vote !== undefined)),
      settings: fc.record({
        vantages: fc.subarray(vantages.slice(0, voters + 1), { minLength: 1 }),
        suspicionWindowMs: fc.constantFrom(60_000, 600_000),
        misses: fc.constantFrom(undefined, 1, 2, 5),
      }),
    });
  });

test("10. Explained: the evidence of any verdict, stored and judged again, gives that verdict", () => {
  fc.assert(
    fc.property(situation, ({ clouds, votes, settings }) => {
      const verdicts = judge(clouds, votes, now, settings);
      clouds.forEach(({ cloud, verdict: previous }, i) => {
        const verdict = verdicts[i];
        if (!verdict || verdict === previous) return;
        const judgement = { clouds, votes, now, settings, verdicts };
        const stored = JSON.stringify(verdictEvidence(cloud, judgement));
        const again = judgedAgain(VerdictEvidence.parse(JSON.parse(stored)));
        assert.deepEqual(whole(again.find((one) => one.cloud === cloud)), whole(verdict));
      });
    }),
    { numRuns: 1_000 },
  );
});

/** But for what of its votes only the probe remembers. */
function whole(verdict: Verdict | undefined) {
  const votes = verdict?.votes.map(
    ({ credential_hash: _, latency_ms: __, interval_ms: ___, ...vote }) => vote,
  );
  return { ...verdict, votes };
}

test("the evidence of 45 clouds lost at once to five vantages is far from DynamoDB's 400 KB", () => {
  const names = Array.from({ length: 45 }, (_, i) =>
    CloudName.parse(`cloud-${i}-${"x".repeat(50)}`),
  );
  const message = `GET ${"long-host-name.".repeat(10)}example/v1/stacks: no answer within the deadline.`;
  const clouds = names.map((cloud): KnownCloud => {
    const reason = vantages.map((name) => `${name} says ${message}`).join("; ");
    const verdict = {
      cloud,
      verdict: "reachable",
      since: now,
      at: now,
      reason,
      votes: [],
    } as const;
    return { cloud, verdict: { ...verdict, votes: [] } };
  });
  const votes = names.flatMap((cloud) =>
    vantages.map(
      (vantage): Vote => ({
        ...{
          cloud,
          vantage,
          vote: "silent",
          at: now,
          since: now,
          silent_since: now,
          missed_at: now,
        },
        ...{ misses: 3, successes: 0, abstentions: 0, interval_ms: 10_000 },
        fault: { class: "service", code: "timeout", message },
      }),
    ),
  );
  const settings = { vantages, suspicionWindowMs: 600_000 };
  const verdicts = judge(clouds, votes, now, settings);
  assert.ok(verdicts.every(({ verdict }) => verdict === "suspected"));
  const [of = CloudName.parse("none")] = names;
  const evidence = verdictEvidence(of, { clouds, votes, now, settings, verdicts });
  const stored = JSON.stringify(evidence);
  assert.ok(!stored.includes("interval_ms"), "a vote's rhythm decides no verdict");
  const bytes = Buffer.byteLength(stored);
  assert.ok(bytes < 200_000, `${bytes} bytes`);
});
