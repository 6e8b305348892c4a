import assert from "node:assert/strict";
import { test } from "node:test";
import { definition } from "../../lib/table/definition.ts";
import { sst } from "./engine/sst.ts";
import { one } from "./find.ts";
import { deployment, plan } from "./plan.ts";

const production = await plan("production");
const dev = await plan("dev");

test("the table has the keys, the index, the expiry and the stream that are written down once", () => {
  const { inputs } = one(production, "table");
  const { hashKey, rangeKey, ttl, stream, index } = definition;
  assert.equal(inputs.hashKey, hashKey);
  assert.equal(inputs.rangeKey, rangeKey);
  assert.deepEqual(inputs.ttl, { attributeName: ttl, enabled: true });
  assert.equal(inputs.streamEnabled, true);
  assert.equal(inputs.streamViewType, stream);
  const [only, ...more] = inputs.globalSecondaryIndexes;
  assert.deepEqual(more, []);
  assert.equal(only.name, index.name);
  assert.equal(only.hashKey, index.hashKey);
  assert.equal(only.rangeKey, index.rangeKey);
  assert.equal(only.projectionType, "ALL");
});

test("only keys are attributes of the table, and all of them text", () => {
  const { inputs } = one(production, "table");
  const names = [definition.hashKey, definition.rangeKey, definition.index.hashKey].sort();
  const given = inputs.attributes.map(
    ({ name, type }: Record<string, string>) => `${name} ${type}`,
  );
  assert.deepEqual(
    given.sort(),
    names.map((name) => `${name} S`),
  );
});

for (const [stage, planned] of Object.entries({ production, dev })) {
  test(`${stage}: the table is paid by request, and can be restored to any second`, () => {
    const { inputs } = one(planned, "table");
    assert.equal(inputs.billingMode, "PAY_PER_REQUEST");
    assert.equal(inputs.pointInTimeRecovery.enabled, true);
  });
}

test("production: the table survives sst remove, and a deletion by hand", () => {
  const { inputs, options } = one(production, "table");
  assert.equal(inputs.deletionProtectionEnabled, true);
  assert.equal(options.retainOnDelete, true);
});

test("a personal stage goes without leaving a table", () => {
  const { inputs, options } = one(dev, "table");
  assert.equal(inputs.deletionProtectionEnabled ?? false, false);
  assert.equal(options.retainOnDelete, false);
});

test("production: sst remove refuses, and touches nothing", async () => {
  const { directory } = await deployment("production");
  const { code, printed } = await sst(["remove", "--stage", "production"], { directory });
  assert.notEqual(code, 0);
  assert.match(printed, /Cannot remove protected stage/i);
});
