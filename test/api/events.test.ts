import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { EventDetail } from "../../lib/api/schema.ts";
import { contradictions } from "../../lib/event/replay.ts";
import type { Event } from "../../lib/event/schema.ts";
import { problemIn, testApi, tokens } from "../support/api.ts";
import { outage } from "../support/outage.ts";

describe("the events of an outage", () => {
  let api: ReturnType<typeof testApi>;
  before(async () => {
    const one = await outage();
    api = testApi({ table: one.table, now: one.time.now });
  });
  const list = async (path: string, query?: Record<string, string>): Promise<Event[]> => {
    const got = await api.call("GET", path, { token: tokens.reader, ...(query ? { query } : {}) });
    assert.equal(got.status, 200, got.text);
    return got.body.events;
  };

  test("each is shown by its id, with its evidence and its story", async () => {
    for (const listed of await list("/v1/events")) {
      const got = await api.call("GET", `/v1/events/${listed.id}`, { token: tokens.reader });
      assert.equal(got.status, 200, got.text);
      const { explanation, evidence, ...event } = got.body as EventDetail;
      assert.deepEqual(event, listed);
      assert.equal(evidence !== undefined, /^cloud|reallocated/.test(listed.type), listed.type);
      assert.deepEqual(contradictions({ ...event, evidence }), []);
      assert.ok(explanation.length > 0);
    }
  });

  test("the story of a loss names the reallocation that it brought about, and the return", async () => {
    const events = await list("/v1/clouds/athens/events");
    const loss = events.find(({ type }) => type === "cloud.unreachable");
    const back = events.find(({ type }) => type === "cloud.reachable");
    const [, dealt] = (await list("/v1/stacks/web/events")).filter(
      ({ type }) => type === "stack.reallocated",
    );
    const { body } = await api.call("GET", `/v1/events/${loss?.id}`);
    const told = (body as EventDetail).explanation.join("\n");
    assert.ok(told.includes(`(event ${dealt?.id})`), told);
    assert.ok(told.includes(`(event ${back?.id})`), told);
  });

  test("lists leave the evidence out unless it is asked for", async () => {
    for (const path of ["/v1/events", "/v1/stacks/web/events", "/v1/clouds/athens/events"]) {
      assert.ok((await list(path)).every(({ evidence }) => evidence === undefined));
      assert.ok((await list(path, { evidence: "true" })).some(({ evidence }) => evidence));
    }
    const got = await api.call("GET", "/v1/events", { query: { evidence: "yes" } });
    problemIn(got, 400, "request.invalid");
  });

  test("an event that is not there, and what is no id", async () => {
    const missing = problemIn(
      await api.call("GET", "/v1/events/01ARZ3NDEKTSV4RRFFQ69G5FAV"),
      404,
      "event.missing",
    );
    assert.equal(
      missing.detail,
      "There is no event 01ARZ3NDEKTSV4RRFFQ69G5FAV; they are kept for 30 days.",
    );
    const latest = await api.call("GET", `/v1/events/7${"Z".repeat(25)}`);
    problemIn(latest, 404, "event.missing");
    for (const id of [
      "1",
      "01arz3ndektsv4rrffq69g5fav",
      `8${"Z".repeat(25)}`,
      "%00",
      "01".repeat(13),
    ]) {
      const got = await api.call("GET", `/v1/events/${id}`);
      if (id === "01".repeat(13)) problemIn(got, 404, "event.missing");
      else problemIn(got, 400, "request.invalid");
    }
    problemIn(await api.call("GET", "/v1/events/1", { token: null }), 401, "request.unauthorized");
  });
});
