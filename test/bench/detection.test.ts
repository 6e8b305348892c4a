import assert from "node:assert/strict";
import { test } from "node:test";
import { falseAlarms } from "./false-alarms.ts";
import { judged } from "./judging.ts";
import { noise, seeded } from "./noise.ts";

const DAY_MS = 86_400_000;
const plain = { name: "2 of 3", places: 3, hasVoid: false, hasBlastLimit: false };

test("the stretches that the detection bench leaves out have no verdict in them", () => {
  const trouble = noise({ places: 3, clouds: 3, ms: 30 * DAY_MS }, seeded(7));
  for (const rule of [
    { ...plain, misses: 1 },
    { ...plain, misses: 1, hasVoid: true, hasBlastLimit: true },
    { ...plain, places: 2, misses: 1 },
  ]) {
    const found = falseAlarms(rule, trouble);
    assert.ok(found.failovers > 0);
    assert.deepEqual(found, falseAlarms(rule, trouble, true));
  }
});

test("the detection bench judges a blip at home alone by the misses it takes", () => {
  const isMissed = (place: number, cloud: number, tick: number) =>
    place === 0 && cloud === 1 && tick >= 10 && tick < 13;
  const span = { from: 0, to: 300_000, clouds: 3 };
  const of = (places: number, misses: number) =>
    judged(
      { ...plain, places, misses },
      { ...span, phases: [0, 3000, 6000].slice(0, places) },
      isMissed,
    ).map(({ at, cloud, to }) => `${to} ${cloud} ${Math.round(at / 1000)}`);
  assert.deepEqual(of(1, 3), ["unreachable 1 125", "reachable 1 150"]);
  assert.deepEqual(of(1, 4), []);
  assert.deepEqual(of(3, 3), []);
});
