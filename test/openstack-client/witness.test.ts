import assert from "node:assert/strict";
import { createServer as httpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as tlsServer } from "node:https";
import { createServer, type Server, type Socket } from "node:net";
import { after, test } from "node:test";
import { dnsResolve, type Resolve } from "../../lib/openstack/names.ts";
import { type WitnessOptions, witnessAsker } from "../../lib/openstack/witness.ts";
import { WitnessInput } from "../../lib/stack/witness.ts";
import { pem } from "../support/cloud-server.ts";
import { nameServer, type Says } from "../support/name-server.ts";

const ends: (() => unknown)[] = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** A web server that counts who came; its port. */
async function web(handle: Handle): Promise<{ port: number; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = httpServer((request, response) => {
    requests.push(request);
    handle(request, response);
  });
  return { port: await listening(server), requests };
}

const status =
  (code: number, headers: Record<string, string> = {}): Handle =>
  (_, response) =>
    response.writeHead(code, headers).end("body");

/** `answers`, or the class and code of what is wrong. */
async function ask(witness: unknown, more: Partial<WitnessOptions> = {}): Promise<string> {
  const asker = witnessAsker({ deadlineMs: 5000, allowsPrivate: true, ...more });
  const outcome = await asker(WitnessInput.parse(witness));
  return outcome.ok ? "answers" : `${outcome.fault.class} ${outcome.fault.code}`;
}

async function fault(witness: unknown, more: Partial<WitnessOptions> = {}) {
  const asker = witnessAsker({ deadlineMs: 5000, allowsPrivate: true, ...more });
  const outcome = await asker(WitnessInput.parse(witness));
  assert.ok(!outcome.ok);
  return outcome.fault;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

test("an HTTP witness answers when the status is the one expected, and is sent no credentials", async () => {
  const { port, requests } = await web(status(200));
  const url = `http://127.0.0.1:${port}/health?deep=1`;
  assert.equal(await ask({ url }), "answers");
  assert.equal(await ask({ url, status: 204 }), "service http_200");
  const [first] = requests;
  assert.deepEqual([first?.method, first?.url], ["GET", "/health?deep=1"]);
  assert.deepEqual(Object.keys(first?.headers ?? {}).sort(), [
    "accept",
    "connection",
    "host",
    "user-agent",
  ]);
});

test("a redirect is a status like any other: nobody else is asked", async () => {
  const elsewhere = await web(status(200));
  const location = `http://127.0.0.1:${elsewhere.port}/`;
  const { port } = await web(status(302, { location }));
  assert.equal(await ask({ url: `http://127.0.0.1:${port}/` }), "service http_302");
  assert.equal(await ask({ url: `http://127.0.0.1:${port}/`, status: 302 }), "answers");
  assert.equal(elsewhere.requests.length, 0);
});

test("a TCP witness answers when it takes the connection", async () => {
  const port = await listening(createServer());
  assert.equal(await ask({ tcp: `127.0.0.1:${port}` }), "answers");
  assert.equal(await ask({ tcp: `127.0.0.1:${await freePort()}` }), "path refused");
});

test("what hangs, cuts off, or talks without end is silent, or says nothing, within the deadline", async () => {
  const hangs = await listening(createServer());
  const cuts = await listening(createServer((socket) => socket.destroy()));
  const babbles = await listening(
    createServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const more = () => {
        if (socket.writable) socket.write(`x: ${"y".repeat(10_000)}\r\n`, () => setImmediate(more));
      };
      more();
    }),
  );
  const endless = await web((_, response) => {
    response.writeHead(200);
    const more = () => {
      if (response.writable && !response.destroyed)
        response.write("z".repeat(100_000), () => setImmediate(more));
    };
    more();
  });
  const short = { deadlineMs: 200 };
  assert.equal(await ask({ url: `http://127.0.0.1:${hangs}/` }, short), "service timeout");
  assert.equal(await ask({ url: `http://127.0.0.1:${cuts}/` }), "path reset");
  assert.equal(await ask({ url: `http://127.0.0.1:${babbles}/` }), "answer not_http");
  const upgrades = await listening(
    createServer((socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    }),
  );
  assert.equal(await ask({ url: `http://127.0.0.1:${endless.port}/` }), "answers");
  assert.equal(await ask({ url: `http://127.0.0.1:${upgrades}/` }), "path reset");
});

test("a certificate must be good, and for the name that was declared", async () => {
  const names: string[] = [];
  const server = tlsServer({
    key: pem("key"),
    cert: pem("server"),
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  });
  const port = await listening(server);
  const resolve = async () => ["127.0.0.1"];
  const untrusted = await fault({ url: `https://web.example.org:${port}/` }, { resolve });
  assert.match(untrusted.message, /nobody we know: name a URL with a publicly trusted certificate/);
  assert.deepEqual(names, ["web.example.org"]);
  await ask({ url: `https://web.example.org.:${port}/` }, { resolve });
  assert.deepEqual(names, ["web.example.org", "web.example.org"], "without the last dot");
});

test("private addresses are asked only where they are allowed; special ones never", async () => {
  const { port, requests } = await web(status(200));
  const strict = { allowsPrivate: false };
  const refused = await fault({ url: `http://127.0.0.1:${port}/` }, strict);
  assert.deepEqual([refused.class, refused.code], ["config", "refused_address"]);
  assert.match(refused.message, /WITNESS_PRIVATE=allow/);
  assert.equal(await ask({ url: `http://localhost:${port}/` }, strict), "config refused_address");
  assert.equal(await ask({ url: `http://localhost:${port}/` }), "answers");
  assert.equal(await ask({ tcp: "0x7f.1:1" }, strict), "config refused_address");
  for (const address of ["10.1.2.3", "::1", "::ffff:192.168.0.1", "fd12::1", "100.64.0.1"]) {
    const resolve = async () => [address];
    const found = await ask({ tcp: `a.example:${port}` }, { ...strict, resolve });
    assert.equal(found, "config refused_address", address);
  }
  for (const address of ["169.254.169.254", "fe80::1", "fd20:ce::254", "64:ff9b:1::a9fe:a9fe"]) {
    const resolve = async () => [address];
    assert.equal(await ask({ tcp: `a.example:${port}` }, { resolve }), "config refused_address");
  }
  assert.equal(requests.length, 1);
});

test("one bad address among a name's good ones refuses the whole", async () => {
  const { port, requests } = await web(status(200));
  const resolve = async () => ["127.0.0.1", "169.254.169.254"];
  const found = await ask({ url: `http://a.example:${port}/` }, { resolve });
  assert.equal(found, "config refused_address");
  assert.equal(requests.length, 0);
});

test("a name is resolved once: what it would be the second time is never asked", async () => {
  const good = await web(status(200));
  const bad = await web(status(200));
  const answers = [["127.0.0.1"], ["127.0.0.2"]];
  let asked = 0;
  const resolve = async () => {
    asked += 1;
    return answers[asked - 1] ?? [];
  };
  const url = `http://rebinding.example:${good.port}/`;
  assert.equal(await ask({ url }, { resolve }), "answers");
  assert.equal(asked, 1);
  assert.equal(good.requests[0]?.headers.host, `rebinding.example:${good.port}`);
  assert.equal(bad.requests.length, 0);
});

test("the next address is tried where one does not answer", async () => {
  const { port } = await web(status(200));
  const resolve = async () => ["127.0.0.2", "127.0.0.1"];
  assert.equal(await ask({ url: `http://a.example:${port}/` }, { resolve }), "answers");
});

/** DNS asked at a name server on a free port. */
async function resolveAt(says: Says): Promise<Resolve> {
  const { address, close } = await nameServer(says);
  ends.push(close);
  return dnsResolve([address]);
}

test("over real DNS, too, a name that turns bad the second time is asked at its first address only", async () => {
  const { port, requests } = await web(status(200));
  const addresses = ["127.0.0.1", "169.254.169.254"];
  const resolve = await resolveAt((family) => {
    if (family === "AAAA") return [];
    const next = addresses.shift();
    return next === undefined ? "no such name" : [next];
  });
  const url = `http://rebinding.example:${port}/`;
  assert.equal(await ask({ url }, { resolve }), "answers");
  assert.equal(await ask({ url }, { resolve }), "config refused_address");
  assert.equal(await ask({ url }, { resolve }), "config no_such_name");
  assert.equal(requests.length, 1);
});

test("an answer for one family is enough, and the other one's is looked at while it is known", async () => {
  const { port, requests } = await web(status(200));
  const url = `http://a.example:${port}/`;
  const drops = await resolveAt((family) => (family === "A" ? ["127.0.0.1"] : "nothing"));
  assert.equal(await ask({ url }, { resolve: drops, deadlineMs: 2000 }), "answers");

  const both = Promise.withResolvers<void>();
  const bad = await resolveAt(async (family) => {
    if (family === "AAAA") both.resolve();
    await both.promise;
    return family === "A" ? ["127.0.0.1"] : ["fd00:ec2::254"];
  });
  assert.equal(await ask({ url }, { resolve: bad }), "config refused_address");
  assert.equal(requests.length, 1);
});

test("a question that is lost is asked again, and leaves time to connect", async () => {
  const { port } = await web(status(200));
  const lost = new Set<string>();
  const resolve = await resolveAt((family) => {
    if (lost.has(family)) return family === "A" ? ["127.0.0.1"] : [];
    lost.add(family);
    return "nothing";
  });
  const url = `http://a.example:${port}/`;
  assert.equal(await ask({ url }, { resolve, deadlineMs: 2000 }), "answers");
});

test("a name server that hangs or fails is a silence; a name that is none says nothing", async () => {
  const failing = (code: string) => async () => {
    throw Object.assign(new Error(code), { code });
  };
  const of = (resolve: Resolve, deadlineMs = 5000) =>
    ask({ tcp: "a.example:1" }, { resolve, deadlineMs });
  assert.equal(await of(failing("ENOTFOUND")), "config no_such_name");
  assert.equal(await of(async () => []), "config no_such_name");
  assert.equal(await of(failing("ESERVFAIL")), "path dns");
  assert.equal(await of(await resolveAt(() => "nothing"), 200), "path dns");
  const half = await resolveAt((family) => (family === "A" ? [] : "nothing"));
  assert.equal(await of(half, 200), "path dns", "no IPv4 address, and nobody knows of IPv6");
  await assert.rejects(
    of(() => Promise.reject(new TypeError("a bug"))),
    /a bug/,
  );
});

test("no message shows a query, or anything of a body", async () => {
  const { port } = await web(status(500));
  const { message } = await fault({ url: `http://127.0.0.1:${port}/health?key=hunter2` });
  assert.match(message, /\/health: it answers 500, not 200/);
  assert.doesNotMatch(message, /hunter2|body/);
});
