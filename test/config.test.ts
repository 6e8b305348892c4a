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

test("a probe's deadline is below the interval, and follows a short one by itself", () => {
  const deadlineOf = (set: Record<string, string>) => {
    const { clouds, judging } = config({ TABLE_NAME, BUS_NAME, ...set });
    assert.equal(clouds.deadlineMs, judging.deadlineMs);
    return clouds.deadlineMs;
  };
  const rows: [PROBE_INTERVAL: string, ms: number][] = [
    ["10", 5000],
    ["30", 5000],
    ["4", 3000],
    ["2", 1500],
    ["1", 1000],
    ["0.2", 1000],
  ];
  assert.equal(deadlineOf({}), 5000);
  for (const [PROBE_INTERVAL, ms] of rows) assert.equal(deadlineOf({ PROBE_INTERVAL }), ms);
  assert.equal(deadlineOf({ PROBE_DEADLINE: "9.9" }), 9900);
  assert.equal(deadlineOf({ PROBE_INTERVAL: "0.2", PROBE_DEADLINE: "1" }), 1000);
  const refused = [
    { PROBE_DEADLINE: "20" },
    { PROBE_DEADLINE: "10" },
    { PROBE_INTERVAL: "2", PROBE_DEADLINE: "5" },
    { PROBE_INTERVAL: "0.2", PROBE_DEADLINE: "1.1" },
  ];
  for (const set of refused) {
    assert.throws(() => deadlineOf(set), /PROBE_DEADLINE must be below PROBE_INTERVAL/);
  }
});
