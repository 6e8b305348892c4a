import assert from "node:assert/strict";
import { test } from "node:test";
import { config } from "../lib/config.ts";

const [TABLE_NAME, BUS_NAME] = ["table", "bus"];

test("misses that count are 3 unless set, from 2 to 10, for the probe and the API alike", () => {
  const usual = config({ TABLE_NAME, BUS_NAME });
  assert.deepEqual([usual.probe.misses, usual.judging.misses], [3, 3]);
  const set = config({ TABLE_NAME, BUS_NAME, PROBE_MISSES: "5", PROBE_INTERVAL: "20" });
  assert.deepEqual([set.probe.misses, set.judging.misses], [5, 5]);
  assert.deepEqual([set.probe.intervalMs, set.judging.intervalMs], [20_000, 20_000]);
  for (const PROBE_MISSES of ["1", "11", "2.5", "many"]) {
    assert.throws(() => config({ TABLE_NAME, BUS_NAME, PROBE_MISSES }), /PROBE_MISSES/);
  }
});

test("a probe waits for its answer 5 s unless set, and never so long that votes grow old", () => {
  const deadlineOf = (set: Record<string, string>) =>
    config({ TABLE_NAME, BUS_NAME, ...set }).clouds.deadlineMs;
  assert.equal(deadlineOf({}), 5000);
  assert.equal(deadlineOf({ PROBE_INTERVAL: "2" }), 5000, "a push takes what it takes");
  assert.equal(deadlineOf({ PROBE_DEADLINE: "30" }), 30_000);
  assert.throws(() => deadlineOf({ PROBE_DEADLINE: "31" }), /PROBE_DEADLINE/);
});
