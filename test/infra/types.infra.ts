import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { deployment } from "./plan.ts";

test("sst-env.d.ts is what a deploy writes", async () => {
  const { directory } = await deployment("production");
  const [written, committed] = await Promise.all(
    [directory, join(import.meta.dirname, "../..")].map((at) =>
      readFile(join(at, "sst-env.d.ts"), "utf8"),
    ),
  );
  assert.equal(committed, written);
});
