import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { ControlError } from "../../lib/error.ts";
import { apiEvent, problemIn, type Sent, testApi } from "../support/api.ts";
import { memoryTable } from "../support/memory-table.ts";

const web = { count: 10, count_parameter: "n", weights: { athens: 0.6 } };

async function api() {
  const api = testApi();
  await api.know({ athens: "reachable", manchester: "reachable" });
  await api.call("PUT", "/v1/stacks/web", { body: web });
  return api;
}

type Row = [what: string, body: unknown, status: 400 | 422, pointer: string, says: RegExp];

const bodies: Row[] = [
  ["a negative count", { ...web, count: -1 }, 422, "/count", /at least 0/],
  ["a fractional count", { ...web, count: 1.5 }, 422, "/count", /whole number/],
  ["a huge count", { ...web, count: 1e9 }, 422, "/count", /at most 1000000/],
  ["a count beyond all integers", { ...web, count: 1e300 }, 422, "/count", /whole number/],
  ["a count that is text", { ...web, count: "abc" }, 400, "/count", /whole number/],
  ["a count that is null (NaN)", { ...web, count: Number.NaN }, 400, "/count", /whole number/],
  ["no count", { count_parameter: "n" }, 400, "/count", /missing/],
  ["no parameter", { count: 1 }, 400, "/count_parameter", /missing/],
  ["a blank parameter", { ...web, count_parameter: "a b" }, 422, "/count_parameter", /spaces/],
  ["an empty parameter", { ...web, count_parameter: "" }, 422, "/count_parameter", /parameter/],
  [
    "a parameter __proto__",
    { ...web, count_parameter: "__proto__" },
    422,
    "/count_parameter",
    /not/,
  ],
  [
    "a weight of NaN",
    { ...web, weights: { athens: Number.NaN } },
    400,
    "/weights/athens",
    /0 to 1/,
  ],
  [
    "a negative weight",
    { ...web, weights: { athens: -0.1 } },
    422,
    "/weights/athens",
    /at least 0/,
  ],
  ["a weight of 1.1", { ...web, weights: { athens: 1.1 } }, 422, "/weights/athens", /at most 1/],
  [
    "a weight too small to count",
    { ...web, weights: { athens: 5e-324 } },
    422,
    "/weights/athens",
    /0, or at least 0\.000000001/,
  ],
  [
    "weights over 1",
    { ...web, weights: { athens: 0.6, manchester: 0.6 } },
    422,
    "/weights",
    /sum to 1\.2/,
  ],
  [
    "an unknown cloud",
    { ...web, weights: { paris: 0.1 } },
    422,
    "/weights/paris",
    /there are athens, manchester/,
  ],
  ["a bad cloud name", { ...web, weights: { "a/b": 0.1 } }, 422, "/weights/a~1b", /cloud name/],
  [
    "a weight that is a list",
    { ...web, weights: { athens: [1] } },
    400,
    "/weights/athens",
    /number/,
  ],
  [
    "weights that are a list",
    { ...web, weights: [1] },
    400,
    "/weights",
    /must be an object, not an array/,
  ],
  ["an unknown field", { ...web, cuont: 1 }, 400, "/cuont", /there are count, count_parameter/],
  ["an unknown policy field", { ...web, policy: { a: 1 } }, 400, "/policy/a", /there are failover/],
  [
    "an unknown failover",
    { ...web, policy: { failover: "no" } },
    422,
    "/policy/failover",
    /must be one of even, proportional, none/,
  ],
  ["paused as text", { ...web, paused: "yes" }, 400, "/paused", /boolean, not a string/],
  ["a list", [], 400, "", /must be an object, not an array/],
  ["null", null, 400, "", /must be an object, not null/],
];

for (const [what, body, status, pointer, says] of bodies) {
  test(`${what}: ${status} naming the field, and nothing written`, async () => {
    const { call, table } = await api();
    const before = await table.query({ pk: "STACK" });
    const code = status === 400 ? "request.invalid" : "stack.invalid";
    const problem = problemIn(await call("PUT", "/v1/stacks/other", { body }), status, code);
    const field = problem.errors?.find((one) => one.pointer === pointer);
    assert.ok(field, JSON.stringify(problem));
    assert.match(field.message, says);
    assert.match(problem.detail, says);
    assert.deepEqual(await table.query({ pk: "STACK" }), before);
  });
}

test("all fields at fault are named at once", async () => {
  const { call } = await api();
  const body = { count: -1, weights: { athens: 2, "a b": 0 }, other: 1, more: 2 };
  const problem = problemIn(await call("PUT", "/v1/stacks/web", { body }), 400, "request.invalid");
  const pointers = problem.errors?.map(({ pointer }) => pointer).sort();
  assert.deepEqual(pointers, [
    "/count",
    "/count_parameter",
    "/more",
    "/other",
    "/weights/a b",
    "/weights/athens",
  ]);
});

test("an answer stays short, however many fields are at fault", async () => {
  const { call } = await api();
  const body = Object.fromEntries(Array.from({ length: 6_000 }, (_, i) => [`f${i}`, 0]));
  const got = await call("PUT", "/v1/stacks/other", { body });
  const { detail, errors = [] } = problemIn(got, 400, "request.invalid");
  assert.ok(detail.endsWith("... and more."));
  assert.equal(errors.length, 100);
  assert.ok(got.text.length < 30_000);
});

test("-0 is 0: the same declaration again changes nothing", async () => {
  const { call } = await api();
  const raw = '{"count": -0, "count_parameter": "n", "weights": {"athens": -0}}';
  const first = await call("PUT", "/v1/stacks/web", { raw });
  const second = await call("PUT", "/v1/stacks/web", { raw });
  assert.deepEqual([first.body.generation, second.body.generation], [2, 2]);
});

test("one weight over what is left names the call that sets several at once", async () => {
  const { call } = await api();
  const got = await call("PUT", "/v1/stacks/web/weights/manchester", { body: { weight: 0.5 } });
  const { detail } = problemIn(got, 422, "stack.invalid");
  assert.match(detail, /sum to 1\.1/);
  assert.match(detail, /PATCH \/v1\/stacks\/web/);
  assert.match(detail, /weight set web/);
});

test("a PATCH is checked after the merge", async () => {
  const { call } = await api();
  const over = await call("PATCH", "/v1/stacks/web", { body: { weights: { manchester: 0.41 } } });
  assert.match(problemIn(over, 422, "stack.invalid").detail, /sum to 1\.01/);
  const unknown = await call("PATCH", "/v1/stacks/web", { body: { weights: { paris: 0.1 } } });
  problemIn(unknown, 422, "stack.invalid");
  const gone = await call("PATCH", "/v1/stacks/web", { body: { weights: { paris: null } } });
  assert.equal(gone.status, 200);
});

test("46 clouds are too many", async () => {
  const { call, know } = testApi();
  const clouds = Array.from({ length: 46 }, (_, i) => `c${i}`);
  await know(Object.fromEntries(clouds.map((cloud) => [cloud, "reachable"])));
  const weights = Object.fromEntries(clouds.map((cloud) => [cloud, 0.01]));
  const got = await call("PUT", "/v1/stacks/web", { body: { ...web, weights } });
  assert.match(problemIn(got, 422, "stack.invalid").detail, /at most 45 clouds/);
});

const names: [name: string, status: 400 | 404][] = [
  ["a%2Fb", 400],
  ["a/b", 404],
  ["..", 400],
  ["%2e%2e", 400],
  ["a%20b", 400],
  ["a".repeat(300), 400],
  ["__proto__", 400],
  ["1web", 400],
  ["%E0%A4%A", 400],
  ["100%", 400],
  ["%00", 400],
  ["w%C3%A9b", 400],
];

for (const [name, status] of names) {
  test(`the stack name ${name.slice(0, 20)} is refused with ${status}`, async () => {
    const { call, table } = testApi();
    const code = status === 400 ? "request.invalid" : "request.not_found";
    const got = await call("PUT", `/v1/stacks/${name}`, { body: { ...web, weights: {} } });
    problemIn(got, status, code);
    assert.deepEqual(await table.query({ pk: "STACK" }), []);
  });
}

test("constructor is a legal name, of stacks and of clouds", async () => {
  const { call, know } = testApi();
  await know(
    Object.fromEntries([
      ["constructor", "reachable"],
      ["toString", "reachable"],
    ]),
  );
  const body = { ...web, weights: { constructor: 0.5, toString: 0.5 } };
  const got = await call("PUT", "/v1/stacks/constructor", { body });
  assert.equal(got.status, 201, got.text);
  assert.equal((await call("GET", "/v1/stacks/constructor")).body.shares.length, 2);
  assert.equal((await call("GET", "/v1/clouds/toString")).body.shares.length, 1);
  problemIn(await call("GET", "/v1/clouds/valueOf"), 404, "cloud.missing");
  problemIn(await call("DELETE", "/v1/stacks/constructor/weights/valueOf"), 404, "cloud.missing");
});

const raws: [what: string, sent: Sent, status: number, code: string, says: RegExp][] = [
  [
    "broken JSON",
    { raw: '{"count": 1,}' },
    400,
    "request.invalid",
    /position 12 \(line 1 column 13\)/,
  ],
  [
    "NaN",
    { raw: '{"count":\n  NaN}' },
    400,
    "request.invalid",
    /unexpected 'N' at position 12 \(line 2 column 3\)/,
  ],
  ["half of it", { raw: '{"count": 1' }, 400, "request.invalid", /not JSON/],
  ["nothing", {}, 400, "request.invalid", /missing/],
  ["__proto__", { raw: '{"weights": {"__proto__": 0.5}}' }, 400, "request.invalid", /__proto__/],
  [
    "deep nesting",
    { raw: "[".repeat(30_000) + "]".repeat(30_000) },
    400,
    "request.invalid",
    /object/,
  ],
  [
    "a form",
    { raw: "count=1", headers: { "Content-Type": "application/x-www-form-urlencoded" } },
    415,
    "request.media_type",
    /application\/json/,
  ],
  [
    "no type",
    { raw: "{}", headers: { "Content-Type": "" } },
    415,
    "request.media_type",
    /application\/json/,
  ],
  [
    "another charset",
    { raw: "{}", headers: { "Content-Type": "application/json; charset=utf-16" } },
    415,
    "request.media_type",
    /UTF-8/,
  ],
  [
    "gzip",
    { raw: "{}", headers: { "Content-Encoding": "gzip" } },
    415,
    "request.media_type",
    /compressed/,
  ],
  ["too much", { raw: `"${"x".repeat(65_536)}"` }, 413, "request.too_large", /64 KiB/],
  [
    "too much in base64",
    { raw: `"${"x".repeat(65_536)}"`, base64: true },
    413,
    "request.too_large",
    /64 KiB/,
  ],
];

for (const [what, sent, status, code, says] of raws) {
  test(`a body of ${what} is a ${status}`, async () => {
    const { call } = await api();
    const problem = problemIn(await call("PUT", "/v1/stacks/web", sent), status, code);
    assert.match(problem.detail, says);
  });
}

test("a body that is not UTF-8 is a 400", async () => {
  const { handler } = await api();
  const event = apiEvent("PUT", "/v1/stacks/web", { raw: "x", base64: true });
  event.body = Buffer.from([0x22, 0xff, 0xfe, 0x22]).toString("base64");
  const result = await handler(event, {} as never);
  assert.equal(result.statusCode, 400);
  assert.match(result.body ?? "", /UTF-8/);
});

test("base64 and a charset of UTF-8 are fine, and of a key given twice the last counts", async () => {
  const { call } = await api();
  const sent = { raw: '{"count": 3, "count": 4}', base64: true };
  const headers = { "CONTENT-TYPE": "Application/JSON; charset=UTF-8" };
  const got = await call("PATCH", "/v1/stacks/web", { ...sent, headers });
  assert.equal(got.body.count, 4, got.text);
});

test("parameters of the query are checked, and unknown ones refused", async () => {
  const { call } = await api();
  const rows: [path: string, query: Record<string, string>, pointer: string][] = [
    ["/v1/stacks", { limit: "0" }, "/limit"],
    ["/v1/stacks", { limit: "1001" }, "/limit"],
    ["/v1/stacks", { limit: "abc" }, "/limit"],
    ["/v1/stacks", { limit: "" }, "/limit"],
    ["/v1/stacks", { limit: "1,2" }, "/limit"],
    ["/v1/stacks", { page: "2" }, "/page"],
    ["/v1/events", { since: "yesterday" }, "/since"],
    ["/v1/events", { since: "2026-02-31T00:00:00Z" }, "/since"],
    ["/v1/events", { since: "0000-01-01T00:00:00+23:59" }, "/since"],
    ["/v1/events", { since: "9999-12-31T23:59:59-23:59" }, "/since"],
    ["/v1/stacks", { marker: "" }, "/marker"],
    ["/v1/events", { marker: "x" }, "/marker"],
    ["/v1/stacks/web", { verbose: "1" }, "/verbose"],
  ];
  for (const [path, query, pointer] of rows) {
    const problem = problemIn(await call("GET", path, { query }), 400, "request.invalid");
    assert.deepEqual([problem.errors?.[0]?.pointer, problem.errors?.[0]?.in], [pointer, "query"]);
  }
});

test("unknown paths are 404, and other methods 405 with those allowed", async () => {
  const { call } = await api();
  for (const path of ["/v1", "/v2/stacks", "/v1/stacks/web/none", "/v1//web", "/stacks", "//"]) {
    problemIn(await call("GET", path), 404, "request.not_found");
  }
  const got = await call("POST", "/v1/stacks/web");
  problemIn(got, 405, "request.method_not_allowed");
  assert.equal(got.headers.allow, "PUT, GET, PATCH, DELETE, HEAD");
  const plan = await call("GET", "/v1/stacks/web/plan");
  assert.match(
    problemIn(plan, 405, "request.method_not_allowed").detail,
    /^This path takes POST only\.$/,
  );
});

test("HEAD answers as GET without the body, and / leads to the documentation", async () => {
  const { call } = await api();
  const head = await call("HEAD", "/v1/stacks/web");
  assert.deepEqual([head.status, head.text, head.headers.etag], [200, "", '"1"']);
  assert.equal((await call("GET", "/v1/stacks/")).status, 200);
  const root = await call("GET", "/", { token: null });
  assert.deepEqual([root.status, root.headers.location], [303, "/v1/docs"]);
});

test("a bug is a 500 with the request's id and nothing else, and logged once", async () => {
  const broken = testApi({
    table: {
      ...memoryTable(),
      get: async () => {
        throw new TypeError("secret inside");
      },
    },
  });
  const got = await broken.call("POST", "/v1/stacks/web/reconcile");
  const problem = problemIn(got, 500, "internal");
  assert.doesNotMatch(got.text, /secret inside|TypeError/);
  assert.match(problem.detail, /request-1/);
  const errors = broken.lines.filter(({ level }) => level === "ERROR");
  assert.equal(errors.length, 1);
  assert.equal(errors[0]?.request_id, "request-1");
});

const paths = [
  ["PUT", "/v1/stacks/web"],
  ["PUT", "/v1/stacks/new"],
  ["PATCH", "/v1/stacks/web"],
  ["PUT", "/v1/stacks/web/weights/athens"],
  ["POST", "/v1/stacks/web/plan"],
  ["PATCH", "/v1/clouds/athens"],
  ["PUT", "/multicloudstack/web"],
] as const;

const likely = fc.record(
  {
    count: fc.oneof(fc.integer({ min: -2, max: 20 }), fc.double(), fc.jsonValue()),
    count_parameter: fc.oneof(fc.constant("n"), fc.jsonValue()),
    weights: fc.oneof(
      fc.dictionary(fc.constantFrom("athens", "manchester", "paris", "constructor"), fc.double()),
      fc.jsonValue(),
    ),
    weight: fc.oneof(fc.double({ min: 0, max: 1 }), fc.jsonValue()),
    policy: fc.jsonValue(),
    stack_name: fc.constantFrom("web", "new"),
    drained: fc.oneof(fc.boolean(), fc.jsonValue()),
    suspicion: fc.constantFrom("confirmed", "refuted", "x"),
    lost: fc.oneof(fc.array(fc.constantFrom("athens", "paris")), fc.jsonValue()),
  },
  { requiredKeys: [] },
);

test("whatever JSON is sent, the answer is no 500, and only a 2xx writes", async () => {
  const body = fc.oneof(fc.jsonValue(), likely);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), body, async ([method, path], sent) => {
      const { call, table } = await api();
      const written = async () => [
        await table.query({ pk: "STACK" }),
        await table.query({ pk: "CLOUD" }),
        await table.query({ pk: "STACK#web" }),
      ];
      const before = await written();
      const got = await call(method, path, { raw: JSON.stringify(sent) });
      assert.ok(got.status < 500, got.text);
      if (got.status >= 300) assert.deepEqual(await written(), before);
    }),
    { numRuns: 400 },
  );
});

test("whatever text is sent, the answer is no 500", async () => {
  const { call } = await api();
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.string({ unit: "binary" }), async (at, raw) => {
      const got = await call(at[0], at[1], { raw });
      assert.ok(got.status < 500, got.text);
    }),
    { numRuns: 200 },
  );
});

test("whatever path is asked for, the answer is no 500", async () => {
  const { call } = await api();
  await fc.assert(
    fc.asyncProperty(
      fc.webPath(),
      fc.constantFrom("/v1/stacks/", "/v1/clouds/", "/"),
      async (path, start) => {
        const got = await call("GET", `${start}${path}`);
        assert.ok(got.status < 500, got.text);
      },
    ),
    { numRuns: 200 },
  );
});

test("a database that cannot be used: 503, what it said, and a line in the log", async () => {
  const full = async () => {
    throw new ControlError("table.unavailable", "The database cannot be used now (disk is full).");
  };
  const api = testApi({ table: { ...memoryTable(), write: full, transact: full } });
  const got = await api.call("PUT", "/v1/stacks/web", { body: { ...web, weights: {} } });
  assert.match(problemIn(got, 503, "table.unavailable").detail, /disk is full/);
  assert.ok(
    api.lines.some(({ level, message }) => level === "ERROR" && message === "request failed"),
  );
});
