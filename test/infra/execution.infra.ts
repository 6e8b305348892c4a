import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { emptyHome, run } from "../support/cli.ts";
import { covers, lambdasOwn } from "./lambda/grants.ts";
import { quick, scene } from "./lambda/scene.ts";

/**
 * The packages of production as SST would upload them, each under AWS's own runtime client, driven
 * with the events that AWS sends; behind them the planned table, clouds over HTTP, and IAM.
 */
const production = await scene("production");
after(production.stop);
const { api, minute, deliver, counts, cloud } = production;

const web = "/v1/stacks/web";
const weights = { athens: 0.6, manchester: 0.2, stockholm: 0.2 };

async function verdictOn(name: string): Promise<string> {
  return (await api("GET", `/v1/clouds/${name}`)).body.verdict;
}

/** As many minutes as it takes, four at the most. */
async function minutesUntil(isThere: () => Promise<boolean>): Promise<void> {
  for (let minutes = 0; minutes < 4 && !(await isThere()); minutes += 1) {
    await minute();
    assert.deepEqual(await deliver(), []);
  }
  assert.ok(await isThere());
}

test("the schedule's event has the probe find every cloud", async () => {
  await minute();
  assert.deepEqual(await deliver(), []);
  const { body } = await api("GET", "/v1/clouds");
  const verdicts = body.clouds.map((each: Record<string, string>) => [each.cloud, each.verdict]);
  assert.deepEqual(verdicts, [
    ["athens", "reachable"],
    ["manchester", "reachable"],
    ["stockholm", "reachable"],
  ]);
});

test("a minute that comes more than a minute late is left out", async () => {
  const before = production.calls.length;
  await minute({ startedMsAgo: 121_000 });
  assert.equal(production.calls.length, before);
});

test("a stack put through the API reaches every cloud through its stream record", async () => {
  const body = { count: 10, count_parameter: "count", weights };
  assert.equal((await api("PUT", web, { body })).status, 201);
  assert.deepEqual(counts("web"), { athens: 1, manchester: 1, stockholm: 1 });
  assert.deepEqual(await deliver(), []);
  assert.deepEqual(counts("web"), { athens: 6, manchester: 2, stockholm: 2 });
  await minutesUntil(async () => (await api("GET", web)).body.state === "converged");
});

test("the probe sees a cloud die, its share moves, and comes back with it", async () => {
  await cloud("stockholm").down();
  await minutesUntil(async () => (await verdictOn("stockholm")) === "unreachable");
  const { athens, manchester } = counts("web");
  assert.deepEqual({ athens, manchester }, { athens: 7, manchester: 3 });
  await cloud("stockholm").up();
  await minutesUntil(async () => (await verdictOn("stockholm")) === "reachable");
  await minutesUntil(async () => (await api("GET", web)).body.state === "converged");
  assert.deepEqual(counts("web"), { athens: 6, manchester: 2, stockholm: 2 });
});

test("a cloud whose Heat alone is lost keeps its share, and one whose workload is silent as well does not", async () => {
  const workload = createServer((_, response) => response.end());
  await once(workload.listen(0, "127.0.0.1"), "listening");
  const { port } = workload.address() as AddressInfo;
  const witness = { url: `http://127.0.0.1:${port}/` };
  const named = await api("PATCH", web, { body: { witnesses: { stockholm: witness } } });
  assert.equal(named.status, 200);
  await cloud("stockholm").down();
  await minutesUntil(async () => (await verdictOn("stockholm")) === "unreachable");
  await minutesUntil(async () =>
    /workload answers/.test(JSON.stringify((await api("GET", web)).body)),
  );
  assert.deepEqual(counts("web"), { athens: 6, manchester: 2, stockholm: 2 });
  workload.closeAllConnections();
  workload.close();
  await minutesUntil(async () => counts("web").athens === 7);
  await cloud("stockholm").up();
  await minutesUntil(async () => (await verdictOn("stockholm")) === "reachable");
  await minutesUntil(async () => (await api("GET", web)).body.state === "converged");
  const none = { witnesses: { stockholm: null } };
  assert.equal((await api("PATCH", web, { body: none })).status, 200);
  assert.deepEqual(await deliver(), []);
});

test("of an event the API tells what the verdict rested on, and the story of it", async () => {
  const { body } = await api("GET", "/v1/clouds/stockholm/events");
  const lost = body.events.find(({ type }: { type: string }) => type === "cloud.unreachable");
  const told = await api("GET", `/v1/events/${lost.id}`);
  assert.equal(told.status, 200);
  assert.equal(told.body.evidence.of, "verdict");
  assert.deepEqual(
    told.body.evidence.votes.map(({ vantage, vote }: Record<string, string>) => [vantage, vote]),
    [["home", "silent"]],
  );
  assert.ok(told.body.explanation.length > 0);
  const [fact] = production.facts().filter(({ id }) => id === lost.id);
  assert.ok(fact && fact.evidence === undefined);
});

test("every event of the table is announced on the bus", async () => {
  const { body } = await api("GET", "/v1/events", { query: { limit: "100" } });
  const kept: { id: string; type: string }[] = body.events;
  const types = new Set(kept.map(({ type }) => type));
  for (const type of ["stack.declared", "stack.reallocated", "cloud.unreachable"]) {
    assert.ok(types.has(type), `no ${type} among ${[...types]}`);
  }
  const announced = production.facts().map(({ id }) => id);
  assert.deepEqual(announced.sort(), kept.map(({ id }) => id).sort());
});

test("a record that got lost is made up for by the next minute", async () => {
  await api("PATCH", web, { body: { count: 20 } });
  const lost = await production.newRecords();
  assert.equal(lost.flat().length, 2);
  await minutesUntil(async () => counts("web").athens === 12);
});

test("what a person orders is done, and what the API is asked it tells", async () => {
  const ordered = await api("PATCH", "/v1/clouds/manchester", { body: { drained: true } });
  assert.deepEqual([ordered.status, ordered.body.drained], [200, true]);
  await minutesUntil(async () => counts("web").manchester === 0);
  const planned = await api("POST", `${web}/plan`, { body: { lost: ["athens"] } });
  assert.equal(planned.body.totals.to, 20);
  assert.equal((await api("POST", `${web}/reconcile`)).status, 202);
  assert.deepEqual(await deliver(), []);
  assert.equal((await api("GET", "/v1/stacks")).body.stacks.length, 1);
});

test("records whose facts the bus does not take come again, and only they", async () => {
  await api("PUT", "/v1/stacks/shop", { body: { count: 10, count_parameter: "count", weights } });
  production.outages.add("events");
  const [records = []] = await production.newRecords();
  const failed = await production.reconcile(records);
  const ofEvents = records.filter(({ dynamodb }) => dynamodb?.Keys?.sk?.S?.startsWith("EVENT#"));
  assert.deepEqual(
    failed,
    ofEvents.map(({ dynamodb }) => dynamodb?.SequenceNumber),
  );
  assert.equal(counts("shop").athens, 7);
  production.outages.delete("events");
  assert.deepEqual(await production.reconcile(ofEvents), []);
  assert.ok(production.facts().some(({ stack_name }) => stack_name === "shop"));
});

test("a token that is not known, and one that only reads, are refused", async () => {
  const body = { count: 1 };
  assert.equal((await api("PATCH", web, { token: "guessed", body })).status, 401);
  const claims = { sub: "auditor", role: "reader" };
  const asked = { token: "verified-by-api-gateway", claims };
  assert.equal((await api("GET", web, asked)).status, 200);
  assert.equal((await api("PATCH", web, { ...asked, body })).status, 403);
});

test("the command line logs in to the deployment, and shows what is there", async (t) => {
  const home = await emptyHome(t);
  const { url, token } = production;
  const login = await run(["login", url], { home, stdin: token });
  assert.equal(login.stdout, `Logged in to ${url} as suite, with the role operator.\n`);
  const { stdout } = await run(["list", "--json"], { home });
  const stacks: { stack_name: string }[] = JSON.parse(stdout).stacks;
  assert.deepEqual(
    stacks.map(({ stack_name }) => stack_name),
    ["shop", "web"],
  );
});

test("an agent votes under its own name, does nothing else, and is removed once it is silent", async () => {
  const { agentToken: token } = production;
  // Too old to be fresh: an agent that votes cannot be removed.
  const body = { vote: "up", latency_ms: 20, age_ms: 90_000 };
  const votes = "/v1/clouds/athens/votes";
  assert.equal((await api("PUT", `${votes}/office`, { token, body })).status, 200);
  for (const name of ["home", "us-east-1"]) {
    assert.equal((await api("PUT", `${votes}/${name}`, { token, body })).status, 403, name);
  }
  assert.equal((await api("GET", web, { token })).status, 403);
  assert.equal((await api("PUT", `${votes}/office`, { body })).status, 403);
  const { vantages, majority } = (await api("GET", "/v1/vantages")).body;
  const known = vantages.map(({ vantage, kind }: Record<string, string>) => [vantage, kind]);
  assert.deepEqual(known, [
    ["home", "function"],
    ["office", "agent"],
  ]);
  assert.equal(majority, 2);
  assert.equal((await api("DELETE", "/v1/vantages/home")).status, 409);
  const removed = await api("DELETE", "/v1/vantages/office");
  assert.deepEqual(
    [removed.status, removed.body],
    [200, { vantage: "office", left: 1, majority: 1 }],
  );
  assert.equal((await api("GET", "/v1/vantages")).body.vantages.length, 1);
  assert.deepEqual(await deliver(), []);
  const types = production.facts().flatMap(({ type, vantage }) => (vantage ? [type] : []));
  assert.deepEqual(types, ["vantage.registered", "vantage.removed"]);
});

test("a further vantage votes into the home region's table, and judges nothing", async () => {
  const abroad = await production.start("ProbeUsEast1", {
    scenario: "everything",
    secrets: production.secrets,
    environment: { ...quick, CLOUDS: undefined },
  });
  const before = (await api("GET", "/v1/clouds/athens")).body;
  await minute({ probe: abroad });
  const { votes, at } = (await api("GET", "/v1/clouds/athens")).body;
  const cast = votes.map(({ vantage, vote }: Record<string, string>) => [vantage, vote]);
  assert.deepEqual(cast.sort(), [
    ["home", "up"],
    ["us-east-1", "up"],
  ]);
  assert.equal(at, before.at);
});

test("what is no longer declared is let go of", async () => {
  assert.equal((await api("DELETE", `${web}/weights/manchester`)).status, 200);
  assert.equal((await api("DELETE", "/v1/stacks/shop")).status, 200);
  await minutesUntil(async () => (await api("GET", web)).body.shares.length === 2);
  const left = (await api("GET", web)).body.shares;
  assert.deepEqual(
    left.map((share: { cloud: string }) => share.cloud),
    ["athens", "stockholm"],
  );
  const { cloudsYaml, secrets } = production;
  const CloudsYaml = cloudsYaml("athens", "stockholm");
  const redeployed = await production.start("Probe", {
    secrets: { ...secrets, CloudsYaml },
    environment: quick,
  });
  await minute({ probe: redeployed });
  assert.deepEqual(await deliver(), []);
  assert.equal((await api("GET", "/v1/clouds/manchester")).status, 404);
});

test("every call to AWS was granted, and every grant was used", () => {
  assert.deepEqual(production.refusals, []);
  const { calls } = production;
  const unused = production.grants.filter(
    (grant) => !lambdasOwn.has(grant.action) && !calls.some((call) => covers(grant, call)),
  );
  assert.deepEqual(unused, []);
});
