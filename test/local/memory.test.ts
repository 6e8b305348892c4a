import assert from "node:assert/strict";
import { test } from "node:test";
import { thrifty } from "../../lib/local/memory.ts";

test("a heap that a burst has grown is given back after the work", async () => {
  let grown = 0;
  const work = thrifty(async (objects: number) => {
    const burst = Array.from({ length: objects }, (_, i) => ({ i, text: `${i}` }));
    grown = process.memoryUsage().heapTotal;
    return burst.length;
  });
  assert.equal(await work(3_000_000), 3_000_000);
  assert.ok(process.memoryUsage().heapTotal < grown / 2);
});
