import assert from "node:assert/strict";
import { test } from "node:test";
import { readHeatStack } from "../../lib/cloud/observe.ts";
import { CloudName, type Seen, type Verdict } from "../../lib/cloud/schema.ts";
import { fault, type PlainCloud, plainCloud, putHeatStack } from "../support/plain-cloud.ts";
import { at } from "../support/time.ts";

const cloud = CloudName.parse("athens");
const settings = { stuckGraceMs: 300_000, updateTimeoutMs: 3_600_000, pushSilenceMs: 300_000 };

type More = { seconds?: number; previous?: Seen | undefined; verdict?: Verdict };

function outcome(of: PlainCloud, { seconds = 0, previous, verdict }: More = {}) {
  of.calls.length = 0;
  return readHeatStack({
    cloud,
    client: of.client,
    stack_name: "web",
    parameter: "count",
    previous,
    stack: undefined,
    push: undefined,
    asked_at: undefined,
    verdict,
    now: () => new Date(at(seconds)),
    settings,
  });
}

async function read(of: PlainCloud, more: More = {}): Promise<Seen> {
  const got = await outcome(of, more);
  assert.ok(got.ok, got.ok ? "" : got.fault.message);
  return got.value;
}

function returned(seconds: number): Verdict {
  const since = at(seconds);
  return {
    cloud,
    verdict: "reachable",
    since,
    at: since,
    lost_at: at(seconds - 100),
    returned_at: since,
    reason: "",
    votes: [],
  };
}

test("a heat stack met first is found by name, then read in full", async () => {
  const of = plainCloud();
  putHeatStack(of, { count: 6 });
  const seen = await read(of, { seconds: 5 });
  assert.deepEqual(of.calls, ["find web", "show web"]);
  assert.deepEqual(
    [seen.count, seen.in_place, seen.heat_stack_id, seen.project_id, seen.read_at],
    [6, 6, "id-1", "project-1", at(5)],
  );
});

test("a heat stack that is known is read by its id", async () => {
  const of = plainCloud();
  putHeatStack(of);
  const previous = await read(of);
  putHeatStack(of, { count: 9, heat_status: "UPDATE_IN_PROGRESS" });
  const seen = await read(of, { previous });
  assert.deepEqual(of.calls, ["show web"]);
  assert.deepEqual([seen.count, seen.in_place], [9, 4]);
});

test("missing is said when id and name are gone", async () => {
  const of = plainCloud();
  putHeatStack(of);
  const previous = await read(of);
  of.heatStacks.clear();
  const missing = await read(of, { previous, seconds: 10 });
  assert.deepEqual(of.calls, ["show web", "find web"]);
  assert.deepEqual([missing.missing, missing.in_place], [{ since: at(10) }, 0]);
  assert.equal(missing.heat_status, undefined);
});

test("one that never was is missing, too", async () => {
  const seen = await read(plainCloud(), { seconds: 10 });
  assert.deepEqual(seen.missing, { since: at(10) });
});

test("DELETE_COMPLETE still answers by id, and is missing", async () => {
  const of = plainCloud();
  putHeatStack(of);
  const previous = await read(of);
  putHeatStack(of, { heat_status: "DELETE_COMPLETE" });
  assert.ok((await read(of, { previous })).missing);
});

test("one deleted between the list and the reading is missing", async () => {
  const of = plainCloud();
  putHeatStack(of);
  const { client } = of;
  const racing = {
    ...of,
    client: {
      ...client,
      showStack: (ref: Parameters<typeof client.showStack>[0]) => {
        of.heatStacks.clear();
        return client.showStack(ref);
      },
    },
  };
  assert.ok((await read(racing)).missing);
});

test("without the count parameter nothing is COMPLETE: a failed update to one that has it tells of nothing before", async () => {
  const of = plainCloud();
  const { heat_stack_id, ...detail } = putHeatStack(of);
  const renamed = { ...detail, heat_stack_id, parameters: new Map([["size", "7"]]) };
  of.heatStacks.set(heat_stack_id, renamed);
  const without = await read(of);
  assert.deepEqual(
    [without.count, without.in_place, without.complete_at],
    [undefined, 0, undefined],
  );
  const update = { heat_status: "UPDATE_FAILED", updated_time: "2026-01-01T00:00:10Z" };
  putHeatStack(of, { ...update, count: 4 });
  const failed = await read(of, { previous: without });
  assert.deepEqual([failed.count, failed.in_place, failed.complete_at], [4, 0, undefined]);
});

test("a new id under the name is taken over, with nothing in place until it is COMPLETE", async () => {
  const of = plainCloud();
  putHeatStack(of);
  const previous = await read(of);
  of.heatStacks.clear();
  putHeatStack(of, { heat_stack_id: "id-2", heat_status: "CREATE_IN_PROGRESS" });
  const seen = await read(of, { previous });
  assert.deepEqual([seen.heat_stack_id, seen.in_place, seen.missing], ["id-2", 0, undefined]);
  const missing = await read(plainCloud(), { previous });
  assert.equal((await read(of, { previous: missing })).heat_stack_id, "id-2", "after missing, too");
});

test("another project is never missing, but a config fault that says so", async () => {
  const of = plainCloud();
  putHeatStack(of);
  const previous = await read(of);
  of.project_id = "project-2";
  const other = await outcome(of, { previous });
  assert.deepEqual(other.ok ? undefined : [other.fault.class, other.fault.code], [
    "config",
    "another_project",
  ]);
  putHeatStack(of, { heat_stack_id: "id-2", project_id: "project-2" });
  assert.equal((await outcome(of, { previous })).ok, false, "though it has one of the name");
  const missing = await read(plainCloud(), {});
  of.heatStacks.clear();
  assert.equal((await outcome(of, { previous: missing })).ok, false, "nor missing before");
});

test("a fault on the way is the outcome, and never missing", async () => {
  const of = plainCloud();
  putHeatStack(of);
  const previous = await read(of);
  for (const met of [fault("service", "timeout"), fault("credentials", "forbidden", 403)]) {
    of.fault = met;
    assert.deepEqual(await outcome(of, { previous }), { ok: false, fault: met });
    assert.deepEqual(await outcome(of), { ok: false, fault: met });
  }
});

test("events are read only while in progress after a return", async () => {
  const of = plainCloud();
  putHeatStack(of, { updated_time: at(0), heat_status: "UPDATE_COMPLETE" });
  await read(of, { seconds: 2000, verdict: returned(100) });
  assert.deepEqual(of.calls, ["find web", "show web"]);
  putHeatStack(of, { heat_status: "UPDATE_IN_PROGRESS" });
  await read(of, { seconds: 2000 });
  assert.deepEqual(of.calls, ["find web", "show web"], "never lost");
  await read(of, { seconds: 2000, verdict: returned(-10) });
  assert.deepEqual(of.calls, ["find web", "show web"], "begun after the return");
  await read(of, { seconds: 399, verdict: returned(100) });
  assert.deepEqual(of.calls, ["find web", "show web"], "5 min not over");
  await read(of, { seconds: 400, verdict: returned(100) });
  assert.deepEqual(of.calls, ["find web", "show web", "events web"]);
});

test("an update cut off is stuck 5 min after the return, or after its last event", async () => {
  const of = plainCloud();
  putHeatStack(of, { updated_time: at(0), heat_status: "UPDATE_IN_PROGRESS" });
  const verdict = returned(100);
  assert.equal((await read(of, { seconds: 399, verdict })).stuck, undefined);
  assert.deepEqual((await read(of, { seconds: 400, verdict })).stuck, { since: at(400) });
  of.events.set("id-1", at(50));
  assert.ok((await read(of, { seconds: 400, verdict })).stuck, "an event before the return");
  of.events.set("id-1", at(200));
  assert.equal((await read(of, { seconds: 400, verdict })).stuck, undefined, "it goes on");
  assert.ok((await read(of, { seconds: 500, verdict })).stuck);
});

test("an update that outlived its timeout is stuck, without asking for events", async () => {
  const of = plainCloud();
  putHeatStack(of, { updated_time: at(0), heat_status: "UPDATE_IN_PROGRESS", timeout_mins: 5 });
  assert.equal((await read(of, { seconds: 599 })).stuck, undefined);
  assert.ok((await read(of, { seconds: 600 })).stuck);
  assert.deepEqual(of.calls, ["find web", "show web"]);
});

test("a user's check on a heat stack last updated long ago is not stuck", async () => {
  const of = plainCloud();
  putHeatStack(of, { heat_status: "CHECK_IN_PROGRESS", updated_time: at(-99_999) });
  of.events.set("id-1", at(0));
  assert.equal((await read(of, { seconds: 10 })).stuck, undefined);
  assert.equal((await read(of, { seconds: 10, verdict: returned(-5000) })).stuck, undefined);
});

test("a check that the death of its cloud cut off is stuck by its events", async () => {
  const of = plainCloud();
  putHeatStack(of, { heat_status: "CHECK_IN_PROGRESS", updated_time: at(-99_999) });
  of.events.set("id-1", at(0));
  assert.ok((await read(of, { seconds: 1000, verdict: returned(500) })).stuck);
});

test("SUSPEND and DELETE in progress are never stuck: Heat would refuse the PATCH", async () => {
  for (const heat_status of ["SUSPEND_IN_PROGRESS", "DELETE_IN_PROGRESS"]) {
    const of = plainCloud();
    putHeatStack(of, { heat_status, updated_time: at(0) });
    assert.equal((await read(of, { seconds: 99_999, verdict: returned(100) })).stuck, undefined);
  }
});

test("stuck is kept with its since, until another update begins or it ends", async () => {
  const of = plainCloud();
  putHeatStack(of, { updated_time: at(0), heat_status: "UPDATE_IN_PROGRESS", timeout_mins: 5 });
  const previous = await read(of, { seconds: 600 });
  of.events.set("id-1", at(650));
  const later = await read(of, { seconds: 700, previous, verdict: returned(650) });
  assert.deepEqual(later.stuck, { since: at(600) });
  putHeatStack(of, { updated_time: at(800) });
  assert.equal((await read(of, { seconds: 810, previous })).stuck, undefined, "another update");
  putHeatStack(of, { updated_time: at(0), heat_status: "UPDATE_FAILED" });
  assert.equal((await read(of, { seconds: 810, previous })).stuck, undefined, "it ended");
});

test("a new heat stack does not inherit that the old one was stuck", async () => {
  const of = plainCloud();
  const creating = { heat_status: "CREATE_IN_PROGRESS", updated_time: null };
  putHeatStack(of, { ...creating, creation_time: at(-9999) });
  const previous = await read(of, { seconds: 0 });
  assert.ok(previous.stuck);
  of.heatStacks.clear();
  putHeatStack(of, { ...creating, heat_stack_id: "id-2", creation_time: at(5) });
  assert.equal((await read(of, { seconds: 10, previous })).stuck, undefined);
});

test("events that cannot be read are a fault, not a guess", async () => {
  const of = plainCloud();
  putHeatStack(of, { updated_time: at(0), heat_status: "UPDATE_IN_PROGRESS" });
  const { client } = of;
  const failing = fault("service", "http_500", 500);
  const blind = {
    ...of,
    client: { ...client, newestEvent: async () => ({ ok: false, fault: failing }) as const },
  };
  const got = await outcome(blind, { seconds: 400, verdict: returned(100) });
  assert.deepEqual(got, { ok: false, fault: failing });
});
