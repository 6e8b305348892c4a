import fc from "fast-check";
import { openapi } from "../../lib/api/openapi.ts";
import { broken, jsonText, type Known, oddNames, type Schema, valuesOf } from "./schema-values.ts";

/** A request as it is to be written on the wire. */
export type Ask = {
  operationId: string;
  method: string;
  /** As it is sent; one character is one byte. */
  target: string;
  headers: [name: string, value: string][];
  body: Buffer | undefined;
};

/** What the requests are about: names that there are, tokens that there are. */
export type Subject = { known: Known; tokens: readonly string[] };

type Parameter = { name: string; in: string; schema: Schema };
type Operation = {
  operationId: string;
  parameters: Parameter[];
  requestBody?: { content: { "application/json": { schema: Schema } } };
  responses: Record<string, unknown>;
};

const document = openapi();
const components = document.components.schemas as Record<string, Schema>;

/** Every operation of the document, with the statuses that it promises. */
export const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, found]) => {
    const operation = found as unknown as Operation;
    return { path, method: method.toUpperCase(), operation };
  }),
);

/** Statuses that the document promises for an operation. */
export function promised(operationId: string): number[] {
  const found = operations.find(({ operation }) => operation.operationId === operationId);
  return Object.keys(found?.operation.responses ?? {}).map(Number);
}

/** Calls of any operation of the document: well formed, or broken in one place or several. */
export function anyAsk(subject: Subject): fc.Arbitrary<Ask> {
  return fc.oneof(...operations.map((one) => askOf(one, subject)));
}

function askOf(
  { path, method, operation }: (typeof operations)[number],
  { known, tokens }: Subject,
): fc.Arbitrary<Ask> {
  const { operationId, parameters, requestBody } = operation;
  const schema = requestBody?.content["application/json"].schema;
  const parts = {
    path: pathOf(path, parameters, known),
    query: queryOf(parameters, known),
    body: schema ? bodyOf(schema, known) : fc.constantFrom(undefined, Buffer.from("{}")),
    token: fc.oneof(
      { weight: 20, arbitrary: fc.constant(tokens[0]) },
      { weight: 4, arbitrary: fc.constantFrom(...tokens) },
      { weight: 1, arbitrary: fc.constant(undefined) },
    ),
    headers: headersOf(parameters, tokens),
  };
  return fc.record(parts).map(({ path: at, query, body, token, headers }) => {
    const own: [string, string][] = [
      ["host", "127.0.0.1"],
      ...(token === undefined ? [] : [pair("authorization", `Bearer ${token}`)]),
      ...(body === undefined ? [] : [pair("content-type", "application/json")]),
    ];
    const replaced = new Set(headers.filter(({ replaces }) => replaces).map(({ name }) => name));
    return {
      operationId,
      method,
      target: at + query,
      headers: [
        ...own.filter(([name]) => !replaced.has(name)),
        ...headers.map(({ name, value }) => pair(name, value)),
      ],
      body,
    };
  });
}

function pair(name: string, value: string): [string, string] {
  return [name, value];
}

/** The bytes of a request with a body of a known length. */
export function bytesOf({ method, target, headers, body }: Ask): Buffer {
  const framed = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
  const length: [string, string][] =
    body === undefined || framed ? [] : [["content-length", String(body.length)]];
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...[...headers, ...length, ["connection", "close"]].map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.concat([
    Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"),
    body ?? Buffer.alloc(0),
  ]);
}

const encodings: ((text: string) => string)[] = [
  (text) => percent(text, /[^A-Za-z0-9_.~-]/),
  (text) => percent(text, /[\s\S]/),
  (text) => percent(percent(text, /[^A-Za-z0-9_.~-]/), /%/),
  // Spaces and line ends would end the line: that is for raw bytes to try.
  (text) => Buffer.from(text.replace(/[\s\p{Cc}]/gu, "")).toString("latin1"),
];

function percent(text: string, which: RegExp): string {
  const bytes = [...Buffer.from(text)];
  return bytes
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      return which.test(letter) ? `%${byte.toString(16).padStart(2, "0")}` : letter;
    })
    .join("");
}

function pathOf(path: string, parameters: Parameter[], known: Known): fc.Arbitrary<string> {
  const segments = path.split("/").map((segment) => {
    const parameter = parameters.find(({ name }) => segment === `{${name}}`);
    return parameter ? segmentOf(parameter, known) : fc.constant(segment);
  });
  const whole = fc.tuple(...segments).map((parts) => parts.join("/"));
  const ends = ["/", "//", "/.", "/%", "/%ff", "%2f", ";a=b", "/../..", "\\", "/x"];
  return fc.oneof(
    { weight: 30, arbitrary: whole },
    {
      weight: 1,
      arbitrary: fc.tuple(whole, fc.constantFrom(...ends)).map(([at, end]) => at + end),
    },
    { weight: 1, arbitrary: whole.map((at) => `http://127.0.0.1${at}`) },
    { weight: 1, arbitrary: whole.map((at) => `/${at}`) },
    { weight: 1, arbitrary: whole.map((at) => at.toUpperCase()) },
  );
}

function segmentOf({ name, schema }: Parameter, known: Known): fc.Arbitrary<string> {
  const component = name === "cloud" ? "CloudName" : "StackName";
  const fine = valuesOf({ $ref: `/${component}` }, components, known).map(String);
  return fc.oneof(
    { weight: 12, arbitrary: fine },
    {
      weight: 1,
      arbitrary: valuesOf(schema, components, known).map((v) => percent(String(v), /\W/)),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constantFrom(...oddNames), fc.constantFrom(...encodings))
        .map(([odd, encode]) => encode(odd)),
    },
  );
}

const oddQueries = [
  "?",
  "?&&",
  "?=",
  "?a",
  "?limit",
  "?limit=",
  "?limit=1e3",
  "?limit=0x10",
  "?limit=+5+",
  "?limit=1&limit=2",
  "?limit=Infinity",
  "?limit=1.0",
  "?marker=",
  "?marker=%00",
  "?marker=%ff",
  "?marker=\u00ff",
  `?marker=${"z".repeat(255)}`,
  `?marker=${"%F0%9F%98%80".repeat(127)}`,
  "?marker=00000000000000000000000000",
  "?marker=7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
  "?marker=ZZZZZZZZZZZZZZZZZZZZZZZZZZ",
  "?since=0000-01-01T00:00:00Z",
  "?since=0000-01-01T00:00:00%2B23:59",
  "?since=9999-12-31T23:59:59.999Z",
  "?since=9999-12-31T23:59:59-23:59",
  `?since=2026-01-01T00:00:00.${"1".repeat(400)}Z`,
  "?since=2026-01-01T00:00:00",
  "?since=now",
  "?__proto__=1",
  "?constructor=1",
  "?toString",
  "?%",
  "?%ff=%ff",
  "?a%5B__proto__%5D=1",
  `?${"a=1&".repeat(500)}`,
  "#fragment",
];

function queryOf(parameters: Parameter[], known: Known): fc.Arbitrary<string> {
  const own = parameters.filter((parameter) => parameter.in === "query");
  const fine = fc
    .record(
      Object.fromEntries(
        own.map(({ name, schema }) => [name, valuesOf(schema, components, known)]),
      ),
      { requiredKeys: [], noNullPrototype: true },
    )
    .map((query) => {
      const pairs = Object.entries(query).map(
        ([name, value]) => `${name}=${percent(String(value), /\W/)}`,
      );
      return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
    });
  return fc.oneof(
    { weight: 8, arbitrary: fine },
    { weight: own.length > 0 ? 4 : 1, arbitrary: fc.constantFrom(...oddQueries) },
  );
}

function bodyOf(schema: Schema, known: Known): fc.Arbitrary<Buffer | undefined> {
  const fine = valuesOf(schema, components, known);
  const once = fine.chain(broken);
  const value = fc.oneof(
    { weight: 5, arbitrary: fine },
    { weight: 5, arbitrary: once },
    { weight: 1, arbitrary: once.chain(broken).chain(broken) },
  );
  const text = fc
    .tuple(value, fc.integer({ min: 0, max: 19 }))
    .map(([sent, n]) => jsonText(sent, n === 0));
  return text.chain((json) =>
    fc.oneof(
      { weight: 20, arbitrary: fc.constant(Buffer.from(json)) },
      { weight: 3, arbitrary: fc.constantFrom(...twists).map((twist) => bytesFrom(twist(json))) },
      { weight: 1, arbitrary: fc.constant(undefined) },
    ),
  );
}

const limit = 64 * 1024;

/** The same text in other bytes: other encodings, other lengths, cut off, followed by more. */
const twists: ((json: string) => string | Buffer)[] = [
  () => "",
  (json) => ` \n${json}\t `,
  (json) => `\ufeff${json}`,
  (json) => Buffer.from(json, "utf16le"),
  (json) => json.replaceAll('"', "'"),
  (json) => json + json,
  (json) => `${json},`,
  (json) => `${json}//`,
  (json) => json.slice(0, -1),
  (json) => json.slice(0, json.length / 2),
  (json) => `${json}\0`,
  (json) => Buffer.from(`${json.slice(0, -1)}\xff\xfe}`, "latin1"),
  () => Buffer.from([0xc0, 0x80]),
  () => Buffer.from([0xed, 0xa0, 0x80]),
  (json) => json.padEnd(limit),
  (json) => json.padEnd(limit + 1),
  (json) => json.padEnd(limit * 2),
  () => "[".repeat(limit),
  () => `{"weights":{${'"a":'.repeat(10_000)}`,
  () => `{"weights":{${Array.from({ length: 5_000 }, (_, i) => `"c${i}":2`).join()}}}`,
  () => `{${Array.from({ length: 6_000 }, (_, i) => `"${i}":0`).join()}}`,
];

function bytesFrom(text: string | Buffer): Buffer {
  return typeof text === "string" ? Buffer.from(text) : text;
}

type Header = { name: string; value: string; replaces: boolean };

/** Headers that change what the request means, or that should not. */
function headersOf(parameters: Parameter[], tokens: readonly string[]): fc.Arbitrary<Header[]> {
  const conditional = parameters.filter((parameter) => parameter.in === "header");
  const [token = ""] = tokens;
  const tags = ['"1"', '"2"', "*", 'W/"1"', '"1", "2"', "1", '""', '"', "", '"x"', ",", '"1",'];
  const huge = [`"${"9".repeat(400)}"`, `"${"a".repeat(3_000)}"`, '"1",'.repeat(500)];
  const values: [string, string[], boolean][] = [
    [
      "authorization",
      [
        "",
        "Bearer",
        "Bearer ",
        `bearer ${token}`,
        `Basic ${token}`,
        token,
        `Bearer ${token}x`,
        `Bearer ${token} x`,
        `Bearer ${token}\u00ff`,
        `Bearer ${"x".repeat(8_000)}`,
        `Bearer ${token}, Bearer ${token}`,
      ],
      true,
    ],
    [
      "content-type",
      [
        "",
        "text/plain",
        "application/json; charset=utf-8",
        "application/json;charset=utf-16",
        "application/json;;;",
        "APPLICATION/JSON",
        "application/merge-patch+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "\u00ff",
      ],
      true,
    ],
    ["content-encoding", ["gzip", "identity", "br, gzip", ""], false],
    [
      "host",
      ["", "localhost:1", "evil.example", "169.254.169.254", "[::1]", "127.0.0.1.", "\u00ff"],
      true,
    ],
    ["expect", ["100-continue", "200-ok"], false],
    ["transfer-encoding", ["chunked", "gzip, chunked", "identity"], false],
    ["content-length", ["0", "1", "999999999", "-1", "1e3", "00000005"], false],
    ["x-http-method-override", ["DELETE"], false],
    ["x-original-url", ["/v1/stacks/web"], false],
    ["cookie", [`token=${token}`, "__proto__=1"], false],
    ["accept", ["text/html", "*/*;q=0"], false],
    ["__proto__", ["1"], false],
    ["constructor", ["1"], false],
    ["x-long", ["a".repeat(20_000)], false],
    ["upgrade", ["websocket", "h2c"], false],
    ["range", ["bytes=0-1"], false],
  ];
  const odd = fc.constantFrom(...values).chain(([name, options, replaces]) =>
    fc.record({
      name: fc.constant(name),
      value: fc.constantFrom(...options),
      replaces: fc.constant(replaces),
    }),
  );
  const precondition =
    conditional.length === 0
      ? fc.constant([])
      : fc.array(
          fc.record({
            name: fc.constantFrom(...conditional.map(({ name }) => name.toLowerCase())),
            value: fc.constantFrom(...tags, ...huge),
            replaces: fc.constant(false),
          }),
          { maxLength: 2 },
        );
  return fc
    .tuple(
      fc.oneof(
        { weight: 3, arbitrary: fc.constant<Header[]>([]) },
        { weight: 1, arbitrary: precondition },
      ),
      fc.oneof(
        { weight: 5, arbitrary: fc.constant<Header[]>([]) },
        { weight: 1, arbitrary: fc.array(odd, { minLength: 1, maxLength: 3 }) },
      ),
    )
    .map(([first, second]) => [...first, ...second]);
}

/** Bytes that begin as a request does, or not at all. */
export function anyBytes(subject: Subject): fc.Arbitrary<Buffer> {
  const junk = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const letters = fc.constantFrom(...'"{}[],:%/.?&0-e#\\ \u00ff', "e9", "\\ud800", "__proto__");
  const pieces = fc.constantFrom(
    "\r\n",
    "\n",
    "\0",
    "\r\n\r\n",
    "HTTP/1.1",
    "HTTP/0.9",
    "HTTP/2.0",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 5\r\nContent-Length: 6\r\n",
    "5\r\nhello\r\n0\r\n\r\n",
    "ffffffffffffffff\r\n",
    ": x\r\n",
    "a b: c\r\n",
    " folded\r\n",
    "\u0016\u0003\u0001\u0002\u0000\u0001\u0000",
    "CONNECT 127.0.0.1:22 HTTP/1.1\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "TRACE /v1/stacks HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "GET /v1/stacks/web HTTP/1.1\r\nhost: localhost\r\n\r\n",
  );
  const mutation = fc.record({
    // In thousandths of the whole; biased, it would always be the first byte.
    at: fc.noBias(fc.nat(999)),
    /** Undefined: as many as come in, so that lengths stay true. */
    skip: fc.oneof(
      { weight: 8, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom(0, 1, 40, 400) },
    ),
    piece: fc.oneof(
      { weight: 12, arbitrary: letters.map((text) => Buffer.from(text, "latin1")) },
      { weight: 1, arbitrary: pieces.map((text) => Buffer.from(text, "latin1")) },
      { weight: 1, arbitrary: junk },
    ),
  });
  const request = anyAsk(subject).map(bytesOf);
  const mutated = fc
    .tuple(request, fc.array(mutation, { minLength: 1, maxLength: 3 }))
    .map(([bytes, mutations]) =>
      mutations.reduce((before, { at, skip, piece }) => {
        const from = Math.floor((at * before.length) / 1_000);
        return Buffer.concat([
          before.subarray(0, from),
          piece,
          before.subarray(from + (skip ?? piece.length)),
        ]);
      }, bytes),
    );
  const twice = fc.tuple(request, request).map((both) => Buffer.concat(both));
  return fc.oneof(
    { weight: 8, arbitrary: mutated },
    { weight: 1, arbitrary: junk },
    { weight: 1, arbitrary: twice },
  );
}
