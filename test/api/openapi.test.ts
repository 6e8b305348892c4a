import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import test from "node:test";
import { contract } from "../../lib/api/contract.ts";
import type { Endpoint } from "../../lib/api/endpoint.ts";
import { openapi } from "../../lib/api/openapi.ts";
import { statusOf } from "../../lib/error.ts";
import { testApi } from "../support/api.ts";

const document = openapi();
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

/** Every value in the document, however deep. */
function everything(value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [value];
  return [value, ...Object.values(value).flatMap(everything)];
}

test("every endpoint of the contract is an operation, once", () => {
  const ids = operations.map(({ operation }) => operation.operationId).sort();
  assert.deepEqual(ids, Object.keys(contract).sort());
  for (const { path, method, operation } of operations) {
    const endpoint = (contract as Record<string, Endpoint>)[operation.operationId];
    assert.deepEqual([endpoint?.path, endpoint?.method.toLowerCase()], [path, method]);
  }
});

test("the document has the form that OpenAPI 3.1 asks for", () => {
  assert.match(document.openapi, /^3\.1\.\d+$/);
  assert.ok(document.info.title && document.info.version);
  const tags = document.tags.map(({ name }) => name);
  for (const { path, operation } of operations) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = operation.parameters.filter((parameter) => parameter.in === "path");
    assert.deepEqual(
      declared.map(({ name }) => name),
      inPath,
    );
    assert.ok(declared.every(({ required }) => required));
    assert.ok(operation.parameters.every(({ schema, description }) => schema && description));
    assert.ok(operation.tags.every((tag) => tags.includes(tag)));
    assert.ok(Object.keys(operation.responses).every((status) => /^[2-4]\d\d$/.test(status)));
    assert.ok(Object.values(operation.responses).every(({ description }) => description));
  }
});

test("every reference leads somewhere, and every part is referred to", () => {
  const refs = everything(document).flatMap((value) =>
    typeof value === "object" && value !== null && "$ref" in value ? [String(value.$ref)] : [],
  );
  const names = new Set(Object.keys(document.components.schemas));
  for (const ref of refs) assert.ok(names.delete(ref.split("/").at(-1) ?? "") || isKnown(ref), ref);
  assert.deepEqual([...names], []);
});

function isKnown(ref: string): boolean {
  return Object.hasOwn(document.components.schemas, ref.replace("#/components/schemas/", ""));
}

test("every field of a body or an answer is described", () => {
  const undescribed = Object.entries(document.components.schemas).flatMap(([name, schema]) =>
    Object.entries(schema.properties ?? {})
      .filter(([, property]) => (property as { description?: string }).description === undefined)
      .map(([key]) => `${name}.${key}`),
  );
  assert.deepEqual(undescribed, []);
});

test("only the service endpoints ask for no token", () => {
  const open = operations.filter(({ operation }) => operation.security !== undefined);
  assert.deepEqual(open.map(({ path }) => path).sort(), [
    "/v1/docs",
    "/v1/healthz",
    "/v1/openapi.json",
  ]);
});

test("every example body is one that its endpoint takes", () => {
  for (const [name, { body, example }] of Object.entries(contract as Record<string, Endpoint>)) {
    assert.equal(body === undefined, example === undefined, name);
    if (body) assert.ok(body.safeParse(example).success, name);
  }
});

test("docs/openapi.json is what the contract says", () => {
  const file = new URL("../../docs/openapi.json", import.meta.url);
  assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), JSON.parse(JSON.stringify(document)));
});

test("the API serves the document, and its health, to everybody", async () => {
  const { call } = testApi();
  const got = await call("GET", "/v1/openapi.json", { token: null });
  assert.deepEqual(got.body, JSON.parse(JSON.stringify(document)));
  const health = await call("GET", "/v1/healthz", { token: null });
  assert.deepEqual(health.body, { status: "ok" });
});

test("the page loads nothing from anywhere, and its one style is the one allowed", async () => {
  const { call } = testApi();
  const { headers, text } = await call("GET", "/v1/docs", { token: null });
  assert.equal(headers["content-type"], "text/html; charset=utf-8");
  const [, style = ""] = /<style>([\s\S]*?)<\/style>/.exec(text) ?? [];
  const hash = createHash("sha256").update(style).digest("base64");
  const policy = headers["content-security-policy"] ?? "";
  assert.ok(policy.startsWith(`default-src 'none'; style-src 'sha256-${hash}'`), policy);
  assert.doesNotMatch(text, /<script|<link|<img|<iframe|src=|https?:\/\/|style="|@import|url\(/i);
});

test("the page has every endpoint with its fields, its errors and an example to paste", async () => {
  const { call } = testApi();
  const { text } = await call("GET", "/v1/docs", { token: null });
  const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id ?? "");
  assert.equal(new Set(ids).size, ids.length);
  for (const [, target = ""] of text.matchAll(/href="#([^"]+)"/g)) {
    assert.ok(ids.includes(target), target);
  }
  for (const { operation, path } of operations) {
    const [, article = ""] =
      new RegExp(`<article id="${operation.operationId}">([\\s\\S]*?)</article>`).exec(text) ?? [];
    assert.ok(article.includes(`<code>${path}</code>`), path);
    assert.match(article, /curl /);
    const ofBody = operation.requestBody?.content["application/json"]?.schema.$ref;
    const schema = document.components.schemas[ofBody?.split("/").at(-1) ?? ""];
    for (const field of Object.keys(schema?.properties ?? {})) {
      assert.match(article, new RegExp(`<code[^>]*>${field}</code>`));
    }
  }
  for (const code of Object.keys(statusOf)) assert.ok(ids.includes(code), code);
});
