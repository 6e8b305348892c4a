import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { after, test } from "node:test";
import { clientFor, faultOf, kindOf, theValue } from "../support/cloud-client.ts";
import {
  type CloudServer,
  cloudServer,
  heatService,
  PROJECT,
  pem,
} from "../support/cloud-server.ts";
import { until } from "../support/until.ts";

const ref = { stack_name: "web", heat_stack_id: "id-1" };
const first = { limit: 1, pages: "first", login: true } as const;
const LIST = `GET /v1/${PROJECT}/stacks`;
/** A resolver may take its time to say so. */
const NO_NAME = "no such name";
const PATCH = `PATCH /v1/${PROJECT}/stacks/web/id-1`;

const ends: (() => unknown)[] = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});

/** A server of raw sockets on a free port. */
async function socketServer(onSocket: (socket: Socket) => void): Promise<string> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket.on("error", () => {}));
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

async function refusingPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

async function goodCloud(options = {}): Promise<CloudServer> {
  const server = await cloudServer(options);
  ends.push(server.close);
  return server;
}

function athens(server: { origin: string }, changes: object = {}, deadlineMs = 5000) {
  const { client, close } = clientFor(server, changes, { deadlineMs });
  ends.push(close);
  return client;
}

test("a Keystone that cannot be reached is silence on the path", async (t) => {
  const cases: [string, string, string][] = [
    ["refused", `http://${await refusingPort()}`, "path refused unsent"],
    [NO_NAME, "http://nowhere.invalid:5000", "path dns unsent"],
    [
      "cut off at once",
      `http://${await socketServer((socket) => socket.resetAndDestroy())}`,
      "path reset unsent",
    ],
    [
      "handshake cut off",
      `https://${await socketServer((socket) => socket.destroy())}`,
      "path reset unsent",
    ],
    [
      "handshake without an end",
      `https://${await socketServer(() => {})}`,
      "path connect_timeout unsent",
    ],
    ["accepts, never answers", `http://${await socketServer(() => {})}`, "service timeout unsent"],
    [
      "no HTTP",
      `http://${await socketServer((socket) => socket.end("220 mail.example ESMTP\r\n"))}`,
      "answer not_http unsent",
    ],
    [
      "TLS asked of a port without it",
      `https://${await socketServer((socket) => socket.end("220 mail.example ESMTP\r\n"))}`,
      "config tls unsent",
    ],
  ];
  for (const [name, origin, expected] of cases) {
    await t.test(name, async () => {
      const client = athens({ origin }, {}, name === NO_NAME ? 60_000 : 800);
      assert.equal(kindOf(await client.listStacks(first)), expected);
      const { class: faultClass, code } = faultOf(await client.askVersion());
      assert.match(expected, new RegExp(`^${faultClass} ${code}\\b`));
    });
  }
});

test("a PATCH says whether it can have been received", async (t) => {
  const server = await goodCloud();
  const cases: [string, string, string][] = [
    ["refused", `http://${await refusingPort()}`, "path refused unsent"],
    [NO_NAME, "http://nowhere.invalid:8004", "path dns unsent"],
    [
      "reset when it has arrived",
      `http://${await socketServer((socket) => socket.once("data", () => socket.resetAndDestroy()))}`,
      "path reset",
    ],
    [
      "closed when it has arrived",
      `http://${await socketServer((socket) => socket.once("data", () => socket.end()))}`,
      "path reset",
    ],
    ["never answered", `http://${await socketServer(() => {})}`, "service timeout"],
    [
      "answered by half",
      `http://${await socketServer((socket) =>
        socket.once("data", () =>
          socket.write("HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\nab"),
        ),
      )}`,
      "service timeout",
    ],
    [
      "answered with a status that is none",
      `http://${await socketServer((socket) =>
        socket.once("data", () => socket.end("HTTP/1.1 099 Odd\r\ncontent-length: 0\r\n\r\n")),
      )}`,
      "answer unreadable",
    ],
    [
      "handshake without an end",
      `https://${await socketServer(() => {})}`,
      "path connect_timeout unsent",
    ],
  ];
  for (const [name, origin, expected] of cases) {
    await t.test(name, async () => {
      server.cloud.catalog = [heatService(`${origin}/v1/${PROJECT}`)];
      const client = athens(server, {}, name === NO_NAME ? 60_000 : 800);
      assert.equal(kindOf(await client.patchCount(ref, "count", 3)), expected);
    });
  }
});

test("a list that breaks off in the middle is a reset", async () => {
  const server = await goodCloud();
  server.answers(LIST, ({ response }) => {
    response.writeHead(200, { "content-length": "1000" });
    response.write('{"stacks": [', () => response.socket?.resetAndDestroy());
  });
  assert.equal(kindOf(await athens(server).listStacks(first)), "path reset");
});

test("a body without an end costs one deadline", async () => {
  const server = await goodCloud();
  server.answers(LIST, ({ response }) => {
    response.writeHead(200);
    const drip = setInterval(() => response.write(" "), 20);
    response.on("close", () => clearInterval(drip));
  });
  assert.equal(kindOf(await athens(server, {}, 300).listStacks(first)), "service timeout");
});

test("api_timeout shortens the deadline, and cannot lengthen it", async () => {
  const server = await goodCloud();
  server.answers(LIST, () => {});
  assert.equal(
    kindOf(await athens(server, { api_timeout: 0.2 }, 3_600_000).listStacks(first)),
    "service timeout",
  );
  assert.equal(
    kindOf(await athens(server, { api_timeout: 3600 }, 200).listStacks(first)),
    "service timeout",
  );
});

test("no more than 16 requests are under way at a time, and the rest wait their turn", async () => {
  const server = await goodCloud();
  const held: (() => void)[] = [];
  const client = athens(server);
  theValue(await client.listStacks(first));
  server.answers(LIST, ({ response }) => held.push(() => response.end('{"stacks": []}')));
  const asked = Array.from({ length: 40 }, () => client.listStacks(first));
  await until("16 requests", () => held.length === 16);
  for (let answered = 0; answered < 40; answered++) {
    const answer = await until("a request", () => held.shift());
    assert.ok(held.length < 16);
    answer();
  }
  for (const outcome of await Promise.all(asked)) assert.ok(outcome.ok);
});

test("what says that it waited behind 16 that hang was never sent", async () => {
  const server = await goodCloud();
  const client = athens(server, {}, 1000);
  theValue(await client.listStacks(first));
  server.answers(PATCH, () => {});
  const asked = Array.from({ length: 100 }, () => client.patchCount(ref, "count", 3));
  const kinds = (await Promise.all(asked)).map(kindOf);
  const unsent = kinds.filter((kind) => kind === "path connect_timeout unsent").length;
  const sent = kinds.filter((kind) => kind === "service timeout").length;
  assert.ok(unsent > 0);
  // A few get the connection of one that hung, in the moment before their own deadline.
  assert.ok(sent >= 16);
  assert.equal(unsent + sent, 100);
  assert.ok(server.callsOf(PATCH).length <= sent);
});

test("a certificate that does not hold is our configuration, never an outage", async (t) => {
  const ca = pem("ca");
  const cases: [string, string, object, string][] = [
    ["expired", "expired", { cacert: ca }, "config certificate_expired unsent"],
    ["for another name", "wrong-name", { cacert: ca }, "config certificate_name unsent"],
    ["of an unknown CA", "server", {}, "config certificate_unknown_ca unsent"],
    ["self-signed", "self-signed", {}, "config certificate_self_signed unsent"],
  ];
  for (const [name, certificate, changes, expected] of cases) {
    await t.test(name, async () => {
      const client = athens(await goodCloud({ certificate }), changes);
      assert.equal(kindOf(await client.listStacks(first)), expected);
      assert.equal(kindOf(await client.askVersion()), expected);
    });
  }
});

test("cacert, verify, insecure and a client certificate are used", async (t) => {
  const cases: [string, object, object][] = [
    ["cacert", { certificate: "server" }, { cacert: pem("ca") }],
    ["verify: false", { certificate: "expired" }, { verify: false }],
    ["insecure: true", { certificate: "wrong-name" }, { insecure: true, verify: true }],
    [
      "cert and key",
      { certificate: "server", clientCa: "ca" },
      { cacert: pem("ca"), cert: pem("client"), key: pem("key") },
    ],
    [
      "cert and key in one file",
      { certificate: "server", clientCa: "ca" },
      { cacert: pem("ca"), cert: pem("client") + pem("key") },
    ],
  ];
  for (const [name, options, changes] of cases) {
    await t.test(name, async () => {
      const client = athens(await goodCloud(options), changes);
      assert.deepEqual(theValue(await client.listStacks(first)).stacks, []);
    });
  }
});
