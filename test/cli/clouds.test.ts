import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import {
  CloudName,
  VantageName,
  type Verdict,
  type VerdictKind,
  type Vote,
} from "../../lib/cloud/schema.ts";
import { verdictOf } from "../support/api.ts";
import { cliAndApi } from "../support/cli.ts";

const athens = CloudName.parse("athens");
const refused = { class: "path", code: "refused", message: "nothing listens there" } as const;
const limited = {
  class: "answer",
  code: "http_429",
  message: "GET heat.test: answered 429.",
} as const;
const silent = { vote: "silent", misses: 1, successes: 0, fault: refused } as const;
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

type Said = Partial<Vote> & { ago?: number };

/** The command line, and an API that holds a verdict on athens and these votes; up and fresh unless said. */
async function scene(
  t: TestContext,
  verdict: VerdictKind,
  votes: Record<string, Said>,
  more: Partial<Verdict> = {},
) {
  const { api, cli } = await cliAndApi(t);
  await api.stores.saveVerdict({ ...verdictOf("athens", verdict), ...more }, undefined, []);
  for (const [name, { ago: age = 0, ...said }] of Object.entries(votes)) {
    const vantage = VantageName.parse(name);
    const at = ago(age);
    await api.stores.registerVantage({ vantage, registered_at: at }, []);
    const counters = { misses: 0, successes: 3, abstentions: 0 };
    const vote: Vote = { cloud: athens, vantage, vote: "up", at, since: at, ...counters, ...said };
    await api.stores.saveVote(vote, undefined);
  }
  const column = async (name: string) =>
    (await cli("cloud", "list", "-f", "value", "-c", name)).stdout.trimEnd();
  return { api, cli, column };
}

describe("cloud list", { concurrency: 3 }, () => {
  test("counts what is heard apart from what was heard too long ago", async (t) => {
    const { column, cli } = await scene(t, "reachable", {
      home: silent,
      office: { ago: 100 },
      lab: { ago: 3600 },
    });
    assert.equal(await column("heard"), "1 silent, 2 too old");
    const { stdout } = await cli("cloud", "list", "-f", "json", "-c", "heard");
    assert.deepEqual(JSON.parse(stdout), [{ heard: { silent: 1, too_old: 2 } }]);
  });

  const reason = "Heat answers (asked from home)";
  const lost = `home has heard nothing since ${ago(60)} (refused: nothing listens there)`;
  const rows: [
    what: string,
    verdict: VerdictKind,
    votes: Record<string, Said>,
    more: Partial<Verdict>,
    said: RegExp,
  ][] = [
    ["all agree", "reachable", { home: {} }, { reason }, /^Heat answers/],
    [
      "one is silent",
      "reachable",
      { home: silent, office: {}, lab: {} },
      { reason },
      /^1 of 3 vantages finds it silent \(home\); it takes 2\.$/,
    ],
    [
      "nobody is answered, and nobody counts it silent",
      "reachable",
      { home: { vote: "abstains", successes: 0, fault: limited } },
      { reason },
      /^home abstains since .*\(http_429: .*\): only the network's silence/,
    ],
    [
      "one was silent too long ago to count",
      "reachable",
      { home: {}, office: {}, lab: { ...silent, ago: 100 } },
      { reason },
      /^Heat answers/,
    ],
    ["it is lost", "unreachable", { home: silent }, { reason: lost }, /^home has heard nothing/],
    [
      "it is returning",
      "unreachable",
      { home: { successes: 1 } },
      { reason: lost },
      /^It is back after 3 successes in a row of home: home 1 of 3 so far/,
    ],
    [
      "a suspected one answers",
      "suspected",
      { home: { successes: 1 } },
      { reason: lost, lost_at: ago(60) },
      /^Its 10 min are over at .*: from then on it becomes unreachable as soon as home has 3 misses/,
    ],
    [
      "too few vote",
      "reachable",
      { home: {}, office: { ago: 100 }, lab: { ago: 100 } },
      { reason, unwatched: { since: ago(10), fresh: 2, majority: 2 } },
      /^unwatched: Too few vantages can tell of it since .*, 1 of the 2 needed/,
    ],
  ];
  for (const [what, verdict, votes, more, said] of rows) {
    test(`gives a reason that is true now: ${what}`, async (t) => {
      const { column } = await scene(t, verdict, votes, more);
      assert.match(await column("reason"), said);
    });
  }
});
