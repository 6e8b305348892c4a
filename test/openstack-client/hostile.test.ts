import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { pipeline, Readable } from "node:stream";
import { after, beforeEach, test } from "node:test";
import { Worker } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { clientFor, faultOf, kindOf, theValue } from "../support/cloud-client.ts";
import {
  type Answer,
  cloudServer,
  heatService,
  keystoneError,
  PASSWORD,
  PROJECT,
  pem,
} from "../support/cloud-server.ts";

const server = await cloudServer();
const elsewhere = await cloudServer();
const { client, close } = clientFor(server);
const ends: (() => unknown)[] = [];
after(async () => {
  for (const end of ends) await end();
  await close();
  await server.close();
  await elsewhere.close();
});

const first = { limit: 1, pages: "first", login: true } as const;
const ref = { stack_name: "web", heat_stack_id: "id-1" };
const LIST = `GET /v1/${PROJECT}/stacks`;
const LOGIN = "POST /v3/auth/tokens";
const MEGABYTE = 1024 * 1024;

beforeEach(() => {
  for (const route of [LIST, LOGIN, "GET /v3", "GET /v1*", "PATCH /v1*"]) {
    server.answers(route, undefined);
  }
  server.cloud.catalog = [heatService(`${server.origin}/v1/${PROJECT}`)];
});

/** Answers with so many megabytes as fast as they are taken, and counts what was. */
function flood(megabytes: number, headers: Record<string, string> = {}) {
  const sent = { bytes: 0 };
  const chunk = Buffer.from(`{"id":"${"x".repeat(65_536 - 10)}"},`);
  function* chunks() {
    yield '{"stacks":[';
    while (sent.bytes < megabytes * MEGABYTE) {
      sent.bytes += chunk.length;
      yield chunk;
    }
  }
  const answer: Answer = ({ response }) => {
    response.writeHead(200, { "content-type": "application/json", ...headers });
    pipeline(Readable.from(chunks()), response, () => {});
  };
  return { answer, sent };
}

test("of 100 MB of JSON no more is taken than an answer may have", async (t) => {
  const cases: [string, Record<string, string>][] = [
    ["with its length", { "content-length": String(100 * MEGABYTE) }],
    ["in chunks", {}],
  ];
  for (const [name, headers] of cases) {
    await t.test(name, async () => {
      const { answer, sent } = flood(100, headers);
      server.answers(LIST, answer);
      assert.equal(kindOf(await client.listStacks(first)), "answer too_large");
      // The rest is what both ends' sockets hold.
      assert.ok(sent.bytes < 24 * MEGABYTE, `${sent.bytes} bytes`);
    });
  }
});

test("a gzip bomb is never unpacked, whatever it is called", async (t) => {
  const bomb = gzipSync(Buffer.alloc(100 * MEGABYTE, " "));
  const cases: [string, Record<string, string>, string][] = [
    ["gzip", { "content-encoding": "gzip" }, "answer encoded"],
    ["GZIP", { "content-encoding": "GZIP" }, "answer encoded"],
    ["twice", { "content-encoding": "gzip, gzip" }, "answer encoded"],
    ["deflate", { "content-encoding": "deflate" }, "answer encoded"],
    ["br", { "content-encoding": "br" }, "answer encoded"],
    ["zstd", { "content-encoding": "zstd" }, "answer encoded"],
    ["an encoding that there is not", { "content-encoding": "x" }, "answer encoded"],
    ["not said", {}, "answer not_json"],
  ];
  for (const [name, headers, expected] of cases) {
    await t.test(name, async () => {
      server.answers(LIST, ({ response }) => response.writeHead(200, headers).end(bomb));
      assert.equal(kindOf(await client.listStacks(first)), expected);
      server.answers(LOGIN, ({ response }) => response.writeHead(201, headers).end(bomb));
      const { client: other, close: end } = clientFor(server);
      assert.equal(kindOf(await other.listStacks(first)), `${expected} unsent`);
      await end();
      server.answers(LOGIN, undefined);
    });
  }
});

test("an answer of few megabytes and many values does not take the memory of all", async (t) => {
  const most = 8 * MEGABYTE - 100;
  const many = (value: string) => value.repeat(Math.floor((most - 40) / value.length));
  const nested = (open: string, end: string) => many(open + end).replaceAll(end, "") + many(end);
  const bombs: [string, string][] = [
    ["lists in lists", nested("[", "]").slice(0, most)],
    ["maps in maps", `${'{"stacks":'.repeat(most / 12)}1${"}".repeat(most / 12)}`],
    ["stacks that are none", `{"stacks":[${many("{},")}{}]}`],
    ["numbers", `{"stacks":[${many("0,")}0]}`],
    ["links", `{"stacks":[],"links":[${many("{},")}{}]}`],
    ["events", `{"events":[${many("0,")}0]}`],
    ["as many as may be", `{"stacks":[${"0,".repeat(400_000)}0]}`],
    ["as many events as may be", `{"events":[${"0,".repeat(400_000)}0]}`],
    ["parameters", `{"stack":{"parameters":{${many('"x":0,')}"x":0}}}`],
    ["services", `{"token":{"catalog":[${"0,".repeat(400_000)}0]}}`],
    ["endpoints", `{"token":{"catalog":[{"type":"x","endpoints":[${"0,".repeat(400_000)}0]}]}}`],
    ["Heat's error", `{"code":400,"error":{"type":"x","message":"${many("\u001b")}"}}`],
  ];
  for (const [name, body] of bombs) {
    await t.test(name, async () => {
      const isOfKeystone = body.startsWith('{"token"');
      const told: Answer = ({ response }) => response.writeHead(isOfKeystone ? 201 : 200).end(body);
      const refused: Answer = ({ response }) => response.writeHead(400).end(body);
      if (isOfKeystone) server.answers(LOGIN, told);
      server.answers("GET /v3", told);
      server.answers("GET /v1*", told);
      server.answers("PATCH /v1*", refused);
      const kinds = await limited(server.origin);
      assert.equal(kinds.length, 5);
      for (const kind of kinds) assert.match(kind, /^(answer|stack|service) /);
    });
  }
});

/** What a client in 160 MB makes of it; fails when they do not suffice. */
async function limited(origin: string): Promise<string[]> {
  const worker = new Worker(new URL("../support/limited-client.ts", import.meta.url), {
    workerData: { origin },
    resourceLimits: { maxOldGenerationSizeMb: 160 },
  });
  const [kinds] = await once(worker, "message");
  await worker.terminate();
  return kinds;
}

test("an answer byte by byte is read as any other, and costs one deadline if it takes longer", async (t) => {
  const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{"stacks": []}';
  const cases: [string, number, number, string][] = [
    ["in time", 1, 5_000, "ok"],
    ["status and headers too slowly", 25, 400, "service timeout"],
  ];
  for (const [name, everyMs, deadlineMs, expected] of cases) {
    await t.test(name, async () => {
      const origin = await dripping(answer, everyMs);
      server.cloud.catalog = [heatService(`${origin}/v1/${PROJECT}`)];
      const { client: own, close: end } = clientFor(server, {}, { deadlineMs });
      const outcome = await own.listStacks(first);
      assert.equal(outcome.ok ? "ok" : kindOf(outcome), expected);
      await end();
    });
  }
});

test("interim answers and trailers without an end are no way around the deadline", async (t) => {
  const cases: [string, string, string, RegExp][] = [
    ["interim answers", "HTTP/1.1 102 Processing\r\n\r\n", "", /^(service timeout|path reset)$/],
    [
      "trailers",
      "x: y\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
      /^(service timeout|answer too_large|answer not_http)$/,
    ],
    [
      "chunk extensions",
      ";x=y".repeat(100),
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1",
      /^(service timeout|answer too_large|answer not_http)$/,
    ],
  ];
  for (const [name, again, before, expected] of cases) {
    await t.test(name, async () => {
      const origin = await repeating(before, again);
      server.cloud.catalog = [heatService(`${origin}/v1/${PROJECT}`)];
      const { client: own, close: end } = clientFor(server, {}, { deadlineMs: 500 });
      assert.match(kindOf(await own.listStacks(first)), expected);
      await end();
    });
  }
});

test("a password and a token go to no other origin, however they are asked to", async (t) => {
  for (const status of [301, 302, 303, 307, 308]) {
    await t.test(String(status), async () => {
      const away: Answer = (call) =>
        call.response
          .writeHead(status, { location: `${elsewhere.origin}${call.path}`, refresh: "0;url=/" })
          .end();
      server.answers("GET /v1*", away);
      server.answers("PATCH /v1*", away);
      server.answers("GET /v3", away);
      const calls = [
        client.listStacks(first),
        client.findStack("web"),
        client.showStack(ref),
        client.newestEvent(ref),
        client.patchCount(ref, "count", 3),
        client.askVersion(),
      ];
      for (const outcome of await Promise.all(calls)) {
        assert.equal(kindOf(outcome), `answer http_${status}`);
      }
      server.answers(LOGIN, away);
      const { client: own, close: end } = clientFor(server);
      assert.equal(kindOf(await own.listStacks(first)), `answer http_${status} unsent`);
      await end();
      assert.deepEqual(elsewhere.calls, []);
    });
  }
  await t.test("the same host by another scheme, port or name is another", async () => {
    const { port } = new URL(server.origin);
    const places = [`https://127.0.0.1:${port}`, `http://localhost:${port}`, "http://127.0.0.1:1"];
    for (const place of places) {
      server.answers(LIST, ({ response }) => response.writeHead(302, { location: place }).end());
      assert.equal(kindOf(await client.listStacks(first)), "answer http_302", place);
    }
  });
});

test("Heat's own certificate is looked at as Keystone's is, and before the token is sent", async (t) => {
  const cases: [string, string][] = [
    ["expired", "config certificate_expired unsent"],
    ["wrong-name", "config certificate_name unsent"],
    ["self-signed", "config certificate_self_signed unsent"],
  ];
  for (const [certificate, expected] of cases) {
    await t.test(certificate, async () => {
      const heat = await cloudServer({ certificate });
      server.cloud.catalog = [heatService(`${heat.origin}/v1/${PROJECT}`)];
      const { client: own, close: end } = clientFor(server, { cacert: pem("ca") });
      assert.equal(kindOf(await own.listStacks(first)), expected);
      assert.equal(kindOf(await own.patchCount(ref, "count", 3)), expected);
      assert.deepEqual(heat.calls, []);
      await end();
      await heat.close();
    });
  }
  await t.test("of an unknown CA", async () => {
    const heat = await cloudServer({ certificate: "server" });
    server.cloud.catalog = [heatService(`${heat.origin}/v1/${PROJECT}`)];
    const { client: own, close: end } = clientFor(server);
    const { class: faultClass, code } = faultOf(await own.listStacks(first));
    assert.deepEqual([faultClass, code], ["config", "certificate_unknown_ca"]);
    assert.deepEqual(heat.calls, []);
    await end();
    await heat.close();
  });
});

test("a cloud that misbehaved once is asked again as if nothing had been", async () => {
  const bad: Answer[] = [
    ({ response }) => response.socket?.resetAndDestroy(),
    flood(20).answer,
    ({ response }) => response.writeHead(200, { "content-encoding": "gzip" }).end("x"),
    ({ response }) => response.writeHead(200, { "content-length": "9" }).write("{"),
    (call) => keystoneError(call, 401),
  ];
  const { client: own, close: end } = clientFor(server, {}, { deadlineMs: 500 });
  for (const answer of bad) {
    server.answers(LIST, answer);
    assert.equal((await own.listStacks(first)).ok, false);
    server.answers(LIST, undefined);
    assert.deepEqual(theValue(await own.listStacks(first)).stacks, []);
  }
  assert.ok(server.callsOf(LOGIN).every(({ body }) => body.includes(PASSWORD)));
  await end();
});

/** A server that sends this text a byte at a time. */
function dripping(text: string, everyMs: number): Promise<string> {
  return rawServer((socket) => {
    let sent = 0;
    const drip = setInterval(() => {
      if (sent < text.length) socket.write(text.charAt(sent++));
    }, everyMs);
    socket.on("close", () => clearInterval(drip));
  });
}

/** A server that sends the one, and then the other for ever. */
function repeating(before: string, again: string): Promise<string> {
  return rawServer((socket) => {
    socket.write(before);
    const drip = setInterval(() => socket.write(again), 1);
    socket.on("close", () => clearInterval(drip));
  });
}

async function rawServer(answer: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const raw = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    socket.once("data", () => answer(socket));
  });
  await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    raw.close();
  });
  const address = raw.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}
