import assert from "node:assert/strict";
import test from "node:test";
import { type CloudName, HOME, type VantageName, type Vote } from "../../lib/cloud/schema.ts";
import { problemIn, testApi, tokens, verdictOf } from "../support/api.ts";

const athens = "athens" as CloudName;

function voteOf(cloud: CloudName, latency_ms: number): Vote {
  const at = new Date().toISOString();
  return {
    cloud,
    vantage: "home" as VantageName,
    vote: "up",
    at,
    since: at,
    misses: 0,
    successes: 3,
    abstentions: 0,
    latency_ms,
    credential_hash: "0123456789abcdef",
  };
}

test("clouds are listed with their verdicts, votes and latency, without what belongs to the login", async () => {
  const { call, know, stores } = testApi();
  await know({ athens: "reachable", oslo: "unreachable" });
  const vote = voteOf(athens, 23);
  await stores.registerVantage({ vantage: vote.vantage, registered_at: vote.at }, []);
  await stores.saveVote(vote, undefined);
  const { body, text } = await call("GET", "/v1/clouds", { token: tokens.reader });
  assert.deepEqual(
    body.clouds.map((cloud: Record<string, unknown>) => [
      cloud.cloud,
      cloud.verdict,
      cloud.drained,
      cloud.latency_ms,
    ]),
    [
      ["athens", "reachable", false, 23],
      ["oslo", "unreachable", false, undefined],
    ],
  );
  assert.equal(body.clouds[0].votes[0].successes, 3);
  assert.doesNotMatch(text, /credential_hash|0123456789abcdef/);
});

test("a cloud is shown with the shares that stacks have there, in pages", async () => {
  const { call, know, settle } = testApi();
  await know({ athens: "reachable", oslo: "reachable" });
  const body = { count: 4, count_parameter: "n", weights: { athens: 1 } };
  for (const name of ["a", "b", "c"]) await call("PUT", `/v1/stacks/${name}`, { body });
  await call("PUT", "/v1/stacks/other", { body: { ...body, weights: { oslo: 1 } } });
  await settle("b", { athens: 4 });
  const first = await call("GET", "/v1/clouds/athens", { query: { limit: "2" } });
  assert.deepEqual(
    first.body.shares.map((share: Record<string, unknown>) => [
      share.stack_name,
      share.weight,
      share.desired,
      share.verdict,
    ]),
    [
      ["a", 1, undefined, "reachable"],
      ["b", 1, 4, "reachable"],
    ],
  );
  assert.equal(first.body.shares[1].seen.in_place, 4);
  assert.equal(first.body.next, "b");
  const rest = await call("GET", "/v1/clouds/athens", { query: { marker: "b" } });
  assert.deepEqual([rest.body.shares.length, rest.body.next], [1, undefined]);
});

test("a cloud is shown with what each vantage sees of it, and what comes next", async () => {
  const { call, know, stores } = testApi();
  await know({ athens: "reachable" });
  const vantage = "home" as VantageName;
  await stores.registerVantage({ vantage, registered_at: new Date().toISOString() }, []);
  const fault = { class: "path", code: "refused", message: "nothing listens" } as const;
  const vote = { ...voteOf(athens, 1), vote: "silent", misses: 2, successes: 0, fault } as const;
  await stores.saveVote(vote, undefined);
  const { outlook } = (await call("GET", "/v1/clouds/athens")).body;
  assert.match(outlook.seen[0], /^home has heard nothing since .*: 2 of 3 misses \(refused: noth/);
  assert.match(outlook.next[1], /^It becomes unreachable at .* needs 1 more of 3 misses from home/);
});

test("a vote is shown as fresh or not by the API's clock", async () => {
  const now = new Date("2040-01-01T12:00:00.000Z");
  const { call, know, stores } = testApi({ now: () => now });
  await know({ athens: "reachable" });
  const ago = (ms: number) => new Date(now.getTime() - ms).toISOString();
  const votes: [string, number][] = [
    ["home", 90_000],
    ["office", 90_001],
  ];
  for (const [vantage, age] of votes) {
    const vote = { ...voteOf(athens, 1), vantage: vantage as VantageName, at: ago(age) };
    await stores.registerVantage({ vantage: vote.vantage, registered_at: vote.at }, []);
    await stores.saveVote(vote, undefined);
  }
  const { body } = await call("GET", "/v1/clouds/athens");
  assert.deepEqual(
    body.votes.map((vote: Record<string, unknown>) => [vote.vantage, vote.fresh]),
    [
      ["home", true],
      ["office", false],
    ],
  );
});

test("a cloud that nobody knows is a 404 naming those there are", async () => {
  const { call, know } = testApi();
  await know({ athens: "reachable" });
  for (const [method, path] of [
    ["GET", "/v1/clouds/paris"],
    ["PATCH", "/v1/clouds/paris"],
    ["GET", "/v1/clouds/paris/events"],
  ] as const) {
    const body = method === "PATCH" ? { drained: true } : undefined;
    const problem = problemIn(await call(method, path, { body }), 404, "cloud.missing");
    assert.match(problem.detail, /there are athens/);
  }
});

test("a cloud is drained and undrained, each an event; the same again is none", async () => {
  const { call, know, stores } = testApi();
  await know({ athens: "reachable" });
  const drain = (drained: boolean) => call("PATCH", "/v1/clouds/athens", { body: { drained } });
  assert.equal((await drain(true)).body.drained, true);
  const first = await stores.readOrders(athens);
  assert.equal((await drain(true)).body.drained, true);
  assert.deepEqual(await stores.readOrders(athens), first);
  assert.equal((await drain(false)).body.drained, false);
  assert.ok(((await stores.readOrders(athens))?.at ?? "") > (first?.at ?? ""));
  assert.equal((await call("PATCH", "/v1/clouds/athens", { body: {} })).status, 200);
  const { body } = await call("GET", "/v1/clouds/athens/events");
  assert.deepEqual(
    body.events.map((event: { message: string }) => event.message),
    ["athens is no longer drained", "athens is drained"],
  );
  assert.match(body.events[0].cause, /operator-1/);
});

test("the last available cloud of any stack is not drained, and the stacks are named", async () => {
  const { call, know, stores } = testApi();
  await know({ athens: "reachable", oslo: "reachable", bern: "unreachable", rome: "unknown" });
  const declare = (name: string, weights: Record<string, number>, count = 4) =>
    call("PUT", `/v1/stacks/${name}`, { body: { count, count_parameter: "n", weights } });
  await declare("web", { athens: 0.5, oslo: 0.5 });
  await declare("lonely", { athens: 1 });
  await declare("beside-the-lost", { athens: 0.5, bern: 0.3, rome: 0.2 });
  await declare("empty", { athens: 1 }, 0);
  await declare("elsewhere", { oslo: 1 });
  const drain = (cloud: string, drained = true) =>
    call("PATCH", `/v1/clouds/${cloud}`, { body: { drained } });
  const refusal = problemIn(await drain("athens"), 409, "cloud.conflict");
  assert.match(
    refusal.detail,
    /athens is not drained: no other cloud of beside-the-lost, lonely can take over \(bern is unreachable, rome is not judged yet\)/,
  );
  assert.equal(await stores.readOrders(athens), undefined, "nothing was written");
  await declare("lonely", { athens: 1, oslo: 0 });
  await declare("beside-the-lost", { athens: 0.5, bern: 0.3, oslo: 0.2 });
  assert.equal((await drain("athens")).status, 200);
  const last = problemIn(await drain("oslo"), 409, "cloud.conflict");
  assert.match(last.detail, /beside-the-lost, elsewhere, lonely, web/);
  await drain("athens", false);
  await declare("elsewhere", { oslo: 0.5, athens: 0.5 });
  assert.equal((await drain("oslo")).status, 200, "a standby takes over as well");
});

test("of the last two clouds drained at the same time, one stays", async () => {
  for (let round = 0; round < 20; round += 1) {
    const { call, know, stores } = testApi();
    await know({ athens: "reachable", oslo: "reachable" });
    const weights = { athens: 0.5, oslo: 0.5 };
    await call("PUT", "/v1/stacks/web", { body: { count: 4, count_parameter: "n", weights } });
    const statuses = await Promise.all(
      ["athens", "oslo"].map(
        async (cloud) =>
          (await call("PATCH", `/v1/clouds/${cloud}`, { body: { drained: true } })).status,
      ),
    );
    assert.deepEqual(statuses.sort(), [200, 409]);
    const orders = await stores.listOrders();
    assert.equal(orders.filter(({ drained }) => drained).length, 1);
  }
});

test("only a suspicion can be answered, and an answer is for that one only", async () => {
  const { call, know, stores } = testApi();
  await know({ athens: "suspected", oslo: "reachable", bern: "unknown" });
  const answer = (cloud: string, suspicion: string) =>
    call("PATCH", `/v1/clouds/${cloud}`, { body: { suspicion } });
  const reachable = problemIn(await answer("oslo", "confirmed"), 409, "cloud.conflict");
  assert.match(reachable.detail, /oslo is not suspected; it is reachable/);
  problemIn(await answer("bern", "refuted"), 409, "cloud.conflict");
  const since = (await stores.readVerdict(athens))?.since;
  const confirmed = await answer("athens", "confirmed");
  assert.equal(confirmed.body.confirmed.since, since);
  const again = await answer("athens", "confirmed");
  assert.deepEqual(again.body.confirmed, confirmed.body.confirmed);
  const refuted = await answer("athens", "refuted");
  assert.deepEqual([refuted.body.refuted.since, refuted.body.confirmed], [since, undefined]);
  const wrong = await answer("athens", "maybe");
  assert.match(problemIn(wrong, 422, "cloud.invalid").detail, /confirmed/);
  problemIn(
    await call("PATCH", "/v1/clouds/athens", { body: { drained: 1 } }),
    400,
    "request.invalid",
  );
});

test("a refutation comes after every vote there was, whosever clock is ahead", async () => {
  const now = new Date();
  const { call, know, stores } = testApi({ now: () => now });
  await know({ athens: "suspected", oslo: "reachable" });
  const ahead = new Date(now.getTime() + 4_000).toISOString();
  const silent = { cloud: athens, vantage: HOME, vote: "silent" as const, at: ahead, since: ahead };
  await stores.saveVote({ ...silent, misses: 3, successes: 0, abstentions: 0 }, undefined);
  const { body } = await call("PATCH", "/v1/clouds/athens", { body: { suspicion: "refuted" } });
  assert.equal(Date.parse(body.refuted.at), Date.parse(ahead) + 1);
});

test("two orders at once both come through, each with a time of its own", async () => {
  const now = new Date();
  const { call, know, stores } = testApi({ now: () => now });
  await know({ athens: "suspected" });
  await Promise.all([
    call("PATCH", "/v1/clouds/athens", { body: { drained: true } }),
    call("PATCH", "/v1/clouds/athens", { body: { suspicion: "refuted" } }),
  ]);
  const orders = await stores.readOrders(athens);
  assert.ok(orders?.drained && orders.refuted);
  assert.equal(Date.parse(orders.at), now.getTime() + 1);
});

test("events are listed newest first, in pages, since a time", async () => {
  const { call, know } = testApi();
  await know({ athens: "reachable" });
  const body = { count: 1, count_parameter: "n" };
  for (const name of ["a", "b", "c"]) await call("PUT", `/v1/stacks/${name}`, { body });
  const started = new Date(Date.now() - 1000).toISOString();
  const first = await call("GET", "/v1/events", { query: { limit: "2", since: started } });
  const second = await call("GET", "/v1/events", {
    query: { limit: "2", since: started, marker: first.body.next },
  });
  const names = [...first.body.events, ...second.body.events].map((event) => event.stack_name);
  assert.deepEqual(names, ["c", "b", "a"]);
  assert.equal(second.body.next, undefined);
  const offset = { since: "2199-01-01T00:00:00+02:00" };
  assert.deepEqual((await call("GET", "/v1/events", { query: offset })).body.events, []);
  const future = { marker: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ" };
  assert.equal((await call("GET", "/v1/events", { query: future })).body.events.length, 3);
  problemIn(await call("GET", "/v1/stacks/none/events"), 404, "stack.missing");
  assert.equal(verdictOf("x", "reachable").verdict, "reachable");
});
