import assert from "node:assert/strict";
import { test } from "node:test";
import { functionOf, granted, one, roleOf, statementsOf } from "./find.ts";
import { plan } from "./plan.ts";

const production = await plan("production");
const { inputs } = one(production, "schedule");
const { target } = inputs;
const probe = functionOf(production, "Probe");

test("the probe is started every minute, told which minute is meant", () => {
  assert.equal(inputs.scheduleExpression, "rate(1 minute)");
  assert.equal(inputs.state ?? "ENABLED", "ENABLED");
  assert.deepEqual(inputs.flexibleTimeWindow, { mode: "OFF" });
  assert.match(target.arn, new RegExp(`:function:${probe.inputs.name}$`));
  assert.deepEqual(JSON.parse(target.input), { time: "<aws.scheduler.scheduled-time>" });
});

test("a minute that could not be started is not tried again, and is given up after a minute", () => {
  assert.deepEqual(target.retryPolicy, { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 });
});

test("a run that failed is not repeated either: the next minute is there already", () => {
  const { inputs } = one(production, "invokeConfig");
  assert.equal(inputs.functionName, probe.inputs.name);
  assert.equal(inputs.maximumRetryAttempts, 0);
  assert.equal(inputs.maximumEventAgeInSeconds, 60);
  const { destination } = inputs.destinationConfig.onFailure;
  assert.equal(destination, target.deadLetterConfig.arn);
  const role = roleOf(production, probe.inputs.role);
  assert.deepEqual(granted(production, role, destination), ["sqs:SendMessage"]);
});

test("no concurrency is reserved: a new account would refuse it", () => {
  assert.equal(probe.inputs.reservedConcurrentExecutions, undefined);
});

test("a minute that was given up lies in a queue, which the schedule may write to", () => {
  const { arn } = target.deadLetterConfig;
  const queue = one(production, "queue", /^UnprobedMinutes/);
  assert.match(arn, new RegExp(`:${queue.inputs.name}$`));
  const role = roleOf(production, target.roleArn);
  assert.deepEqual(granted(production, role, arn), ["sqs:SendMessage"]);
  assert.deepEqual(granted(production, role, target.arn), ["lambda:InvokeFunction"]);
  assert.equal(statementsOf(production, role).length, 2);
});

test("a run has the rest of its minute, and half a minute to end", () => {
  assert.equal(probe.inputs.timeout, 90);
});
