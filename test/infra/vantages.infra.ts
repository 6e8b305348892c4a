import assert from "node:assert/strict";
import { test } from "node:test";
import { VANTAGES } from "./everything.ts";
import { all, granted, one, roleOf, statementsOf } from "./find.ts";
import { plan } from "./plan.ts";

const production = await plan("production");
const everything = await plan("everything");
const home = one(everything, "table");
const tableArn = `arn:aws:dynamodb:${home.region}:123456789012:table/${home.id}`;

test("as it is committed, nothing is made outside the home region", () => {
  const elsewhere = production.resources.filter(
    ({ custom, region }) => custom && region !== home.region,
  );
  assert.deepEqual(
    elsewhere.map(({ name }) => name),
    [],
  );
});

test("there is one table, and it is at home", () => {
  assert.equal(all(everything, "table").length, 1);
  assert.equal(home.region, "eu-west-1");
});

for (const region of VANTAGES) {
  const [probe, ...others] = all(everything, "function", region);
  const [schedule, ...more] = all(everything, "schedule", region);
  assert.ok(probe && schedule);

  test(`${region}: one function, and a schedule that starts it every minute`, () => {
    assert.deepEqual([...others, ...more], []);
    const { scheduleExpression, target } = schedule.inputs;
    assert.equal(scheduleExpression, "rate(1 minute)");
    assert.equal(target.arn, `arn:aws:lambda:${region}:123456789012:function:${probe.id}`);
    assert.deepEqual(target.retryPolicy, {
      maximumRetryAttempts: 0,
      maximumEventAgeInSeconds: 60,
    });
    const role = roleOf(everything, target.roleArn);
    assert.deepEqual(granted(everything, role, target.arn), ["lambda:InvokeFunction"]);
    assert.deepEqual(granted(everything, role, target.deadLetterConfig.arn), ["sqs:SendMessage"]);
    assert.match(target.deadLetterConfig.arn, new RegExp(`^arn:aws:sqs:${region}:`));
  });

  test(`${region}: it is the probe of home with the table of home, and votes by the name of its region`, () => {
    const atHome = one(everything, "function", /^ProbeFunction$/);
    const { VANTAGE, ...variables } = probe.inputs.environment.variables;
    assert.equal(VANTAGE, region);
    assert.equal(variables.TABLE_NAME, home.inputs.name);
    assert.equal(variables.TABLE_REGION, home.region);
    for (const name of ["PROBE_INTERVAL", "PROBE_MISSES", "CLOUDS"]) {
      assert.equal(variables[name], atHome.inputs.environment.variables[name], name);
    }
    assert.equal(probe.inputs.handler, atHome.inputs.handler);
  });

  test(`${region}: its code is uploaded to its own region`, () => {
    const [code, ...rest] = everything.resources.filter(
      ({ type, name, region: where }) =>
        where === region &&
        /BucketObject/.test(type) &&
        name.startsWith(probe.name.replace(/Function$/, "")),
    );
    assert.ok(code, "no object");
    assert.deepEqual(
      rest.filter(({ name }) => !/Sourcemap/i.test(name)),
      [],
    );
  });

  test(`${region}: it votes into the home table, and may not judge there`, () => {
    const role = roleOf(everything, probe.inputs.role);
    assert.deepEqual(granted(everything, role, tableArn), [
      "dynamodb:BatchGetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
    ]);
    const writing = statementsOf(everything, role).find(({ Action }) =>
      Action.includes("dynamodb:PutItem"),
    );
    assert.deepEqual(writing?.Condition, {
      "ForAllValues:StringLike": {
        "dynamodb:LeadingKeys": ["VANTAGE", `VANTAGE#${region}`, "CLOUD#*"],
      },
    });
  });
}
