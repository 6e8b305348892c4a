import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { bus } from "../../lib/event/bus.ts";
import { Event } from "../../lib/event/schema.ts";
import { type LocalBus, localBus } from "../../lib/local/bus.ts";
import { log } from "../../lib/log.ts";

const quiet = log({ level: "CRITICAL", write: () => undefined });

function fact(n: number): Event {
  return Event.parse({
    id: `01K${String(n).padStart(23, "0")}`,
    at: "2026-11-20T16:17:50.123Z",
    type: "stack.reallocated",
    stack_name: "web",
    generation: n,
    message: "web: stockholm 2 -> 0, athens 6 -> 7",
    changes: [{ cloud: "athens", from: 6, to: 7 }],
    cause: "stockholm is unreachable",
  });
}

describe("the local bus, through the client that is deployed", () => {
  let local: LocalBus;
  let client: EventBridgeClient;
  let told: Event[] = [];
  let isFull = false;

  before(async () => {
    const onFact = async (event: Event) => {
      if (isFull) throw new Error("the disk is full");
      told.push(event);
    };
    local = await localBus({ onFact, log: quiet });
    client = new EventBridgeClient({
      endpoint: local.endpoint,
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    });
  });
  beforeEach(() => {
    told = [];
  });
  after(async () => {
    client.destroy();
    await local.stop();
  });

  test("hands on each fact as it was, however many there are", async () => {
    const facts = Array.from({ length: 23 }, (_, n) => fact(n));
    assert.deepEqual(await bus({ busName: "facts", client }).announce(facts), []);
    assert.deepEqual(told, facts);
    assert.deepEqual(local.facts().slice(-23), facts);
  });

  test("a fact that is announced twice is told once", async () => {
    const { announce } = bus({ busName: "facts", client });
    assert.deepEqual(await announce([fact(100), fact(101)]), []);
    assert.deepEqual(await announce([fact(101), fact(102)]), []);
    assert.deepEqual(told, [fact(100), fact(101), fact(102)]);
  });

  test("says which facts the bus refused", async () => {
    const broken = { ...fact(201), changes: "none" } as unknown as Event;
    const refused = await bus({ busName: "facts", client }).announce([
      fact(200),
      broken,
      fact(202),
    ]);
    assert.deepEqual(refused, [broken.id]);
    assert.deepEqual(told, [fact(200), fact(202)]);
  });

  test("a fact that could not be handed on is refused, and told when it comes again", async () => {
    isFull = true;
    const { announce } = bus({ busName: "facts", client });
    assert.deepEqual(await announce([fact(300)]), [fact(300).id]);
    isFull = false;
    assert.deepEqual(await announce([fact(300)]), []);
    assert.deepEqual(told, [fact(300)]);
  });

  test("keeps the newest 1,000", async () => {
    const facts = Array.from({ length: 1005 }, (_, n) => fact(1000 + n));
    await bus({ busName: "facts", client }).announce(facts);
    assert.equal(local.facts().length, 1000);
    assert.deepEqual(local.facts().at(-1), facts.at(-1));
  });

  test("nothing to announce asks nobody", async () => {
    const unreachable = new EventBridgeClient({ endpoint: "http://127.0.0.1:1", region: "none" });
    assert.deepEqual(await bus({ busName: "facts", client: unreachable }).announce([]), []);
  });

  test("a bus that cannot be reached is an error", async () => {
    const unreachable = new EventBridgeClient({
      endpoint: "http://127.0.0.1:1",
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
      maxAttempts: 1,
    });
    await assert.rejects(bus({ busName: "facts", client: unreachable }).announce([fact(1)]), {
      code: "ECONNREFUSED",
    });
  });
});
