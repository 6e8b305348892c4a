import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { afterEach, describe, test } from "node:test";
import { Event } from "../../lib/event/schema.ts";
import type { Outbox } from "../../lib/local/outbox.ts";
import { type WebhookOptions, webhook } from "../../lib/local/webhook.ts";
import { type LogLine, log } from "../../lib/log.ts";
import { version } from "../../lib/version.ts";
import { until } from "../support/until.ts";

const target = (url: string) => ({ url, headers: { authorization: "Bearer s3cret" } });

function eventOf(n: number, at = new Date()): Event {
  return Event.parse({
    id: `01K${String(n).padStart(23, "0")}`,
    at: at.toISOString(),
    type: "cloud.unreachable",
    cloud: "athens",
    message: `athens is unreachable, ${n}`,
    changes: [],
    cause: "the test says so",
  });
}

/** An endpoint that answers as it is told, and keeps what it took. */
async function endpoint(answer: (n: number, attempt: number) => number | "hang" = () => 204) {
  const taken: number[] = [];
  const asked: { body: { id: string; detail: Event }; headers: IncomingHttpHeaders }[] = [];
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as { id: string; detail: Event };
    asked.push({ body, headers: request.headers });
    const n = Number(body.id.slice(3));
    const attempt = asked.filter((one) => one.body.id === body.id).length;
    const status = answer(n, attempt);
    if (status === "hang") return;
    if (status < 300) taken.push(n);
    response.writeHead(status, { location: "http://elsewhere.example/" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.add(server);
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hooks/s3cret-path`, taken, asked };
}
const open = new Set<Server>();
const running = new Set<{ stop: () => Promise<void> }>();
afterEach(async () => {
  for (const each of running) await each.stop();
  running.clear();
  for (const server of open) server.close().closeAllConnections();
  open.clear();
});

/** What outlives a runtime: the outbox and the dead letters. */
function kept() {
  const events = new Map<string, Event>();
  const buried: { event: Event; attempts: number; reason: string }[] = [];
  const outbox: Outbox = {
    read: async () => [...events.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    put: async (event) => void events.set(event.id, event),
    remove: async (id) => void events.delete(id),
  };
  return { events, buried, outbox };
}

async function start(url: string, own = kept(), settings: WebhookOptions["settings"] = {}) {
  const lines: LogLine[] = [];
  const hook = await webhook({
    target: target(url),
    outbox: own.outbox,
    bury: async (event, why) => void own.buried.push({ event, ...why }),
    log: log({ level: "DEBUG", write: (line) => lines.push(line) }),
    settings: { pauseMs: 1, longestPauseMs: 20, timeoutMs: 1000, ...settings },
  });
  running.add(hook);
  return { ...own, ...hook, lines };
}

describe("the webhook", () => {
  test("sends each event in EventBridge's envelope, with the token, and its own name", async () => {
    const { url, taken, asked } = await endpoint();
    const hook = await start(url);
    for (const n of [1, 2, 3]) await hook.add(eventOf(n));
    await until("all", () => taken.length === 3);
    assert.deepEqual(taken, [1, 2, 3]);
    const [first] = asked;
    const event = eventOf(1);
    assert.equal(first?.headers.authorization, "Bearer s3cret");
    const { host: _, authorization: __, "content-length": ___, ...others } = first?.headers ?? {};
    assert.deepEqual(others, {
      "content-type": "application/json",
      "user-agent": `heat-spreader/${version}`,
      connection: "close",
    });
    assert.deepEqual(
      { ...first?.body, time: "", detail: { ...first?.body.detail, at: event.at } },
      {
        version: "0",
        id: event.id,
        "detail-type": "cloud.unreachable",
        source: "heat-spreader",
        account: "000000000000",
        time: "",
        region: "local",
        resources: [],
        detail: event,
      },
    );
    await until("an empty outbox", () => hook.events.size === 0);
  });

  test("what fails is tried again until it is taken, whatever the failure", async () => {
    const failures = [500, 429, 404, 302, "hang"] as const;
    const { url, taken } = await endpoint((_, attempt) => failures[attempt - 1] ?? 200);
    const hook = await start(url);
    await hook.add(eventOf(1));
    await until("taken", () => taken.length === 1);
    await until("an empty outbox", () => hook.events.size === 0);
    assert.equal(hook.buried.length, 0);
    const reasons = hook.lines.map(({ reason }) => reason);
    assert.deepEqual(reasons, [
      "it answered 500",
      "it answered 429",
      "it answered 404",
      "it answered 302",
      "no answer within 1 s",
    ]);
  });

  test("newer events go before one that failed: order is not kept, and ids sort by time", async () => {
    const late: number[] = [];
    const { url, asked } = await endpoint((n) => {
      if (n === 1 && late.length < 2) return 500;
      late.push(n);
      return 204;
    });
    const hook = await start(url);
    for (const n of [1, 2, 3]) await hook.add(eventOf(n));
    await until("all", () => late.length === 3);
    assert.deepEqual(late, [2, 3, 1]);
    const ids = asked.map(({ body }) => body.detail.id);
    assert.deepEqual(
      [...new Set(ids)].sort(),
      [1, 2, 3].map((n) => eventOf(n).id),
    );
  });

  test("an event that is refused for ever keeps no other waiting", async () => {
    const { url, taken } = await endpoint((n) => (n === 1 ? 400 : 204));
    const hook = await start(url);
    for (const n of [1, 2, 3]) await hook.add(eventOf(n));
    await until("the others", () => taken.length === 2);
    await until("their being put away", () => hook.events.size === 1);
    assert.deepEqual([...hook.events.keys()], [eventOf(1).id]);
  });

  test("adding waits for no endpoint, and what was added outlives the runtime", async () => {
    const { url, asked } = await endpoint(() => "hang");
    const first = await start(url);
    for (const n of [1, 2]) await first.add(eventOf(n));
    await until("asked", () => asked.length > 0);
    await first.stop();
    assert.equal(first.events.size, 2);
    assert.ok(first.lines.some(({ message }) => message === "events not delivered yet"));

    const other = await endpoint();
    const second = await start(other.url, { ...first });
    await until("taken", () => other.taken.length === 2);
    assert.deepEqual(other.taken, [1, 2]);
    await until("an empty outbox", () => second.events.size === 0);
  });

  test("after a day an event is given up on, and kept where it is found", async () => {
    const { url } = await endpoint(() => 500);
    const hook = await start(url);
    await hook.add(eventOf(1, new Date(Date.now() - 25 * 3_600_000)));
    await until("buried", () => hook.buried.length === 1);
    assert.equal(hook.buried[0]?.reason, "webhook: it answered 500");
    await until("an empty outbox", () => hook.events.size === 0);
    assert.ok(
      hook.lines.some(({ level, message }) => level === "ERROR" && message === "event given up"),
    );
  });

  test("more than may wait is given up on at once, and said", async () => {
    const { url } = await endpoint(() => 500);
    const hook = await start(url, kept(), { most: 2 });
    for (const n of [1, 2, 3]) await hook.add(eventOf(n));
    assert.deepEqual(
      hook.buried.map(({ event, reason }) => [event.id, reason]),
      [[eventOf(3).id, "webhook: 2 events were waiting already"]],
    );
    assert.equal(hook.events.size, 2);
  });

  test("neither the token nor the path of the URL is ever logged", async () => {
    const { url, asked } = await endpoint(() => 500);
    const hook = await start(url);
    await hook.add(eventOf(1));
    await until("asked twice", () => asked.length > 1);
    const closed = await endpoint();
    for (const server of open) server.close().closeAllConnections();
    const gone = await start(closed.url);
    await gone.add(eventOf(2));
    await until("a line", () => gone.lines.length > 0);
    const said = JSON.stringify([...hook.lines, ...gone.lines]);
    assert.match(said, /ECONNREFUSED/);
    assert.doesNotMatch(said, /s3cret/);
  });
});
