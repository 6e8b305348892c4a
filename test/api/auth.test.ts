import assert from "node:assert/strict";
import test from "node:test";
import { tokenEntries } from "../../lib/api/auth.ts";
import { contract } from "../../lib/api/contract.ts";
import type { Endpoint } from "../../lib/api/endpoint.ts";
import { apiEvent, problemIn, sha256, testApi, tokens } from "../support/api.ts";

const endpoints = Object.entries(contract as Record<string, Endpoint>);

for (const [name, { method, path, role }] of endpoints) {
  test(`${name} is for ${role === "none" ? "everybody" : role}`, async () => {
    const { call } = testApi();
    const at = path
      .replace("{stack_name}", "web")
      .replace("{cloud}", "athens")
      .replace("{vantage}", "vantage-1");
    const statuses = new Map<string, number>();
    for (const token of [null, "wrong", tokens.vantage, tokens.reader, tokens.operator]) {
      statuses.set(String(token), (await call(method, at, { token })).status);
    }
    const isIn = (token: string | null) => ![401, 403].includes(statuses.get(String(token)) ?? 0);
    assert.deepEqual([null, "wrong"].map(isIn), Array(2).fill(role === "none"));
    const isForAll = role === "none" || role === "anybody";
    assert.equal(isIn(tokens.vantage), isForAll || role === "vantage");
    assert.equal(isIn(tokens.reader), isForAll || role === "reader");
    assert.equal(isIn(tokens.operator), role !== "vantage", "people do not vote");
  });
}

test("without a token that is known: 401, saying how to bring one", async () => {
  const { call } = testApi();
  const rows = [
    {},
    { Authorization: "" },
    { Authorization: "Bearer" },
    { Authorization: "Bearer " },
    { Authorization: `Basic ${tokens.operator}` },
    { Authorization: tokens.operator },
    { Authorization: `Bearer ${tokens.operator} x` },
    { Authorization: `Bearer ${sha256(tokens.operator)}` },
  ];
  for (const headers of rows) {
    const got = await call("GET", "/v1/stacks", { token: null, headers });
    problemIn(got, 401, "request.unauthorized");
    assert.match(got.headers["www-authenticate"] ?? "", /^Bearer/);
  }
  const lower = await call("GET", "/v1/stacks", {
    token: null,
    headers: { authorization: `bearer ${tokens.reader}` },
  });
  assert.equal(lower.status, 200);
});

test("a role that is not enough is told which one is", async () => {
  const { call } = testApi();
  const got = await call("DELETE", "/v1/stacks/web", { token: tokens.reader });
  assert.match(problemIn(got, 403, "request.forbidden").detail, /needs the role operator.*reader/);
});

test("no token configured: nobody gets in", async () => {
  const { call } = testApi({ apiTokens: "" });
  for (const token of [null, "", tokens.operator, "undefined"]) {
    problemIn(await call("GET", "/v1/stacks", { token }), 401, "request.unauthorized");
  }
  assert.equal((await call("GET", "/v1/healthz", { token: null })).status, 200);
});

test("a JWT authorizer's claims give a role where no token matches", async () => {
  const { call } = testApi({ apiTokens: "" });
  const get = (
    claims: Record<string, unknown>,
    token: string | null = "header.payload.signature",
  ) => call("GET", "/v1/stacks", { claims, token });
  assert.equal((await get({ sub: "jo", role: "reader" })).status, 200);
  assert.equal((await get({ sub: "jo", role: "[viewer operator]" })).status, 200);
  assert.equal((await get({ role: ["reader"] })).status, 200);
  problemIn(await get({ role: "admin" }), 401, "request.unauthorized");
  problemIn(await get({ role: "nooperator" }), 401, "request.unauthorized");
  problemIn(await get({ sub: "operator" }), 401, "request.unauthorized");
  problemIn(await get({ role: "operator" }, null), 401, "request.unauthorized");
  problemIn(await get({ role: "vantage" }), 403, "request.forbidden");
  const both = testApi();
  const read = { claims: { role: "operator" }, token: tokens.reader };
  problemIn(await both.call("DELETE", "/v1/stacks/web", read), 403, "request.forbidden");
});

test("an entry of API_TOKENS that is none stops the function, by its place and not by its content", () => {
  const hash = sha256("x");
  const good = `a:reader:${hash}`;
  assert.equal(tokenEntries(` ${good},\n b:operator:${hash.toUpperCase()} `).length, 2);
  for (const bad of [
    `a:admin:${hash}`,
    "secret-token",
    `a:reader:${hash}0`,
    "a:reader:",
    `:reader:${hash}`,
  ]) {
    assert.throws(
      () => tokenEntries(`${good},${bad}`),
      (error: Error) => /Entry 2 /.test(error.message) && !error.message.includes(bad),
    );
  }
});

test("a read that succeeds is logged for who debugs only", async () => {
  const api = testApi();
  await api.call("GET", "/v1/stacks");
  await api.call("HEAD", "/v1/stacks");
  await api.call("GET", "/v1/stacks/none");
  const levels = api.lines.map(({ level, status }) => [level, status]);
  assert.deepEqual(levels, [
    ["DEBUG", 200],
    ["DEBUG", 200],
    ["INFO", 404],
  ]);
});

test("each request is logged once with its id and who asked, without body or token", async () => {
  const { handler, lines } = testApi();
  const body = { count: 1, count_parameter: "very-private" };
  await handler(apiEvent("PUT", "/v1/stacks/web", { body }), {} as never);
  await handler(apiEvent("GET", "/v1/stacks", { token: "stolen-token" }), {} as never);
  assert.deepEqual(
    lines.map(({ message, request_id, method, path, status, who, endpoint }) => ({
      message,
      request_id,
      method,
      path,
      status,
      who,
      endpoint,
    })),
    [
      {
        message: "request answered",
        request_id: "request-1",
        method: "PUT",
        path: "/v1/stacks/web",
        status: 201,
        who: "operator-1",
        endpoint: "putStack",
      },
      {
        message: "request answered",
        request_id: "request-1",
        method: "GET",
        path: "/v1/stacks",
        status: 401,
        who: undefined,
        endpoint: "listStacks",
      },
    ],
  );
  assert.doesNotMatch(JSON.stringify(lines), /very-private|stolen-token|op-secret/);
});

test("every answer has its request's id and the headers of an API that nobody frames or sniffs", async () => {
  const { call } = testApi();
  for (const path of ["/v1/stacks", "/v1/none", "/v1/docs", "/multicloudstack"]) {
    const { headers } = await call("GET", path);
    assert.equal(headers["x-request-id"], "request-1");
    assert.match(headers["content-security-policy"] ?? "", /default-src 'none'/);
    const lower = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    assert.equal(lower["x-content-type-options"], "nosniff");
    assert.ok(lower["strict-transport-security"]);
  }
});
