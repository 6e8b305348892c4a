import assert from "node:assert/strict";
import { test } from "node:test";
import { historyOf } from "./history.ts";
import { play } from "./play.ts";
import { story } from "./story.ts";

test("a seed is one course of events, to the last millisecond", async () => {
  for (const seed of [3, 14]) {
    const told = await Promise.all(
      [1, 2].map(async () => {
        const lines: string[] = [];
        await play(historyOf(seed), [story((line) => lines.push(line))]);
        return lines;
      }),
    );
    assert.ok((told[0]?.length ?? 0) > 50);
    assert.deepEqual(told[0], told[1]);
  }
});
