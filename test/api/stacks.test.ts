import assert from "node:assert/strict";
import test from "node:test";
import type { StackName } from "../../lib/stack/schema.ts";
import { problemIn, testApi } from "../support/api.ts";

const web = {
  count: 10,
  count_parameter: "instances",
  weights: { athens: 0.6, manchester: 0.2, oslo: 0.2 },
};
const known = { athens: "reachable", manchester: "reachable", oslo: "reachable" } as const;

async function declaredWeb(options: Parameters<typeof testApi>[0] = {}) {
  const api = testApi(options);
  await api.know(known);
  const created = await api.call("PUT", "/v1/stacks/web", { body: web });
  assert.equal(created.status, 201, created.text);
  return { ...api, created };
}

test("a PUT creates a stack with its defaults, an ETag and a Location", async () => {
  const { created } = await declaredWeb();
  assert.equal(created.headers.etag, '"1"');
  assert.equal(created.headers.location, "/v1/stacks/web");
  const { created_at, updated_at, ...rest } = created.body;
  assert.equal(created_at, updated_at);
  assert.deepEqual(rest, {
    ...web,
    stack_name: "web",
    generation: 1,
    policy: {
      failover: "even",
      order: "make_before_break",
      failback: "auto",
      evidence: "api_and_workload",
    },
    paused: false,
    partial: false,
    completed: true,
  });
});

test("a stack needs no weights", async () => {
  const { call } = testApi();
  const got = await call("PUT", "/v1/stacks/web", { body: { count: 3, count_parameter: "n" } });
  assert.equal(got.status, 201);
  assert.deepEqual([got.body.weights, got.body.completed], [{}, false]);
});

test("an identical PUT changes nothing and answers 200", async () => {
  const { call, created, stores } = await declaredWeb();
  const weights = { oslo: 0.2, manchester: 0.2, athens: 0.6 };
  const again = await call("PUT", "/v1/stacks/web", { body: { ...web, weights } });
  assert.equal(again.status, 200);
  assert.deepEqual(again.body, created.body);
  const { events } = await stores.listStackEvents("web" as StackName, { limit: 10 });
  assert.deepEqual(
    events.map(({ type }) => type),
    ["stack.declared"],
  );
});

test("a PUT replaces: what it leaves out gets its default again", async () => {
  const { call } = await declaredWeb();
  await call("PATCH", "/v1/stacks/web", { body: { paused: true, policy: { failback: "manual" } } });
  const got = await call("PUT", "/v1/stacks/web", { body: { count: 4, count_parameter: "m" } });
  assert.equal(got.status, 200);
  assert.equal(got.body.generation, 3);
  assert.deepEqual(
    [got.body.weights, got.body.paused, got.body.policy.failback, got.body.completed],
    [{}, false, "auto", true],
  );
});

test("a PATCH merges weights and policy, and null removes a cloud", async () => {
  const { call } = await declaredWeb();
  const got = await call("PATCH", "/v1/stacks/web", {
    body: { weights: { athens: 0.8, oslo: null }, policy: { order: "at_once" } },
  });
  assert.equal(got.status, 200, got.text);
  assert.equal(got.headers.etag, '"2"');
  assert.deepEqual(got.body.weights, { athens: 0.8, manchester: 0.2 });
  const policy = {
    failover: "even",
    order: "at_once",
    failback: "auto",
    evidence: "api_and_workload",
  };
  assert.deepEqual(got.body.policy, policy);
  assert.equal(got.body.count, 10);
  const nothing = await call("PATCH", "/v1/stacks/web", { body: {} });
  assert.equal(nothing.body.generation, 2);
});

test("preconditions: 412 unless the generation is the one named", async () => {
  const { call } = await declaredWeb();
  const put = (headers: Record<string, string>) =>
    call("PUT", "/v1/stacks/web", { body: { ...web, count: 11 }, headers });
  problemIn(await put({ "If-None-Match": "*" }), 412, "stack.changed");
  const stale = problemIn(await put({ "If-Match": '"7"' }), 412, "stack.changed");
  assert.match(stale.detail, /generation 1, not 7/);
  problemIn(await put({ "If-Match": 'W/"1"' }), 412, "stack.changed");
  problemIn(await put({ "If-Match": "1" }), 400, "request.invalid");
  problemIn(await put({ "If-None-Match": '"1"' }), 400, "request.invalid");
  assert.equal((await put({ "If-Match": '"7", "1"' })).body.generation, 2);
  assert.equal((await put({ "If-Match": "*" })).status, 200);
  const absent = await call("PUT", "/v1/stacks/new", {
    body: { ...web },
    headers: { "If-Match": "*" },
  });
  problemIn(absent, 412, "stack.changed");
  const fresh = await call("PUT", "/v1/stacks/new", {
    body: web,
    headers: { "If-None-Match": "*" },
  });
  assert.equal(fresh.status, 201);
  for (const [method, path, body] of [
    ["PATCH", "/v1/stacks/web", { count: 3 }],
    ["DELETE", "/v1/stacks/web", undefined],
    ["PUT", "/v1/stacks/web/weights/oslo", { weight: 0.1 }],
    ["DELETE", "/v1/stacks/web/weights/oslo", undefined],
    ["POST", "/v1/stacks/web/release", undefined],
  ] as const) {
    const got = await call(method, path, { body, headers: { "If-Match": '"1"' } });
    problemIn(got, 412, "stack.changed");
  }
});

test("concurrent writers all get their change in, each with a generation of its own", async () => {
  const { call } = await declaredWeb();
  const changes = [
    { count: 20 },
    { paused: true },
    { partial: true },
    { policy: { failover: "none" } },
    { policy: { failback: "manual" } },
  ];
  const got = await Promise.all(changes.map((body) => call("PATCH", "/v1/stacks/web", { body })));
  const generations = got.map(({ body }) => body.generation).sort();
  assert.deepEqual(generations, [2, 3, 4, 5, 6]);
  const { body } = await call("GET", "/v1/stacks/web");
  assert.deepEqual(
    [body.count, body.paused, body.partial, body.policy.failover, body.policy.failback],
    [20, true, true, "none", "manual"],
  );
});

test("of a cloud that nobody can see a DELETE says what may be left running, and why", async () => {
  const { call, know, settle } = testApi();
  await know({ athens: "reachable", oslo: "unreachable", bern: "unreachable" });
  const weights = { athens: 0.6, oslo: 0.2, bern: 0.2 };
  const witnesses = { bern: { tcp: "bern.example.org:443" } };
  await call("PUT", "/v1/stacks/web", { body: { ...web, weights, witnesses } });
  await settle("web", { athens: 6, oslo: 2, bern: 2 });
  const removed = await call("DELETE", "/v1/stacks/web/weights/oslo");
  const [oslo, ...others] = removed.body.left_running;
  const { reason, ...bounds } = oslo;
  assert.deepEqual([bounds, others], [{ cloud: "oslo", count: 2, in_place: 0, up_to: 2 }, []]);
  assert.match(reason, /^unreachable since 20/);
  await call("PATCH", "/v1/stacks/web", { body: { count_parameter: "another" } });
  const { left_running } = (await call("DELETE", "/v1/stacks/web")).body;
  const bern = left_running.find(({ cloud }: { cloud: string }) => cloud === "bern");
  assert.deepEqual([bern.count, bern.in_place, bern.up_to], [2, 0, undefined], "nobody knows");
  assert.match(bern.reason, /^control plane unreachable since/);
});

test("a DELETE says what is left running, and a re-created stack goes on from its generation", async () => {
  const { call, settle, stores } = await declaredWeb();
  await settle("web", { athens: 6, manchester: 2, oslo: 2 });
  const before = await stores.readStack("web" as StackName);
  const deleted = await call("DELETE", "/v1/stacks/web");
  assert.equal(deleted.status, 200);
  assert.equal(deleted.body.stack_name, "web");
  assert.deepEqual(
    deleted.body.left_running.toSorted((a: { cloud: string }, b: { cloud: string }) =>
      a.cloud < b.cloud ? -1 : 1,
    ),
    [
      { cloud: "athens", count: 6, in_place: 6, up_to: 6 },
      { cloud: "manchester", count: 2, in_place: 2, up_to: 2 },
      { cloud: "oslo", count: 2, in_place: 2, up_to: 2 },
    ],
  );
  problemIn(await call("GET", "/v1/stacks/web"), 404, "stack.missing");
  problemIn(await call("DELETE", "/v1/stacks/web"), 404, "stack.missing");
  problemIn(await call("PATCH", "/v1/stacks/web", { body: {} }), 404, "stack.missing");
  assert.deepEqual((await call("GET", "/v1/stacks")).body.stacks, []);
  const tombstone = await stores.readStack("web" as StackName);
  assert.ok(tombstone?.deleted_at && tombstone.expires_at);
  const days = (tombstone.expires_at * 1000 - Date.parse(tombstone.deleted_at)) / 86_400_000;
  assert.equal(Math.round(days), 30);
  assert.equal((await call("GET", "/v1/stacks/web/events")).status, 200);
  const again = await call("PUT", "/v1/stacks/web", { body: web });
  assert.equal(again.status, 201);
  assert.equal(again.body.generation, 3);
  const after = await stores.readStack("web" as StackName);
  assert.notEqual(after?.uid, before?.uid);
  assert.equal(after?.deleted_at, undefined);
  // The deleted stack's shares and conditions are none of the new one's.
  const shown = await call("GET", "/v1/stacks/web");
  assert.equal(shown.body.state, "converging");
  assert.equal(shown.body.observed_generation, undefined);
});

test("a stack is shown with its shares, totals and where it stands", async () => {
  const { call, settle, know } = await declaredWeb();
  const fresh = await call("GET", "/v1/stacks/web");
  assert.equal(fresh.headers.etag, '"1"');
  assert.equal(fresh.body.state, "converging");
  assert.deepEqual(fresh.body.totals, { desired: 0, in_place: 0 });
  assert.deepEqual(
    fresh.body.shares.map((share: { cloud: string }) => share.cloud),
    ["athens", "manchester", "oslo"],
  );
  await settle("web", { athens: 6, manchester: 2, oslo: 2 });
  const settled = await call("GET", "/v1/stacks/web");
  assert.equal(settled.body.state, "converged");
  assert.equal(settled.body.observed_generation, 1);
  assert.deepEqual(settled.body.totals, { desired: 10, in_place: 10, up_to: 10 });
  const [athens] = settled.body.shares;
  assert.deepEqual(
    [athens.weight, athens.desired, athens.seen.in_place, athens.verdict, athens.drained],
    [0.6, 6, 6, "reachable", false],
  );
  await know({ berlin: "reachable" });
  await call("PATCH", "/v1/stacks/web", { body: { count: 12 } });
  assert.equal((await call("GET", "/v1/stacks/web")).body.state, "converging");
  await call("PATCH", "/v1/stacks/web", { body: { paused: true } });
  assert.equal((await call("GET", "/v1/stacks/web")).body.state, "paused");
});

test("stacks are listed by name, in pages, with totals and state", async () => {
  const { call, settle, know } = testApi();
  await know(known);
  for (const name of ["c", "a", "b"]) {
    await call("PUT", `/v1/stacks/${name}`, { body: web });
  }
  await settle("b", { athens: 6, manchester: 2, oslo: 2 });
  const first = await call("GET", "/v1/stacks", { query: { limit: "2" } });
  assert.deepEqual(
    first.body.stacks.map((stack: { stack_name: string; state: string; totals: unknown }) => [
      stack.stack_name,
      stack.state,
      stack.totals,
    ]),
    [
      ["a", "converging", { desired: 0, in_place: 0 }],
      ["b", "converged", { desired: 10, in_place: 10, up_to: 10 }],
    ],
  );
  assert.equal(first.body.next, "b");
  const rest = await call("GET", "/v1/stacks", { query: { limit: "2", marker: "b" } });
  assert.deepEqual([rest.body.stacks.length, rest.body.next], [1, undefined]);
});

test("one weight is set and removed, and the answer says what keeps running", async () => {
  const { call, settle } = await declaredWeb();
  await settle("web", { athens: 6, manchester: 2, oslo: 2 });
  const less = await call("PUT", "/v1/stacks/web/weights/oslo", { body: { weight: 0.1 } });
  assert.deepEqual([less.body.weights.oslo, less.body.generation], [0.1, 2]);
  const gone = await call("DELETE", "/v1/stacks/web/weights/oslo");
  assert.deepEqual(gone.body.left_running, [{ cloud: "oslo", count: 2, in_place: 2, up_to: 2 }]);
  assert.deepEqual(gone.body.weights, { athens: 0.6, manchester: 0.2 });
  problemIn(await call("DELETE", "/v1/stacks/web/weights/oslo"), 404, "cloud.missing");
  const standby = await call("PUT", "/v1/stacks/web/weights/oslo", { body: { weight: 0 } });
  assert.equal(standby.body.weights.oslo, 0);
  problemIn(
    await call("PUT", "/v1/stacks/no/weights/oslo", { body: { weight: 0 } }),
    404,
    "stack.missing",
  );
});

test("reconcile wakes, release lets go, and both want a stack", async () => {
  const { call, stores } = await declaredWeb();
  const asked = await call("POST", "/v1/stacks/web/reconcile");
  assert.equal(asked.status, 202);
  const view = await stores.readStackView("web" as StackName);
  assert.equal(view.wake?.asked_at, asked.body.asked_at);
  const released = await call("POST", "/v1/stacks/web/release");
  assert.equal(released.body.generation, 2);
  assert.ok(released.body.released.at);
  const kept = await call("PUT", "/v1/stacks/web", { body: { ...web, count: 1 } });
  assert.deepEqual(kept.body.released, released.body.released);
  problemIn(await call("POST", "/v1/stacks/no/reconcile"), 404, "stack.missing");
  problemIn(await call("POST", "/v1/stacks/no/release"), 404, "stack.missing");
});

test("a release comes after the return that it answers, whosever clock is ahead", async () => {
  const now = new Date();
  const { call, stores } = await declaredWeb({ now: () => now });
  const [verdict] = await stores.listVerdicts();
  assert.ok(verdict);
  const ahead = new Date(now.getTime() + 4_000).toISOString();
  await stores.saveVerdict({ ...verdict, at: ahead, returned_at: ahead }, verdict.at, []);
  const { body } = await call("POST", "/v1/stacks/web/release");
  assert.equal(Date.parse(body.released.at), Date.parse(ahead) + 1);
});

test("every change is an event that says what changed, and who asked", async () => {
  const { call } = await declaredWeb();
  await call("PATCH", "/v1/stacks/web", { body: { count: 12, weights: { oslo: null } } });
  await call("DELETE", "/v1/stacks/web");
  const { body } = await call("GET", "/v1/stacks/web/events");
  assert.deepEqual(
    body.events.map((event: { type: string }) => event.type),
    ["stack.deleted", "stack.declared", "stack.declared"],
  );
  assert.match(body.events[1].message, /count 10 -> 12, oslo 0\.2 -> no weight/);
  assert.match(body.events[1].cause, /operator-1/);
});
