import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import test, { type TestContext } from "node:test";
import type { Context } from "aws-lambda";
import type { ApiEvent } from "../../lib/api/app.ts";
import { ApiError, client } from "../../lib/api/client.ts";
import { gatewayEvent, readBody, writeResult } from "../../lib/local/gateway.ts";
import { testApi, tokens } from "../support/api.ts";

async function serverOf(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The API's handler behind real HTTP, in the event shape that API Gateway makes. */
async function served(t: TestContext) {
  const api = testApi();
  await api.know({ athens: "reachable", oslo: "reachable" });
  const url = await serverOf(t, async (request, response) => {
    const body = await readBody(request);
    const event = gatewayEvent(request, body ?? Buffer.alloc(0)) as unknown as ApiEvent;
    writeResult(response, await api.handler(event, {} as Context));
  });
  return { ...api, url, client: client({ url: `${url}/`, token: ` ${tokens.operator}\n` }) };
}

async function errorOf(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => assert.fail("it was expected to fail"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ApiError, String(error));
  assert.doesNotMatch(`${error.message} ${error.stack} ${String(error.cause)}`, /op-secret/);
  return error;
}

test("the client makes every call of the contract, typed both ways", async (t) => {
  const { client, settle } = await served(t);
  const stack_name = "web";
  const body = { count: 10, count_parameter: "n", weights: { athens: 0.6, oslo: 0.4 } };
  const created = await client.putStack({ stack_name, body, ifNoneMatch: "*" });
  assert.equal(created.generation, 1);
  await settle("web", { athens: 6, oslo: 4 });
  const patched = await client.patchStack({ stack_name, body: { paused: true }, ifMatch: 1 });
  assert.equal(patched.paused, true);
  await client.putWeight({ stack_name, cloud: "oslo", body: { weight: 0.3 } });
  const removed = await client.deleteWeight({ stack_name, cloud: "oslo" });
  assert.deepEqual(removed.left_running, [{ cloud: "oslo", count: 4, in_place: 4, up_to: 4 }]);
  assert.equal((await client.getStack({ stack_name })).shares.length, 2);
  assert.equal((await client.listStacks({ query: { limit: 5 } })).stacks.length, 1);
  assert.equal((await client.planStack({ stack_name, body: { count: 3 } })).count, 3);
  assert.equal((await client.reconcileStack({ stack_name })).stack_name, "web");
  assert.ok((await client.releaseStack({ stack_name })).released);
  assert.ok((await client.listEvents()).events.length > 3);
  assert.ok((await client.listStackEvents({ stack_name, query: { limit: 1 } })).next);
  assert.equal((await client.listClouds()).clouds.length, 2);
  assert.equal((await client.patchCloud({ cloud: "oslo", body: { drained: true } })).drained, true);
  assert.equal((await client.getCloud({ cloud: "athens" })).shares.length, 1);
  assert.equal((await client.listCloudEvents({ cloud: "oslo" })).events.length, 1);
  assert.equal((await client.getOpenapi()).openapi, "3.1.0");
  assert.match(await client.getDocs(), /<html/);
  assert.equal((await client.getHealth()).status, "ok");
  assert.equal((await client.legacyList()).stacks.length, 1);
  assert.equal((await client.legacyGet({ stack_name })).count, 10);
  const legacy = { stack_name, ...body };
  assert.deepEqual((await client.legacyPut({ stack_name, body: legacy })).weights, body.weights);
  assert.equal(await client.legacyDelete({ stack_name }), undefined);
});

test("a problem becomes an error with its status, code, detail and fields", async (t) => {
  const { client } = await served(t);
  const body = { count: -1, count_parameter: "n" };
  const invalid = await errorOf(client.putStack({ stack_name: "web", body }));
  assert.deepEqual([invalid.status, invalid.code], [422, "stack.invalid"]);
  assert.deepEqual(invalid.fields, [{ pointer: "/count", message: "a count is at least 0" }]);
  assert.match(invalid.message, /count: a count is at least 0/);
  assert.ok(invalid.requestId);
  const missing = await errorOf(client.getStack({ stack_name: "no" }));
  assert.deepEqual([missing.status, missing.code], [404, "stack.missing"]);
  const legacy = await errorOf(client.legacyGet({ stack_name: "no" }));
  assert.deepEqual([legacy.status, legacy.message], [404, "Multicloud stack not found: no"]);
  const slash = await errorOf(client.getStack({ stack_name: "a/../b" }));
  assert.equal(slash.status, 400);
});

test("a token that is wrong is a 401, and never repeated", async (t) => {
  const { url } = await served(t);
  const error = await errorOf(client({ url, token: "op-secret-typo" }).listStacks());
  assert.equal(error.status, 401);
  assert.throws(() => client({ url, token: "op-secret\nx" }), {
    code: "options.invalid",
    message: /token has spaces/,
  });
});

test("a connection that fails is one sentence", async (t) => {
  const url = await serverOf(t, (request) => request.socket.destroy());
  const cut = await errorOf(client({ url, token: tokens.operator }).listStacks());
  assert.deepEqual([cut.status, cut.code], [0, "connection.failed"]);
  assert.match(
    cut.message,
    /^Heat Spreader at http:\/\/127\.0\.0\.1:\d+ cannot be reached: the connection was cut\.$/,
  );
  const refused = await errorOf(client({ url: "http://127.0.0.1:1" }).listStacks());
  assert.match(refused.message, /connection refused|bad port/);
  const nowhere = await errorOf(client({ url: "http://heat-spreader.invalid" }).listStacks());
  assert.equal(nowhere.code, "connection.failed");
});

test("an answer that does not come is given up on", async (t) => {
  const url = await serverOf(t, () => undefined);
  const error = await errorOf(client({ url, timeoutMs: 50 }).listStacks());
  assert.equal(error.code, "connection.timeout");
  assert.match(error.message, /did not answer within 0\.05 s/);
  const half = await serverOf(t, (_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write("{");
  });
  const stalled = await errorOf(client({ url: half, timeoutMs: 50 }).listStacks());
  assert.equal(stalled.code, "connection.timeout");
});

test("what is no API of ours is said to be none", async (t) => {
  const rows: [status: number, headers: Record<string, string>, body: string, says: RegExp][] = [
    [200, { "content-type": "text/html" }, "<html>", /not a Heat Spreader API/],
    [200, { "content-type": "application/json" }, "{}", /not a Heat Spreader API/],
    [302, { location: "http://elsewhere.invalid/" }, "", /not a Heat Spreader API/],
    [502, {}, "bad gateway", /HTTP 502/],
    [429, { "content-type": "application/json" }, '{"message":"Too Many Requests"}', /Too Many/],
  ];
  for (const [status, headers, body, says] of rows) {
    const url = await serverOf(t, (_, response) => response.writeHead(status, headers).end(body));
    const error = await errorOf(client({ url, token: tokens.operator }).listStacks());
    assert.equal(error.status, status);
    assert.match(error.message, says);
  }
});

test("a url that is none is refused without being repeated", () => {
  for (const url of ["", "localhost:8080", "ftp://x", "http://jo:op-secret@host"]) {
    assert.throws(
      () => client({ url }),
      (error: ApiError) => error.code === "options.invalid" && !error.message.includes("op-secret"),
    );
  }
});

test("the API may live below a path", async (t) => {
  const seen: string[] = [];
  const url = await serverOf(t, (request, response) => {
    seen.push(request.url ?? "");
    response.end('{"status":"ok"}');
  });
  await client({ url: `${url}/prod/` }).getHealth();
  await client({ url }).getHealth();
  assert.deepEqual(seen, ["/prod/v1/healthz", "/v1/healthz"]);
});

test("a path below which the API lives never names another host", async (t) => {
  const elsewhere: string[] = [];
  const other = await serverOf(t, (request, response) => {
    elsewhere.push(request.url ?? "");
    response.end();
  });
  const asked: string[] = [];
  const url = await serverOf(t, (request, response) => {
    asked.push(request.url ?? "");
    response.end('{"status": "ok"}');
  });
  const { host } = new URL(other);
  await client({ url: `${url}//${host}`, token: "op-secret" }).getHealth();
  assert.deepEqual([asked, elsewhere], [[`//${host}/v1/healthz`], []]);
});
