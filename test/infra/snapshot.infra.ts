import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { plan } from "./plan.ts";
import { readable, readableDifference } from "./readable.ts";

const production = await plan("production");
const texts = {
  "production.yaml": readable(production),
  "everything.yaml": readableDifference(await plan("everything"), production),
  "fixed-addresses.yaml": readableDifference(await plan("fixedAddresses"), production),
};
const { UPDATE_PLANS } = process.env;

for (const [name, planned] of Object.entries(texts)) {
  const file = join(import.meta.dirname, "plans", name);

  test(`plans/${name} is what would be deployed; UPDATE_PLANS=1 npm run test:infra rewrites it`, async () => {
    if (UPDATE_PLANS === "1") await writeFile(file, planned);
    const committed = await readFile(file, "utf8");
    assert.equal(planned, committed);
  });

  test(`plans/${name} names nothing of the machine it was made on`, () => {
    for (const trace of [process.cwd(), import.meta.dirname, process.env.HOME ?? "/root"]) {
      assert.ok(!planned.includes(trace), trace);
    }
  });
}
