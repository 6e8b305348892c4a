import assert from "node:assert/strict";
import { test } from "node:test";
import { eventSourcePatterns } from "../../lib/table/definition.ts";
import { all, functionOf, granted, one, roleOf } from "./find.ts";
import { plan } from "./plan.ts";

const production = await plan("production");
const mapping = one(production, "mapping").inputs;
const reconcile = functionOf(production, "Reconcile");
const role = roleOf(production, reconcile.inputs.role);

test("the stream of the table, and nothing else, wakes reconcile", () => {
  const { id } = one(production, "table");
  assert.match(mapping.eventSourceArn, new RegExp(`:table/${id}/stream/`));
  assert.ok(
    reconcile.inputs.name === mapping.functionName ||
      mapping.functionName.endsWith(`:${reconcile.inputs.name}`),
  );
  assert.equal(mapping.enabled ?? true, true);
  assert.equal(mapping.startingPosition, "LATEST");
});

test("the stream's filter is the patterns of the table's definition", () => {
  const patterns = mapping.filterCriteria.filters.map(({ pattern }: { pattern: string }) =>
    JSON.parse(pattern),
  );
  assert.deepEqual(
    patterns,
    eventSourcePatterns().map((pattern) => JSON.parse(pattern)),
  );
  assert.equal(patterns.length, 4);
});

test("batches are small, soon, and in at most four lanes a shard", () => {
  assert.ok(mapping.batchSize >= 1 && mapping.batchSize <= 1000, `batchSize ${mapping.batchSize}`);
  assert.ok(
    mapping.maximumBatchingWindowInSeconds <= 1,
    `window ${mapping.maximumBatchingWindowInSeconds}`,
  );
  assert.ok(mapping.parallelizationFactor >= 1 && mapping.parallelizationFactor <= 4);
});

test("a record that fails is told apart, retried a bounded number of times, and kept", () => {
  assert.deepEqual(mapping.functionResponseTypes, ["ReportBatchItemFailures"]);
  assert.equal(mapping.bisectBatchOnFunctionError, true);
  assert.ok(mapping.maximumRetryAttempts >= 1 && mapping.maximumRetryAttempts <= 20);
  assert.ok(mapping.maximumRecordAgeInSeconds >= 60 && mapping.maximumRecordAgeInSeconds <= 3600);
  const { destinationArn } = mapping.destinationConfig.onFailure;
  const queue = all(production, "queue").find(({ inputs }) =>
    destinationArn.endsWith(`:${inputs.name}`),
  );
  assert.ok(queue, `no queue is ${destinationArn}`);
  assert.deepEqual(granted(production, role, destinationArn), ["sqs:SendMessage"]);
});

test("reconcile may read the stream, and announce on its own bus only", () => {
  assert.deepEqual(granted(production, role, mapping.eventSourceArn), [
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
  ]);
  const bus = one(production, "bus");
  assert.equal(reconcile.inputs.environment.variables.BUS_NAME, bus.inputs.name);
  const arn = `arn:aws:events:${bus.region}:123456789012:event-bus/${bus.inputs.name}`;
  assert.deepEqual(granted(production, role, arn), ["events:PutEvents"]);
});
