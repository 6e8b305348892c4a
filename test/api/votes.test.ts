import assert from "node:assert/strict";
import test from "node:test";
import { CloudName, VantageName, type Vote } from "../../lib/cloud/schema.ts";
import { problemIn, sha256, testApi, tokens } from "../support/api.ts";
import { at, stoppedClock } from "../support/time.ts";

const athens = CloudName.parse("athens");
const [home, office] = [VantageName.parse("home"), VantageName.parse("office")];
const refused = { class: "path", code: "refused", message: "nothing listens there" };
const up = { vote: "up", age_ms: 0 };
const miss = { vote: "silent", fault: refused, age_ms: 0 };

/** The API at a clock that stands still, with an agent's token `office-token`; athens and oslo are known. */
async function scene() {
  const clock = stoppedClock(1000);
  const names = ["office", "home", "eu-west-1"];
  const entries = names.map((name) => `${name}:vantage:${sha256(`${name}-token`)}`);
  const apiTokens = [...entries, `boss:operator:${sha256(tokens.operator)}`].join(",");
  const api = testApi({ now: clock.now, apiTokens });
  await api.know({ athens: "reachable", oslo: "reachable" });
  const vote = (body: unknown, { cloud = "athens", as = "office", token = "office-token" } = {}) =>
    api.call("PUT", `/v1/clouds/${cloud}/votes/${as}`, { body, token });
  return { ...api, clock, vote };
}

test("an agent's vote is counted as a function's is, and stamped by our clock", async () => {
  const { vote, clock, stores } = await scene();
  for (const body of [up, miss, miss, { ...miss, age_ms: 700 }]) {
    assert.equal((await vote(body)).status, 200);
    clock.advance(10);
  }
  const [own] = await stores.listVotes(athens);
  const { fault, ...rest } = own as Vote;
  assert.deepEqual(rest, {
    cloud: "athens",
    vantage: "office",
    vote: "silent",
    at: at(1029.3),
    since: at(1010),
    missed_at: at(1029.3),
    silent_since: at(1010),
    misses: 3,
    successes: 0,
    abstentions: 0,
  });
  assert.deepEqual(fault, refused);
});

test("the first vote registers an agent, with an event, once", async () => {
  const { vote, stores, call } = await scene();
  await Promise.all([vote(up), vote(miss, { cloud: "oslo" })]);
  await vote(up);
  assert.deepEqual(await stores.listVantages(), [
    { vantage: "office", registered_at: at(1000), kind: "agent" },
  ]);
  const { body } = await call("GET", "/v1/events");
  const told = body.events.map((event: { type: string; vantage: string }) => [
    event.type,
    event.vantage,
  ]);
  assert.deepEqual(told, [["vantage.registered", "office"]]);
});

test("a request that comes twice counts once", async () => {
  const { vote, clock, stores } = await scene();
  await vote(miss);
  clock.advance(2);
  const again = await vote({ ...miss, age_ms: 2000 });
  assert.deepEqual([again.status, again.body.misses], [200, 1]);
  await Promise.all([vote(miss), vote(miss), vote(miss)]);
  clock.advance(3.5);
  await Promise.all([vote(miss), vote(miss), vote(miss)]);
  assert.equal((await stores.listVotes(athens))[0]?.misses, 2);
});

test("an agent that looks more often than home has every vote counted", async () => {
  const { vote, clock } = await scene();
  const quick = { ...miss, interval_ms: 2000 };
  for (const misses of [1, 2, 3]) {
    assert.equal((await vote(quick)).body.misses, misses);
    clock.advance(2);
  }
  clock.advance(-1.1);
  assert.equal((await vote(quick)).body.misses, 3, "the same request again");
});

test("an unchanged vote is written as often as its agent's interval has it", async () => {
  const { vote, clock, stores } = await scene();
  for (const [interval_ms, everySeconds] of [
    [30_000, 30],
    [10_000, 60],
  ] as const) {
    for (let n = 0; n < 3; n += 1) {
      await vote({ ...up, interval_ms });
      clock.advance(interval_ms / 1000);
    }
    const written = new Set<string>();
    for (let n = 0; n < 24; n += 1) {
      await vote({ ...up, interval_ms });
      written.add((await stores.listVotes(athens))[0]?.at ?? "");
      clock.advance(interval_ms / 1000);
    }
    const [first = 0, second = 0, third = 0] = [...written].map((time) => Date.parse(time) / 1000);
    assert.deepEqual([second - first, third - second], [everySeconds, everySeconds]);
  }
});

test("a vote under another's name, or a function's, is refused, and nothing is written", async () => {
  const { vote, stores, call } = await scene();
  const dublin = VantageName.parse("eu-west-1");
  await stores.registerVantage({ vantage: dublin, registered_at: at(0), kind: "function" }, []);
  const rows = [
    [await vote(up, { as: "depot" }), /votes as office, not as depot/],
    [await vote(up, { as: "home" }), /votes as office, not as home/],
    [await vote(up, { as: "home", token: "home-token" }), /home is the name of a probe of this/],
    [await vote(up, { as: "eu-west-1", token: "eu-west-1-token" }), /name of a probe of this/],
    [await vote(up, { as: "boss", token: tokens.operator }), /needs the role vantage/],
  ] as const;
  for (const [got, why] of rows) {
    const problem = problemIn(got, 403, "request.forbidden");
    assert.match(problem.detail, why);
    assert.doesNotMatch(problem.title, /role/, "the role may be right, and the name wrong");
  }
  assert.deepEqual(await stores.listVotes(athens), []);
  const claims = { sub: "depot", role: "vantage" };
  const jwt = { token: "a.b.c", claims, body: up };
  assert.equal((await call("PUT", "/v1/clouds/athens/votes/depot", jwt)).status, 200);
  problemIn(await call("PUT", "/v1/clouds/athens/votes/office", jwt), 403, "request.forbidden");
});

test("a vote for a cloud that nobody knows writes nothing", async () => {
  const { vote, stores } = await scene();
  const problem = problemIn(await vote(up, { cloud: "paris" }), 404, "cloud.missing");
  assert.match(problem.detail, /paris/);
  assert.deepEqual(await stores.listVotes(CloudName.parse("paris")), []);
  assert.deepEqual(await stores.listVantages(), []);
});

test("what is no vote is refused with what to do, and nothing is written", async () => {
  const { vote, stores, call } = await scene();
  const rejected = { class: "credentials", code: "login_rejected", message: "no" };
  const rows: [body: unknown, status: number, why: RegExp][] = [
    [{ ...up, age_ms: -1 }, 422, /from the future/],
    [{ ...up, age_ms: 90_001 }, 422, /more than 90 s old/],
    [
      { ...up, at: at(0) },
      400,
      /at: is not known; there are vote, fault, latency_ms, void, age_ms, interval_ms/,
    ],
    [{ vote: "up" }, 400, /age_ms: is missing/],
    [{ ...up, age_ms: 1.5 }, 422, /age_ms: must be a whole number\.$/],
    [{ ...up, age_ms: "1" }, 400, /age_ms: must be a number, not a string\.$/],
    [{ ...up, age_ms: 1e300 }, 422, /age_ms: must be at most \d+/],
    [{ ...up, vote: "down" }, 422, /up, silent, abstains/],
    [{ ...up, fault: refused }, 422, /up has no fault/],
    [{ ...up, void: true }, 422, /up has no fault/],
    [{ ...miss, fault: rejected }, 422, /silent has one of class path or service/],
    [{ vote: "silent", age_ms: 0 }, 422, /silent has one/],
    [{ ...miss, void: true }, 422, /silent has one/],
    [{ ...miss, vote: "abstains" }, 422, /abstains has another one/],
    [{ vote: "abstains", age_ms: 0 }, 422, /abstains has another one/],
    [{ ...miss, fault: { ...refused, class: "stack" } }, 422, /class/],
    [{ ...miss, fault: { ...refused, code: "Not A Code" } }, 422, /lowercase/],
    [{ ...miss, fault: { ...refused, unsent: true } }, 400, /unsent/],
    [{ ...up, latency_ms: -1 }, 422, /latency_ms/],
    [{ ...up, interval_ms: 999 }, 422, /once a second at most/],
    [{ ...up, interval_ms: 60_001 }, 422, /less often than once a minute/],
    ["up", 400, /must be an object/],
  ];
  for (const [body, status, why] of rows) {
    const code = status === 400 ? "request.invalid" : "vantage.invalid";
    assert.match(problemIn(await vote(body), status, code).detail, why, JSON.stringify(body));
  }
  const raw = '{"vote": "up", "age_ms": 1e999}';
  const path = "/v1/clouds/athens/votes/office";
  const huge = problemIn(
    await call("PUT", path, { raw, token: "office-token" }),
    422,
    "vantage.invalid",
  );
  assert.match(huge.detail, /age_ms: must be a number that is not so large\.$/);
  assert.deepEqual(await stores.listVotes(athens), []);
  const none = { vote: "abstains", fault: refused, void: true, age_ms: 90_000 };
  assert.equal((await vote(none)).body.void, true, "void: heard nothing from anywhere");
});

test("words of a fault from outside are short, and steer no terminal", async () => {
  const { vote, stores } = await scene();
  const message = `\u001b[2Jgone\u0000\n\u202e${"x".repeat(1900)}`;
  await vote({ ...miss, fault: { ...refused, message, status: 503 } });
  const [own] = await stores.listVotes(athens);
  assert.match(own?.fault?.message ?? "", /^\[2Jgone x+$/);
  assert.equal(own?.fault?.message.length, 300);
  assert.equal(own?.fault?.status, 503);
});

test("a missed deadline waits for a busy engine where the home vote knows of updates", async () => {
  const { vote, clock, stores } = await scene();
  const counters = { misses: 0, successes: 3, abstentions: 0, updating: true };
  const times = { at: at(1000), since: at(1000) };
  await stores.saveVote(
    { cloud: athens, vantage: home, vote: "up", ...times, ...counters },
    undefined,
  );
  const late = { ...miss, fault: { class: "service", code: "timeout", message: "no answer" } };
  for (let n = 0; n < 6; n += 1) {
    assert.equal((await vote(late)).body.misses, 0);
    clock.advance(10);
  }
  assert.equal((await vote(late)).body.misses, 1, "60 s of silence");
});

test("a refuted suspicion's misses do not count for an agent either", async () => {
  const { vote, clock, stores } = await scene();
  for (let n = 0; n < 3; n += 1) {
    await vote(miss);
    clock.advance(10);
  }
  const refuted = { since: at(900), at: at(1025) };
  await stores.saveOrders({ cloud: athens, drained: false, refuted, at: at(1025) }, undefined, []);
  assert.equal((await vote(miss)).body.misses, 1);
});

test("vantages are listed with what they vote on, and what not", async () => {
  const { vote, call } = await scene();
  await vote(miss);
  const { body } = await call("GET", "/v1/vantages");
  assert.equal(body.majority, 1);
  assert.deepEqual(body.vantages, [
    {
      vantage: "office",
      kind: "agent",
      registered_at: at(1000),
      voted_at: at(1000),
      clouds: [{ cloud: "athens", vote: "silent", since: at(1000) }],
      missing: ["oslo"],
    },
  ]);
});

test("a vantage is removed with its votes once it is silent, home never", async () => {
  const { vote, call, clock, stores } = await scene();
  await stores.registerVantage({ vantage: home, registered_at: at(0), kind: "function" }, []);
  await vote(miss);
  const remove = (name: string) => call("DELETE", `/v1/vantages/${name}`);
  const votes = problemIn(await remove("office"), 409, "vantage.conflict");
  assert.match(votes.detail, /office votes: .* Stop it first/);
  problemIn(await remove("home"), 409, "vantage.conflict");
  problemIn(await remove("nobody"), 404, "vantage.missing");
  clock.advance(91);
  assert.deepEqual((await remove("office")).body, { vantage: "office", left: 1, majority: 1 });
  assert.deepEqual(await stores.readVotes([athens], [office]), []);
  problemIn(await remove("office"), 404, "vantage.missing");
  const { body } = await call("GET", "/v1/events");
  assert.deepEqual(
    body.events.map(({ type, cause }: { type: string; cause: string }) => [type, cause]),
    [
      ["vantage.removed", "asked for by boss"],
      ["vantage.registered", "an agent with a token of this name voted for the first time"],
    ],
  );
  assert.equal((await vote(up)).status, 200);
  assert.equal((await stores.listVantages()).length, 2, "one that votes again is registered again");
});

test("a token learns its own name", async () => {
  const { call } = await scene();
  const { body } = await call("GET", "/v1/whoami", { token: "office-token" });
  assert.deepEqual(body, { name: "office", role: "vantage" });
});
