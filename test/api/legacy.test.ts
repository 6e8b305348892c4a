import assert from "node:assert/strict";
import test from "node:test";
import { testApi, tokens } from "../support/api.ts";

const web = {
  stack_name: "web",
  count: 10,
  count_parameter: "n",
  weights: { athens: 0.6, oslo: 0.4 },
};

async function api() {
  const api = testApi();
  await api.know({ athens: "reachable", oslo: "reachable" });
  const put = (body: unknown, name = "web") =>
    api.call("PUT", `/multicloudstack/${name}`, { body });
  return { ...api, put };
}

test("the original's calls answer with its four keys and status codes", async () => {
  const { call, put } = await api();
  assert.deepEqual((await call("GET", "/multicloudstack")).body, { stacks: [] });
  const created = await put(web);
  assert.deepEqual([created.status, created.body], [200, web]);
  assert.equal(created.headers["content-type"], "application/json");
  assert.deepEqual((await call("GET", "/multicloudstack/web")).body, web);
  assert.deepEqual((await call("GET", "/multicloudstack")).body, { stacks: [web] });
  const changed = { ...web, count: 12 };
  assert.deepEqual((await put(changed)).body, changed);
  const deleted = await call("DELETE", "/multicloudstack/web");
  assert.deepEqual([deleted.status, deleted.text], [200, ""]);
  assert.deepEqual((await call("GET", "/multicloudstack")).body, { stacks: [] });
});

test("an unknown stack is a 404 with an error", async () => {
  const { call } = await api();
  for (const method of ["GET", "DELETE"]) {
    for (const name of ["web", "a%20b", "__proto__"]) {
      const got = await call(method, `/multicloudstack/${name}`);
      assert.equal(got.status, 404);
      assert.deepEqual(got.body, {
        error: `Multicloud stack not found: ${decodeURIComponent(name)}`,
      });
    }
  }
});

test("another name in the body than in the path is a 409", async () => {
  const { put, table } = await api();
  const got = await put(web, "other");
  assert.equal(got.status, 409);
  assert.match(got.body.error, /web.*other/);
  assert.deepEqual(await table.query({ pk: "STACK" }), []);
});

test("numbers may come as text, as marshmallow took them", async () => {
  const { put } = await api();
  const got = await put({ ...web, count: "5", weights: { athens: "0.5", oslo: "0.5" } });
  assert.deepEqual(got.body, { ...web, count: 5, weights: { athens: 0.5, oslo: 0.5 } });
});

test("what is invalid is a 422 with an error, and nothing is written", async () => {
  const { put, table } = await api();
  const rows: unknown[] = [
    {},
    null,
    [],
    { ...web, count: -1 },
    { ...web, count: 1.5 },
    { ...web, count: "abc" },
    { ...web, count: "" },
    { ...web, count: true },
    { ...web, count_parameter: 7 },
    { ...web, weights: undefined },
    { ...web, weights: { athens: 0.6, oslo: 0.6 } },
    { ...web, weights: { athens: "NaN" } },
    { ...web, weights: { athens: 1.1 } },
    { ...web, weights: { paris: 0.1 } },
    { ...web, stack_name: "a b" },
    { ...web, stack_name: 7 },
    { ...web, policy: {} },
  ];
  for (const body of rows) {
    const got = await put(body);
    assert.equal(got.status, 422, `${JSON.stringify(body)} ${got.text}`);
    assert.equal(typeof got.body.error, "string");
    assert.deepEqual(Object.keys(got.body), ["error"]);
  }
  assert.deepEqual(await table.query({ pk: "STACK" }), []);
});

test("what the original did not know stays as it is", async () => {
  const { call, put } = await api();
  await put(web);
  await call("PATCH", "/v1/stacks/web", {
    body: { paused: true, partial: true, policy: { failback: "manual" } },
  });
  await put({ ...web, count: 3 });
  const { body } = await call("GET", "/v1/stacks/web");
  assert.deepEqual(
    [body.count, body.paused, body.partial, body.policy.failback, body.generation],
    [3, true, true, "manual", 3],
  );
});

test("the same tokens and roles, and the original's shape of errors", async () => {
  const { call } = await api();
  const none = await call("GET", "/multicloudstack", { token: null });
  assert.deepEqual([none.status, typeof none.body.error], [401, "string"]);
  const reader = await call("DELETE", "/multicloudstack/web", { token: tokens.reader });
  assert.equal(reader.status, 403);
  assert.equal((await call("POST", "/multicloudstack/web")).status, 405);
  assert.equal((await call("PUT", "/multicloudstack/web", { raw: "{" })).status, 400);
});
