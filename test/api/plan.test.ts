import assert from "node:assert/strict";
import test from "node:test";
import type { PlannedShare } from "../../lib/api/schema.ts";
import { problemIn, testApi, tokens } from "../support/api.ts";

const web = {
  count: 10,
  count_parameter: "n",
  weights: { athens: 0.6, manchester: 0.2, oslo: 0.2 },
};

async function settledWeb() {
  const api = testApi();
  await api.know({
    athens: "reachable",
    manchester: "reachable",
    oslo: "reachable",
    bern: "reachable",
  });
  await api.call("PUT", "/v1/stacks/web", { body: web });
  await api.settle("web", { athens: 6, manchester: 2, oslo: 2 });
  const plan = async (body: unknown) => {
    const got = await api.call("POST", "/v1/stacks/web/plan", { body, token: tokens.reader });
    assert.equal(got.status, 200, got.text);
    const steps = (got.body.clouds as PlannedShare[]).map(
      ({ cloud, from, to, order }) => `${cloud} ${from} -> ${to} ${order}`,
    );
    return { ...got.body, steps };
  };
  return { ...api, plan };
}

test("a plan of nothing changes nothing", async () => {
  const { plan } = await settledWeb();
  const { steps, possible, totals } = await plan({});
  assert.deepEqual(steps, ["athens 6 -> 6 none", "manchester 2 -> 2 none", "oslo 2 -> 2 none"]);
  assert.deepEqual([possible, totals], [true, { from: 10, to: 10 }]);
});

test("a lost cloud's share is dealt to the others: 6/2/2 -> 7/3/0", async () => {
  const { plan } = await settledWeb();
  const { steps, clouds, totals } = await plan({ lost: ["oslo"] });
  assert.deepEqual(steps, [
    "athens 6 -> 7 at_once",
    "manchester 2 -> 3 at_once",
    "oslo 2 -> 0 waits",
  ]);
  assert.match(clouds[2].why, /unreachable/);
  assert.deepEqual(totals, { from: 10, to: 10 });
});

test("a larger count goes up at once, a smaller one down as far as there is surplus", async () => {
  const { plan } = await settledWeb();
  assert.deepEqual((await plan({ count: 20 })).steps, [
    "athens 6 -> 12 at_once",
    "manchester 2 -> 4 at_once",
    "oslo 2 -> 4 at_once",
  ]);
  assert.deepEqual((await plan({ count: 5 })).steps, [
    "athens 6 -> 3 at_once",
    "manchester 2 -> 1 at_once",
    "oslo 2 -> 1 at_once",
  ]);
});

test("moving instances takes none before they are in place elsewhere, unless at once", async () => {
  const { plan } = await settledWeb();
  const weights = { athens: 0.2, manchester: 0.6 };
  const kept = await plan({ weights });
  assert.deepEqual(kept.steps, [
    "athens 6 -> 2 waits",
    "manchester 2 -> 6 at_once",
    "oslo 2 -> 2 none",
  ]);
  assert.match(kept.clouds[0].why, /in place elsewhere/);
  const broken = await plan({ weights, policy: { order: "at_once" } });
  assert.equal(broken.steps[0], "athens 6 -> 2 at_once");
});

test("a change and a loss together, a new cloud and one let go", async () => {
  const { plan } = await settledWeb();
  const { steps, clouds } = await plan({
    count: 20,
    weights: { oslo: null, bern: 0.2 },
    lost: ["athens"],
  });
  assert.deepEqual(
    steps.map((step: string) => step.replace(/ \w+$/, "")),
    ["athens 6 -> 0", "bern 0 -> 10", "manchester 2 -> 10", "oslo 2 -> 2"],
  );
  assert.match(clouds[3].why, /keeps what it has/);
});

test("with every cloud lost nothing would move, and the plan says so", async () => {
  const { plan } = await settledWeb();
  const { steps, possible, message } = await plan({ lost: ["athens", "manchester", "oslo"] });
  assert.equal(possible, false);
  assert.match(message, /none of its clouds is available/);
  assert.deepEqual(steps, ["athens 6 -> 6 none", "manchester 2 -> 2 none", "oslo 2 -> 2 none"]);
});

test("a drained cloud's instances move, a paused stack's wait", async () => {
  const { plan, call } = await settledWeb();
  await call("PATCH", "/v1/clouds/oslo", { body: { drained: true } });
  const drained = await plan({});
  assert.deepEqual(drained.steps, [
    "athens 6 -> 7 at_once",
    "manchester 2 -> 3 at_once",
    "oslo 2 -> 0 waits",
  ]);
  await call("PATCH", "/v1/stacks/web", { body: { paused: true } });
  const paused = await plan({ count: 20 });
  assert.match(paused.clouds[0].why, /paused/);
  assert.equal(paused.clouds[0].order, "waits");
});

test("a plan writes nothing, and refuses what the change itself would be refused", async () => {
  const { call, table, plan } = await settledWeb();
  const before = await table.query({ pk: "STACK" });
  await plan({ count: 3, lost: ["oslo"] });
  assert.deepEqual(await table.query({ pk: "STACK" }), before);
  const refused = (body: unknown) => call("POST", "/v1/stacks/web/plan", { body });
  const lost = problemIn(await refused({ lost: ["oslo", "paris"] }), 422, "stack.invalid");
  assert.equal(lost.errors?.[0]?.pointer, "/lost/1");
  problemIn(await refused({ weights: { paris: 0.1 } }), 422, "stack.invalid");
  problemIn(await refused({ weights: { athens: 0.7 } }), 422, "stack.invalid");
  problemIn(await refused({ paused: true }), 400, "request.invalid");
  problemIn(await refused({ lost: "oslo" }), 400, "request.invalid");
  problemIn(await call("POST", "/v1/stacks/no/plan", { body: {} }), 404, "stack.missing");
});
