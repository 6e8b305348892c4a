import assert from "node:assert/strict";
import { test } from "node:test";
import { mutated, mutations } from "./broken-rules.ts";

test("each rule that is broken on purpose is still written as it is broken", async () => {
  const root = new URL("../../", import.meta.url).pathname;
  for (const mutation of mutations) {
    assert.ok((await mutated(root, mutation)).includes(mutation.to), mutation.rule);
  }
});
