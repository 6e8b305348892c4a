import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Client, client } from "../../lib/api/client.ts";
import type { CloudSummary } from "../../lib/api/clouds.ts";
import { CloudName } from "../../lib/cloud/schema.ts";
import { contradictions } from "../../lib/event/replay.ts";
import type { Ballot, Event } from "../../lib/event/schema.ts";
import { until } from "../support/until.ts";
import { agentUp, tokenOf } from "./agent.ts";
import { template } from "./lab.ts";
import { type Paths, pathsOf } from "./paths.ts";
import type { Shown } from "./service.ts";
import { type Stage, stage } from "./stage.ts";
import { workload } from "./workload.ts";

/** manchester and cyprus-two authenticate with an application credential. */
const clouds = ["athens", "manchester", "cyprus-two"];
const agents = ["office", "rack7"];
const vantages = ["home", ...agents];
const asDeclared = { athens: 6, manchester: 2, "cyprus-two": 2 };
const MINUTE_MS = 60_000;

describe("real clouds, watched by home and two agents", () => {
  const started = new Date().toISOString();
  const ways = new Map<string, Paths>();
  const endings: (() => Promise<unknown>)[] = [];
  let on: Stage;
  let api: Client;

  before(async () => {
    const directory = await mkdtemp(join(tmpdir(), "heat-spreader-vantages-"));
    endings.push(() => rm(directory, { recursive: true, force: true }));
    const operator = tokenOf("operator", "operator");
    const tokens = agents.map((name) => ({ name, ...tokenOf(name, "vantage") }));
    on = await stage({
      clouds,
      serviceSettings: {
        HEAT_SPREADER_TOKEN: operator.token,
        API_TOKENS: tokens.map(({ entry }) => entry).join(","),
        WITNESS_PRIVATE: "allow",
      },
      cloudsFile: async (lab) => {
        for (const vantage of vantages) {
          const laid = await pathsOf(lab, clouds, join(directory, `${vantage}.yaml`));
          ways.set(vantage, laid);
          endings.push(async () => laid.close());
        }
        return of("home").cloudsFile;
      },
    });
    const { url } = on.service();
    api = client({ url, token: operator.token });
    for (const { name, token } of tokens) {
      const own = { directory: join(directory, name), cloudsFile: of(name).cloudsFile };
      endings.unshift(await agentUp({ ...own, url, token, everySeconds: 2 }));
    }
    await untilAllSay("up");
    await declare("web");
    await on.untilMembers("web", asDeclared);
    await on.untilState("web", "converged");
  });

  after(async () => {
    for (const end of endings) await end();
    await on?.end();
  });

  function of(vantage: string): Paths {
    const found = ways.get(vantage);
    assert.ok(found, `there is no vantage ${vantage}`);
    return found;
  }

  async function declare(stack: string): Promise<void> {
    const weights = ["athens=0.6", "manchester=0.2", "cyprus-two=0.2"];
    const { command } = on.service();
    await command(
      ...["add", stack, "--count", "10", "--parameter", "count"],
      ...weights.flatMap((weight) => ["--weight", weight]),
    );
  }

  const votesOn = async (cloud: string) =>
    (await api.getCloud({ cloud: CloudName.parse(cloud) })).votes;

  /** Until all three vantages say the same of these clouds. */
  async function untilAllSay(word: "up" | "silent" | "void", of = clouds): Promise<void> {
    const isSaid = ({ votes }: CloudSummary) =>
      vantages.every((vantage) =>
        votes.some((vote) => vote.vantage === vantage && (vote.void ? "void" : vote.vote) === word),
      );
    const look = async () => {
      const { clouds: known } = await api.listClouds();
      return of.every((name) => known.some((cloud) => cloud.cloud === name && isSaid(cloud)));
    };
    await until(`all say that ${of} are ${word}`, look, MINUTE_MS, 100);
  }

  /** All that happened since then, the oldest first, with its evidence. */
  async function eventsSince(since: string): Promise<Event[]> {
    const found: Event[] = [];
    let marker: string | undefined;
    do {
      const query = { since, evidence: "true", ...(marker ? { marker } : {}) } as const;
      const { events, next } = await api.listEvents({ query });
      found.push(...events);
      marker = next;
    } while (marker !== undefined);
    return found.reverse();
  }

  const lossesIn = (events: Event[]) => events.filter(({ type }) => type === "cloud.unreachable");
  const movesIn = (events: Event[], stack: string) =>
    events.filter(({ type, stack_name }) => type === "stack.reallocated" && stack_name === stack);

  async function assertNothingMoved(since: string): Promise<void> {
    const events = await eventsSince(since);
    assert.deepEqual(
      events.filter(({ type }) => type.startsWith("cloud.")),
      [],
    );
    assert.deepEqual(movesIn(events, "web"), []);
    assert.deepEqual(await on.members("web"), Object.values(asDeclared));
  }

  /** Each verdict rests on the votes of all three, of which a majority is like this. */
  function assertFounded(verdicts: Event[], isLike: (vote: Ballot) => boolean): void {
    for (const { cloud, evidence } of verdicts) {
      assert.ok(evidence?.of === "verdict");
      const votes = evidence.votes.filter((vote) => vote.cloud === cloud);
      assert.deepEqual(votes.map(({ vantage }) => vantage).sort(), vantages);
      assert.ok(votes.filter(isLike).length >= 2, JSON.stringify(votes));
    }
  }

  const shareOf = (shown: Shown, cloud: string) => {
    const found = shown.shares.find((share) => share.cloud === cloud);
    assert.ok(found, `no share of ${cloud}`);
    return found;
  };

  test("a cloud that dies: lost by the votes of all, its share moves, and what may still run there is told until it is back", async () => {
    const since = new Date().toISOString();
    await on.lab.do("stop", "manchester");
    await on.untilMembers("web", { athens: 7, "cyprus-two": 3 });
    await untilAllSay("silent", ["manchester"]);
    const shown = await on.untilShown("web", "10 in place, failed over", (shown) => {
      return shown.state === "failed_over" && shown.in_place === 10;
    });
    assert.equal(shown.up_to, 12);
    const { reason, ...ledger } = shareOf(shown, "manchester").ledger ?? {};
    assert.deepEqual(ledger, { in_place: 0, up_to: 2 });
    assert.match(reason ?? "", /^unreachable since /);

    const losses = lossesIn(await eventsSince(since));
    assert.deepEqual(
      losses.map(({ cloud }) => cloud),
      ["manchester"],
    );
    assertFounded(losses, ({ vote, misses }) => vote === "silent" && misses >= 3);
    const story = await on.service().command("explain", "last", "--cloud", "manchester");
    for (const vantage of vantages) assert.match(story, new RegExp(`^- ${vantage} `, "m"));
    assert.match(story, /athens 6 -> 7/);

    await on.lab.do("start", "manchester");
    await on.untilMembers("web", asDeclared);
    await on.untilState("web", "converged");
    const closed = await on.service().show("web");
    assert.deepEqual([closed.in_place, closed.up_to], [10, 10]);
    assert.deepEqual(shareOf(closed, "manchester").ledger, { in_place: 2, up_to: 2 });
  });

  for (const vantage of ["office", "home"]) {
    test(`the path cut between ${vantage} and one cloud: one silent vote of three, and nothing moves`, async () => {
      const since = new Date().toISOString();
      const way = of(vantage).to("athens");
      way.cut();
      const hasMissed = async () =>
        (await votesOn("athens")).some((vote) => vote.vantage === vantage && vote.misses >= 5);
      await until(`${vantage} misses it`, hasMissed, MINUTE_MS, 100);
      const shown = JSON.parse(
        await on.service().command("cloud", "show", "athens", "-f", "json"),
      ) as { verdict: string; heard: object; seen: string[]; next: string[] };
      assert.equal(shown.verdict, "reachable");
      assert.deepEqual(shown.heard, { up: 2, silent: 1 });
      assert.match(shown.seen.join("\n"), new RegExp(`^${vantage} has heard nothing since`, "m"));
      assert.match(shown.next.join("\n"), new RegExp(`1 of 3 vantages .*\\(${vantage}\\)`));
      assert.equal((await on.service().show("web")).state, "converged");
      way.mend();
      await untilAllSay("up");
      await assertNothingMoved(since);
    });
  }

  test("all paths of all vantages cut at once: each blames its own network, and nothing moves", async () => {
    const since = new Date().toISOString();
    const all = vantages.flatMap((vantage) => of(vantage).all());
    const before = all.map(({ reset }) => reset());
    for (const { cut } of all) cut();
    await untilAllSay("void");
    const areLong = () => all.every(({ reset }, n) => reset() >= (before[n] ?? 0) + 5);
    await until("more than three ticks are lost", areLong, MINUTE_MS, 100);
    const seen = await on.service().command("cloud", "show", "athens", "-f", "value", "-c", "seen");
    assert.equal(seen.match(/hears nothing from any cloud/g)?.length, 3, seen);
    for (const { mend } of all) mend();
    await untilAllSay("up");
    await assertNothingMoved(since);
  });

  test("Heat dead, the workload alive: the share stays, and is dealt once the workload dies too", async () => {
    const served = await workload();
    try {
      const servers = await template("servers");
      for (const cloud of clouds) {
        await on.heat(cloud).create("shop", { template: servers, parameters: { count: "1" } });
      }
      await declare("shop");
      const { command } = on.service();
      await command("witness", "set", "shop", "cyprus-two", "--url", served.url);
      await on.untilMembers("shop", asDeclared);
      await on.untilState("shop", "converged");

      const since = new Date().toISOString();
      await on.lab.do("heat-down", "cyprus-two");
      await on.untilMembers("web", { athens: 7, manchester: 3 });
      await on.untilState("web", "failed_over");
      const kept = await on.untilShown("shop", "known to be alive", (shown) =>
        /workload answers$/.test(shareOf(shown, "cyprus-two").ledger?.reason ?? ""),
      );
      const { desired, ledger, verdict } = shareOf(kept, "cyprus-two");
      assert.deepEqual([desired, verdict], [2, "unreachable"]);
      assert.match(
        ledger?.reason ?? "",
        /^control plane unreachable since \d\d:\d\d, workload answers$/,
      );
      assert.deepEqual(movesIn(await eventsSince(since), "shop"), []);
      assert.deepEqual(await on.members("shop", ["athens", "manchester"]), [6, 2]);

      await served.die();
      await on.untilMembers("shop", { athens: 7, manchester: 3 });
      const moved = await on.untilState("shop", "failed_over");
      const why = moved.conditions.find(({ type }) => type === "failed_over")?.message ?? "";
      assert.match(why, /cyprus-two is unreachable since .*, and its workload is silent/);
      assert.ok((await eventsSince(since)).some(({ type }) => type === "workload.silent"));

      await on.lab.do("heat-up", "cyprus-two");
      for (const stack of ["web", "shop"]) {
        await on.untilMembers(stack, asDeclared);
        await on.untilState(stack, "converged");
      }
      await command("delete", "shop");
    } finally {
      await served.die();
    }
  });

  test("a cloud that is gone for two misses, again and again: nothing moves", async () => {
    const since = new Date().toISOString();
    const all = vantages.map((vantage) => of(vantage).to("athens"));
    const before = all.map(({ reset }) => reset());
    const times = 3;
    for (let time = 1; time <= times; time += 1) {
      const passed = all.map((way) => way.passed());
      for (const way of all) way.cut(2);
      const areThrough = () => all.every((way, n) => way.passed() > (passed[n] ?? 0));
      await until("each vantage was reset twice, and then let through", areThrough, MINUTE_MS, 20);
      // Let through is not answered: a cut in between would be a third miss in a row.
      const haveHeard = async () => (await votesOn("athens")).every(({ misses }) => misses === 0);
      await until("each vantage has heard an answer", haveHeard, MINUTE_MS, 100);
    }
    await untilAllSay("up");
    assert.deepEqual(
      all.map((way, n) => way.reset() - (before[n] ?? 0)),
      vantages.map(() => 2 * times),
    );
    await assertNothingMoved(since);
  });

  test("a cloud whose Heat dies and is started every few seconds: no move without three misses of a majority, none back without three answers", async () => {
    const since = new Date().toISOString();
    const times = 4;
    for (let time = 1; time <= times; time += 1) {
      await on.lab.do("heat-down", "manchester");
      await on.lab.do("heat-up", "manchester");
    }
    await untilAllSay("up");
    await on.untilMembers("web", asDeclared);
    await on.untilState("web", "converged");
    const events = await eventsSince(since);
    const losses = lossesIn(events);
    const returns = events.filter(({ type }) => type === "cloud.reachable");
    assertFounded(losses, ({ vote, misses }) => vote === "silent" && misses >= 3);
    assertFounded(returns, ({ vote, successes }) => vote === "up" && successes >= 3);
    assert.ok(losses.length <= times && losses.length === returns.length);
    assert.equal(movesIn(events, "web").length, losses.length + returns.length);
  });

  test("drained and undrained: never below the count, and the last cloud that is available is not drained", async () => {
    const { command } = on.service();
    const drained = async () => {
      await command("cloud", "drain", "manchester");
      await on.untilMembers("web", { athens: 7, manchester: 0, "cyprus-two": 3 });
      await command("cloud", "drain", "cyprus-two");
      await on.untilMembers("web", { athens: 10, manchester: 0, "cyprus-two": 0 });
      await on.untilState("web", "converged");
      await assert.rejects(
        command("cloud", "drain", "athens"),
        /no other cloud of web can take over/,
      );
      for (const cloud of ["manchester", "cyprus-two"]) await command("cloud", "undrain", cloud);
      await on.untilMembers("web", asDeclared);
      await on.untilState("web", "converged");
    };
    assert.ok((await on.leastDuring("web", drained())) >= 10);
  });

  test("every verdict and every move of all this follows again from its evidence", async () => {
    const decided = (await eventsSince(started)).filter(({ evidence }) => evidence !== undefined);
    assert.ok(decided.length > 10, `${decided.length} decisions`);
    assert.deepEqual(decided.flatMap(contradictions), []);
  });
});
