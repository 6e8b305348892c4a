import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { httpServer, type LocalServer } from "../../lib/local/server.ts";
import { log } from "../../lib/log.ts";

const quiet = log({ level: "CRITICAL", write: () => undefined });
const options = { address: "127.0.0.1", port: 0, insecure: false, log: quiet };

describe("the local server", () => {
  let server: LocalServer;
  let events: APIGatewayProxyEventV2[] = [];
  let answer: () => Promise<APIGatewayProxyStructuredResultV2>;

  before(async () => {
    server = await httpServer({
      ...options,
      names: ["heat.example.org"],
      invoke: async (event) => {
        events.push(event);
        return answer();
      },
    });
  });
  after(() => server.stop());

  async function call(
    path: string,
    more: {
      method?: string;
      headers?: Record<string, string | string[]>;
      body?: string | Buffer;
    } = {},
  ): Promise<{ status: number; headers: IncomingMessage["headers"]; body: string }> {
    events = [];
    answer = async () => ({
      statusCode: 200,
      headers: { "content-type": "text/plain" },
      body: "ok",
    });
    const { method = "GET", headers = {}, body } = more;
    const request = httpRequest(`${server.url}${path}`, { method, headers, agent: false });
    request.end(body);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const { statusCode: status = 0, headers: answered } = response;
    return { status, headers: answered, body: await text(response) };
  }

  test("a request becomes an event of payload 2.0", async () => {
    await call("/v1/stacks/we%20b?limit=2&tag=a&tag=b%26c", {
      method: "PUT",
      headers: {
        "Content-Type": "application/json",
        "User-Agent": "test",
        "X-Twice": ["1", "2"],
        Cookie: "a=1; b=2",
      },
      body: '{"count": "zwölf"}',
    });
    const [event] = events;
    assert.ok(event);
    assert.equal(event.version, "2.0");
    assert.equal(event.rawPath, "/v1/stacks/we%20b");
    assert.equal(event.rawQueryString, "limit=2&tag=a&tag=b%26c");
    assert.deepEqual(event.queryStringParameters, { limit: "2", tag: "a,b&c" });
    assert.equal(event.headers["content-type"], "application/json");
    assert.equal(event.headers["x-twice"], "1,2");
    assert.deepEqual(event.cookies, ["a=1", "b=2"]);
    assert.equal(event.headers.cookie, undefined);
    assert.equal(event.body, '{"count": "zwölf"}');
    assert.equal(event.isBase64Encoded, false);
    assert.deepEqual(event.requestContext.http, {
      method: "PUT",
      path: "/v1/stacks/we%20b",
      protocol: "HTTP/1.1",
      sourceIp: "127.0.0.1",
      userAgent: "test",
    });
    assert.ok(event.requestContext.requestId);
  });

  test("a body that is not UTF-8 comes in base64", async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x80]);
    await call("/v1/stacks", { method: "POST", body: bytes });
    assert.equal(events[0]?.isBase64Encoded, true);
    assert.equal(events[0]?.body, bytes.toString("base64"));
  });

  test("no query and no body are absent, not empty", async () => {
    await call("/v1/stacks");
    assert.equal(events[0]?.queryStringParameters, undefined);
    assert.equal(events[0]?.body, undefined);
  });

  test("writes status, headers and cookies of the answer, and what is in base64 as bytes", async () => {
    const got = call("/v1/stacks");
    answer = async () => ({
      statusCode: 201,
      headers: { location: "/v1/stacks/web", "x-number": 3 },
      cookies: ["a=1", "b=2"],
      body: Buffer.from("bytes").toString("base64"),
      isBase64Encoded: true,
    });
    const { status, headers, body } = await got;
    assert.equal(status, 201);
    assert.equal(headers.location, "/v1/stacks/web");
    assert.equal(headers["x-number"], "3");
    assert.deepEqual(headers["set-cookie"], ["a=1", "b=2"]);
    assert.equal(body, "bytes");
  });

  test("a handler that throws is a 500 that says nothing of why", async () => {
    const got = call("/v1/stacks");
    answer = async () => {
      throw new Error("the secret is 1234");
    };
    const { status, headers, body } = await got;
    assert.equal(status, 500);
    assert.equal(headers["content-type"], "application/problem+json");
    assert.doesNotMatch(body, /1234/);
  });

  for (const host of [
    "localhost",
    "localhost:8080",
    "127.0.0.1",
    "127.0.0.1:1",
    "[::1]:8080",
    "LOCALHOST.",
    "heat.example.org",
    "Heat.Example.org:443",
  ]) {
    test(`answers to the host ${host}`, async () => {
      assert.equal((await call("/healthz", { headers: { Host: host } })).status, 200);
    });
  }

  for (const host of [
    "evil.example",
    "evil.example:8080",
    "127.0.0.1.evil.example",
    "10.0.0.1",
    "[::2]",
  ]) {
    test(`does not answer to the host ${JSON.stringify(host)}: a page may have its name lead here`, async () => {
      const { status, headers, body } = await call("/healthz", { headers: { Host: host } });
      assert.equal(status, 421);
      assert.equal(headers["content-type"], "application/problem+json");
      assert.equal(JSON.parse(body).code, "request.misdirected");
      assert.equal(events.length, 0);
    });
  }

  test("a body that says it is too large is refused before it is sent", async () => {
    const { status, headers, body } = await call("/v1/stacks", {
      method: "PUT",
      headers: { "Content-Length": String(10 * 1024 * 1024) },
      body: "x",
    });
    assert.equal(status, 413);
    assert.equal(headers["content-type"], "application/problem+json");
    assert.equal(headers.connection, "close");
    assert.equal(JSON.parse(body).code, "request.too_large");
    assert.equal(events.length, 0);
  });

  test("a body that turns out too large is refused as soon as it is", async () => {
    const request = httpRequest(`${server.url}/v1/stacks`, { method: "PUT", agent: false });
    request.on("error", () => undefined); // the server closes while we still write
    const answered = once(request, "response") as Promise<[IncomingMessage]>;
    for (let n = 0; n < 70; n++) request.write(Buffer.alloc(1024));
    const [response] = await answered;
    assert.equal(response.statusCode, 413);
    request.destroy();
  });

  test("64 KiB reach the handler, whose own limit it is", async () => {
    const { status } = await call("/v1/stacks", { method: "PUT", body: "x".repeat(64 * 1024) });
    assert.equal(status, 200);
    assert.equal(events[0]?.body?.length, 64 * 1024);
  });

  test("a client that asks before it sends too much is not told to go on", async () => {
    const { port } = server;
    const socket = connect(port, "127.0.0.1");
    socket.write(
      "PUT /v1/stacks HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n",
    );
    assert.match(await text(socket), /^HTTP\/1\.1 413 /);
  });

  const unreadable: [what: string, sent: string, status: number, code: string][] = [
    ["no HTTP", "\u0016\u0003\u0001\u0000", 400, "request.invalid"],
    ["an unknown method", "BREW / HTTP/1.1\r\n\r\n", 400, "request.invalid"],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", 421, "request.misdirected"],
    [
      "two lengths",
      "PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      400,
      "request.invalid",
    ],
    [
      "headers that are too long",
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
      431,
      "request.too_large",
    ],
    [
      "an expectation that is none",
      "GET / HTTP/1.1\r\nHost: localhost\r\nExpect: 200-ok\r\n\r\n",
      417,
      "request.invalid",
    ],
  ];
  for (const [what, sent, status, code] of unreadable) {
    test(`${what}: ${status} with a problem, and an end`, async () => {
      const socket = connect(server.port, "127.0.0.1");
      events = [];
      socket.write(sent, "latin1");
      const [head = "", body = ""] = (await text(socket)).split("\r\n\r\n");
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.match(head, /content-type: application\/problem\+json/i);
      const problem = JSON.parse(body);
      assert.deepEqual([problem.status, problem.code], [status, code]);
      assert.deepEqual(events, []);
    });
  }

  test("a whole URL as the target is its path", async () => {
    const socket = connect(server.port, "127.0.0.1");
    events = [];
    answer = async () => ({ statusCode: 200, body: "ok" });
    socket.write(
      "GET http://localhost/v1/stacks?a=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    assert.match(await text(socket), /^HTTP\/1\.1 200 /);
    assert.equal(events[0]?.rawPath, "/v1/stacks");
    assert.equal(events[0]?.rawQueryString, "a=1");
  });
});

const unused = { invoke: async () => ({ statusCode: 200 }) };

test("a port in use is an error that names it and says what to do", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  await assert.rejects(httpServer({ ...options, ...unused, port }), (error: Error) => {
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1 port ${port} is in use`));
    assert.match(error.message, /set another `port`/);
    return true;
  });
  other.close();
});

test("an address of another machine is an error that says so", async () => {
  await assert.rejects(
    httpServer({ ...options, ...unused, address: "192.0.2.1", insecure: true }),
    /192\.0\.2\.1 is not an address of this machine/,
  );
});

for (const address of ["0.0.0.0", "::", "192.0.2.1", "example.org", "localhost.example.org"]) {
  test(`${address} is refused without TLS`, async () => {
    await assert.rejects(httpServer({ ...options, ...unused, address }), /without TLS/);
  });
}

test("an address open to others is listened on where the operator said so, and answers to addresses", async () => {
  const server = await httpServer({ ...options, ...unused, address: "0.0.0.0", insecure: true });
  try {
    const of = (host: string) =>
      new Promise((resolve) => {
        const headers = { Host: host };
        httpRequest(server.url, { headers, agent: false }, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).end();
      });
    assert.equal(await of("192.0.2.7:80"), 200);
    assert.equal(await of("evil.example"), 421);
  } finally {
    await server.stop();
  }
});

test("a stop lets the request under way be answered, and no new one in", async () => {
  const open = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const server = await httpServer({
    ...options,
    invoke: async () => {
      begun.resolve();
      await open.promise;
      return { statusCode: 200, body: "late" };
    },
  });
  const request = httpRequest(server.url).end();
  await begun.promise;
  const stopped = server.stop();
  await assert.rejects(once(httpRequest(server.url, { agent: false }).end(), "response"), {
    code: "ECONNREFUSED",
  });
  open.resolve();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  assert.equal(await text(response), "late");
  await stopped;
});
