import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { type AgentDeps, type AgentOptions, agent } from "../../lib/agent/agent.ts";
import { ballotOf } from "../../lib/agent/ballot.ts";
import { complaints } from "../../lib/agent/complaints.ts";
import { ApiError, client } from "../../lib/api/client.ts";
import { VoteInput } from "../../lib/api/votes.ts";
import { CloudName, VantageName } from "../../lib/cloud/schema.ts";
import { type LogLine, log as logOf } from "../../lib/log.ts";
import { tokens } from "../support/api.ts";
import { cliAndApi } from "../support/cli.ts";
import { fault, otherFaults, plainCloud, silences } from "../support/plain-cloud.ts";

const refused = fault("path", "refused");
const athens = CloudName.parse("athens");
const over = new Error("the test is over");

/** A real API on a port, plain clouds, and an agent whose every round is so many seconds apart. */
async function scene(t: TestContext, ...names: string[]) {
  const { api, url } = await cliAndApi(t);
  const clouds = new Map(names.map((name) => [CloudName.parse(name), plainCloud()]));
  const lines: LogLine[] = [];
  let seconds = 0;
  const deps = (token: string, home = url): AgentDeps => ({
    now: () => new Date(),
    elapsedMs: () => seconds * 1000,
    sleep: async () => {},
    log: logOf({ level: "DEBUG", write: (line) => lines.push(line) }),
    cloudNames: () => [...clouds.keys()],
    cloudClient: (cloud) => {
      const of = clouds.get(cloud);
      return of ? { ok: true, value: of.client } : { ok: false, fault: fault("config", "none") };
    },
    putVote: client({ url: home, token, timeoutMs: 2000 }).putVote,
    getWhoami: client({ url: home, token, timeoutMs: 2000 }).getWhoami,
    settings: { loginPauseMs: 60_000, longestPauseMs: 3_600_000 },
  });
  /** So many rounds of an agent; then the test ends it. */
  type Given = Partial<AgentOptions> & { token?: string; home?: string };
  const rounds = async (n: number, given: Given = {}) => {
    const { token = tokens.vantage, home = url, ...more } = given;
    let left = n;
    const own = deps(token, home);
    const sleep = async (ms: number) => {
      if (left === 0) throw over;
      left -= 1;
      seconds += ms / 1000;
    };
    const options = { everyMs: 10_000, hostname: "somewhere", ...more };
    await assert.rejects(agent({ ...own, sleep }, options), over);
  };
  const said = () => lines.splice(0).map(({ message, level }) => `${level} ${message}`);
  return { api, clouds, url, deps, rounds, lines, said };
}

test("an agent votes on every cloud of its own, under its token's name", async (t) => {
  const { api, clouds, rounds } = await scene(t, "athens", "oslo");
  await api.know({ athens: "reachable", oslo: "reachable" });
  const cloud = clouds.get(athens);
  assert.ok(cloud);
  cloud.fault = refused;
  await rounds(1);
  const [vote] = await api.stores.listVotes(athens);
  assert.deepEqual([vote?.vantage, vote?.vote, vote?.misses], ["vantage-1", "silent", 1]);
  assert.deepEqual(vote?.fault, refused);
  const [up] = await api.stores.listVotes(CloudName.parse("oslo"));
  assert.deepEqual([up?.vote, up?.latency_ms !== undefined], ["up", true]);
});

test("an agent says how often it looks, and so has its votes written in time", async (t) => {
  const { api, rounds } = await scene(t, "athens");
  await api.know({ athens: "reachable" });
  await rounds(1, { everyMs: 30_000 });
  assert.equal((await api.stores.listVotes(athens))[0]?.interval_ms, 30_000);
});

test("an agent that hears nothing from anywhere says so, and nothing of the clouds", async (t) => {
  const { api, clouds, rounds } = await scene(t, "athens", "oslo");
  await api.know({ athens: "reachable", oslo: "reachable" });
  for (const cloud of clouds.values()) cloud.fault = refused;
  await rounds(1);
  const [vote] = await api.stores.listVotes(athens);
  assert.deepEqual([vote?.vote, vote?.void, vote?.misses], ["abstains", true, 0]);
});

test("a rejected login is not repeated before its pause is over", async (t) => {
  const { api, clouds, rounds } = await scene(t, "athens");
  await api.know({ athens: "reachable" });
  const cloud = clouds.get(athens);
  assert.ok(cloud);
  cloud.takesLogin = false;
  await rounds(3);
  const logins = cloud.calls.filter((call) => call.startsWith("list") && call.endsWith(" login"));
  assert.equal(logins.length, 1, cloud.calls.join("; "));
});

test("clouds that home does not know are told once, and the others are voted on", async (t) => {
  const { api, rounds, lines } = await scene(t, "athens", "mars");
  await api.know({ athens: "reachable" });
  await rounds(4);
  const unknown = lines.filter(({ message }) => message.startsWith("home does not know"));
  assert.deepEqual(
    unknown.map(({ cloud }) => cloud),
    ["mars"],
  );
  assert.equal((await api.stores.listVotes(athens)).length, 1);
});

test("a vote that is refused for what is in it costs the other clouds nothing", async (t) => {
  const names = ["athens", ...Array.from({ length: 20 }, (_, i) => `cloud-${i}`)];
  const { api, clouds, rounds, said } = await scene(t, ...names);
  await api.know(Object.fromEntries(names.map((name) => [name, "reachable"])));
  const cloud = clouds.get(athens);
  assert.ok(cloud);
  cloud.fault = fault("answer", "No code at all");
  await rounds(1);
  const votes = await Promise.all([...clouds.keys()].map((one) => api.stores.listVotes(one)));
  assert.deepEqual(
    votes.map(({ length }) => length),
    [0, ...Array.from({ length: 20 }, () => 1)],
  );
  const lines = said();
  assert.ok(lines.includes("WARNING votes are not taken"));
  assert.ok(lines.includes("INFO the agent votes"), "so that a 401 later does not end it");
});

test("a home that does not answer costs a line now and then, and votes go on when it does", async (t) => {
  const { api, rounds, lines, url } = await scene(t, "athens");
  await rounds(60, { home: "http://127.0.0.1:1", name: VantageName.parse("vantage-1") });
  const told = lines.filter(({ message }) => message === "votes are not taken");
  assert.deepEqual(
    told.map(({ for_s }) => for_s),
    [0, 60, 180, 420],
    "ten minutes of it",
  );
  assert.match(String(told[0]?.why), /cannot be reached/);
  await api.know({ athens: "reachable" });
  await rounds(1, { home: url });
  assert.equal((await api.stores.listVotes(athens)).length, 1);
});

test("a token that is not known, or may not vote, ends the agent in one sentence", async (t) => {
  const { api, deps } = await scene(t, "athens");
  await api.know({ athens: "reachable" });
  const options = { everyMs: 10_000, hostname: "somewhere" };
  const rows = [
    ["wrong", {}, 401, /needs a token that is known/],
    [tokens.operator, {}, 403, /needs the role vantage; the token's role is operator/],
    [tokens.vantage, { name: VantageName.parse("other") }, 403, /votes as vantage-1, not as other/],
  ] as const;
  for (const [token, more, status, why] of rows) {
    await assert.rejects(agent(deps(token), { ...options, ...more }), (error) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.status, status);
      assert.match(error.detail, why);
      return true;
    });
  }
  assert.deepEqual(await api.stores.listVotes(athens), []);
});

test("the log tells the votes that were taken, and none that was refused", async (t) => {
  const { api, rounds, lines } = await scene(t, "athens", "mars");
  await api.know({ athens: "reachable" });
  const votes = () => lines.filter(({ message }) => message === "vote").map(({ cloud }) => cloud);
  await rounds(1, { home: "http://127.0.0.1:1", name: VantageName.parse("vantage-1") });
  assert.deepEqual(votes(), []);
  await rounds(1);
  assert.deepEqual(votes(), ["athens"]);
});

test("a bug met in one cloud does not keep the others from being voted on", async (t) => {
  const { api, clouds, rounds, said } = await scene(t, "athens", "oslo");
  await api.know({ athens: "reachable", oslo: "reachable" });
  const cloud = clouds.get(athens);
  assert.ok(cloud);
  cloud.bug = new TypeError("a bug");
  await rounds(2);
  assert.equal((await api.stores.listVotes(CloudName.parse("oslo"))).length, 1);
  assert.deepEqual(await api.stores.listVotes(athens), []);
  assert.equal(said().filter((line) => line === "WARNING a round threw").length, 1);
});

test("whatever a probe finds is a ballot that the API takes", () => {
  const odd = [fault("answer", "http_999", 999), fault("answer", "http_99", 99)];
  const findings = [
    ...[...silences, ...otherFaults, ...odd].map((found) => ({ cloud: athens, fault: found })),
    // The last three: the clock was set meanwhile.
    ...[12.5, 1e-200, -4000, 1e12].map((latency_ms) => ({ cloud: athens, latency_ms })),
  ];
  for (const finding of findings) {
    for (const isVoid of [false, true]) {
      const ballot = ballotOf(finding, { isVoid, ageMs: 140.4, everyMs: 2500.5 });
      assert.equal(VoteInput.safeParse(ballot).success, true, JSON.stringify(ballot));
    }
  }
  const long = ballotOf(
    { cloud: athens, fault: { ...refused, message: "x".repeat(9999) } },
    {
      isVoid: false,
      ageMs: 0,
      everyMs: 30_000,
    },
  );
  assert.equal(VoteInput.safeParse(long).success, true);
});

test("a tick of before the machine slept gives no ballot", () => {
  const tick = { isVoid: false, ageMs: 90_001, everyMs: 10_000 };
  assert.equal(ballotOf({ cloud: athens }, tick), undefined);
});

test("what goes on being wrong is told ever more rarely, and anew after it was well", () => {
  const lines: string[] = [];
  let now = 0;
  const line = (message: string) => void lines.push(`${now / 1000}: ${message}`);
  const trouble = complaints({ log: { warning: line, info: line }, nowMs: () => now });
  for (; now < 8 * 3_600_000; now += 10_000) trouble.tell("away");
  assert.deepEqual(
    lines.splice(0).map((text) => Number.parseInt(text, 10)),
    [0, 60, 180, 420, 900, 1860, 3780, 7380, 10_980, 14_580, 18_180, 21_780, 25_380],
  );
  trouble.clear("back");
  trouble.clear("back");
  trouble.tell("away");
  assert.deepEqual(lines, ["28800: back", "28800: away"]);
});
