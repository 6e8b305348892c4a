import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Context } from "aws-lambda";
import { cloudTable } from "../../lib/table/clouds.ts";
import { apiEvent, defaultTokens, verdictOf } from "../support/api.ts";
import { openEmbeddedTable } from "../support/embedded-table.ts";

const { table, endpoint, tableName, close } = await openEmbeddedTable();
after(close);

process.env.AWS_ENDPOINT_URL_DYNAMODB = endpoint;
process.env.TABLE_NAME = tableName;
process.env.BUS_NAME = "nobody";
process.env.API_TOKENS = defaultTokens();
process.env.LOG_LEVEL = "CRITICAL";
const { handler } = await import("../../functions/api.ts");

async function call(method: string, path: string, body?: unknown) {
  const result = await handler(apiEvent(method, path, { body }), {} as Context);
  return { status: result.statusCode, body: result.body ? JSON.parse(result.body) : undefined };
}

test("the function that is deployed answers over a real DynamoDB", async () => {
  for (const cloud of ["athens", "oslo"]) {
    await cloudTable(table).saveVerdict(verdictOf(cloud, "reachable"), undefined, []);
  }
  const body = { count: 10, count_parameter: "n", weights: { athens: 0.6, oslo: 0.4 } };
  assert.equal((await call("PUT", "/v1/stacks/web", body)).status, 201);
  assert.equal((await call("PUT", "/v1/stacks/web", body)).status, 200);
  const shown = await call("GET", "/v1/stacks/web");
  assert.deepEqual([shown.body.generation, shown.body.state], [1, "converging"]);
  assert.equal((await call("GET", "/v1/stacks")).body.stacks.length, 1);
  assert.equal((await call("POST", "/v1/stacks/web/plan", { lost: ["oslo"] })).status, 200);
  assert.equal((await call("POST", "/v1/stacks/web/reconcile")).status, 202);
  assert.equal((await call("PATCH", "/v1/clouds/oslo", { drained: true })).body.drained, true);
  assert.equal((await call("GET", "/v1/clouds/athens")).body.shares.length, 1);
  assert.equal((await call("GET", "/v1/events")).body.events.length, 2);
  assert.equal((await call("DELETE", "/v1/stacks/web")).status, 200);
  assert.equal((await call("PUT", "/v1/stacks/web", body)).body.generation, 3);
});

test("writers at the same time lose nothing of each other", async () => {
  await call("PUT", "/v1/stacks/busy", { count: 1, count_parameter: "n" });
  const counts = [2, 3, 4, 5, 6, 7];
  const got = await Promise.all(counts.map((count) => call("PATCH", "/v1/stacks/busy", { count })));
  assert.deepEqual(
    got.map(({ body }) => body.generation).sort((a, b) => a - b),
    [2, 3, 4, 5, 6, 7],
  );
});
