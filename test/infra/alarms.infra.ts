import assert from "node:assert/strict";
import { test } from "node:test";
import { factsOf } from "../../lib/cloud/facts.ts";
import { CloudName } from "../../lib/cloud/schema.ts";
import { envelope } from "../../lib/event/envelope.ts";
import type { Event } from "../../lib/event/schema.ts";
import type { Inputs, Plan } from "./engine/planned.ts";
import { all, one, statementsIn } from "./find.ts";
import { plan, type Scenario } from "./plan.ts";

const plans = {
  production: await plan("production"),
  dev: await plan("dev"),
  everything: await plan("everything"),
} satisfies Partial<Record<Scenario, Plan>>;

for (const [scenario, planned] of Object.entries(plans)) {
  test(`${scenario}: every alarm goes to the topic of its region, and so does its end`, () => {
    for (const { name, region, inputs } of all(planned, "alarm")) {
      const [topic, ...more] = all(planned, "topic", region);
      assert.deepEqual(more, []);
      assert.deepEqual(inputs.alarmActions, [topic?.id], name);
      assert.deepEqual(inputs.okActions, [topic?.id], name);
      assert.equal(inputs.actionsEnabled ?? true, true, name);
    }
  });

  test(`${scenario}: every alarm says what it means, and where to read on`, () => {
    for (const { name, inputs } of all(planned, "alarm")) {
      assert.match(inputs.alarmDescription, /^[A-Z].*\. See docs\/operating\.md\.$/, name);
    }
  });

  for (const { name, region, inputs } of all(planned, "queue")) {
    test(`${scenario}: one dead letter in ${name} sets off an alarm, and is kept for two weeks`, () => {
      const watched = watching(planned, region, { QueueName: inputs.name });
      const [alarm] = watched.filter(({ metricName }) => /MessagesVisible$/.test(metricName));
      assert.deepEqual([alarm?.comparisonOperator, alarm?.threshold], ["GreaterThanThreshold", 0]);
      assert.equal(inputs.messageRetentionSeconds, 14 * 86_400);
    });
  }

  for (const { name, region, inputs } of all(planned, "function")) {
    const watched = watching(planned, region, { FunctionName: inputs.name });

    for (const metric of ["Errors", "Throttles"]) {
      test(`${scenario}: ${metric.toLowerCase()} of ${name} set off an alarm`, () => {
        const [alarm] = watched.filter(({ metricName }) => metricName === metric);
        assert.deepEqual(
          [alarm?.statistic, alarm?.comparisonOperator, alarm?.threshold],
          ["Sum", "GreaterThanThreshold", 0],
        );
        assert.equal(alarm?.treatMissingData, "notBreaching");
      });
    }

    if (name.startsWith("Probe")) {
      test(`${scenario}: ${name} falling silent sets off an alarm, and no value is silence`, () => {
        const [alarm] = watched.filter(({ metricName }) => metricName === "Invocations");
        assert.equal(alarm?.comparisonOperator, "LessThanThreshold");
        assert.equal(alarm?.threshold, 1);
        assert.equal(alarm?.treatMissingData, "breaching");
        assert.ok(alarm?.period * alarm?.evaluationPeriods <= 600);
      });
    }
  }
}

test("reconcile being a minute behind the table's stream sets off an alarm", () => {
  const { region, inputs } = one(plans.production, "function", /^Reconcile/);
  const watched = watching(plans.production, region, { FunctionName: inputs.name });
  const [alarm] = watched.filter(({ metricName }) => metricName === "IteratorAge");
  assert.deepEqual([alarm?.statistic, alarm?.threshold], ["Maximum", 60_000]);
});

test("the API's own failures set off an alarm", () => {
  const { id, region } = one(plans.production, "api");
  const [alarm] = watching(plans.production, region, { ApiId: id });
  assert.deepEqual([alarm?.metricName, alarm?.threshold], ["5xx", 0]);
});

test("every event that is an alarm goes to the same topic, in its own words", () => {
  const rule = one(plans.production, "rule");
  const { source, detail, ...others } = JSON.parse(rule.inputs.eventPattern);
  assert.deepEqual(others, {});
  const announced = envelope(unwatched());
  assert.deepEqual(source, [announced.source]);
  assert.deepEqual(detail, { alarm: [announced.detail.alarm] });
  assert.equal(rule.inputs.eventBusName, one(plans.production, "bus").inputs.name);
  const target = one(plans.production, "target");
  assert.equal(target.inputs.rule, rule.inputs.name);
  assert.equal(target.inputs.arn, one(plans.production, "topic").id);
  assert.equal(target.inputs.inputTransformer.inputPaths.message, "$.detail.message");
});

test("a topic takes from alarms of this account, the one at home from event rules too", () => {
  const home = one(plans.everything, "bus").region;
  for (const topic of all(plans.everything, "topic")) {
    const policies = all(plans.everything, "topicPolicy").filter(
      ({ inputs }) => inputs.arn === topic.id,
    );
    const statements = policies.flatMap(({ inputs }) => statementsIn(inputs.policy));
    const services = statements.map(({ Principal }) => (Principal as Inputs).Service);
    const rules = topic.region === home ? ["events.amazonaws.com"] : [];
    assert.deepEqual(services, ["cloudwatch.amazonaws.com", ...rules]);
    for (const { Action, Resource } of statements) {
      assert.deepEqual([Action, Resource], [["sns:Publish"], [topic.id]]);
    }
    assert.deepEqual(statements[0]?.Condition, {
      StringEquals: { "aws:SourceAccount": "123456789012" },
    });
  }
});

test("without an address nobody is mailed; with one, every topic mails it", () => {
  assert.deepEqual(all(plans.production, "subscription"), []);
  const mailed = all(plans.everything, "subscription").map(({ inputs }) => [
    inputs.topic,
    inputs.protocol,
    inputs.endpoint,
  ]);
  const expected = all(plans.everything, "topic").map(({ id }) => [
    id,
    "email",
    "operator@example.com",
  ]);
  assert.deepEqual(mailed.sort(), expected.sort());
});

test("the dashboard shows every function, the table, the API and the dead letters, of its own region", () => {
  const { inputs, region } = one(plans.production, "dashboard");
  const { widgets } = JSON.parse(inputs.dashboardBody);
  const text = JSON.stringify(widgets);
  const shown = [
    ...all(plans.production, "function").map((each) => each.inputs.name),
    ...all(plans.production, "queue").map((each) => each.inputs.name),
    one(plans.production, "table").inputs.name,
    one(plans.production, "api").id,
  ];
  for (const name of shown) assert.ok(text.includes(JSON.stringify(name)), name);
  for (const { properties } of widgets) assert.equal(properties.region, region);
  const places = widgets.map(({ x, y }: Inputs) => `${x},${y}`);
  assert.equal(new Set(places).size, widgets.length);
});

/** The alarms on these dimensions. */
function watching(planned: Plan, region: string, dimensions: Inputs): Inputs[] {
  const wanted = JSON.stringify(dimensions);
  return all(planned, "alarm", region)
    .map(({ inputs }) => inputs)
    .filter((inputs) => JSON.stringify(inputs.dimensions) === wanted);
}

/** What is announced of a cloud that too few vantages watch. */
function unwatched(): Event {
  const at = "2026-01-01T00:00:00.000Z";
  const verdict = {
    cloud: CloudName.parse("athens"),
    verdict: "reachable",
    since: at,
    at,
  } as const;
  const next = {
    ...verdict,
    reason: "",
    votes: [],
    unwatched: { since: at, fresh: 1, majority: 2 },
  };
  const [event] = factsOf({ ...verdict, reason: "", votes: [] }, next, () => "1");
  assert.ok(event);
  return event;
}
