import assert from "node:assert/strict";
import { test } from "node:test";
import { setting, WEBHOOK } from "./everything.ts";
import { all, granted, one, roleOf, statementsIn, statementsOf } from "./find.ts";
import { deploy, plan, secrets } from "./plan.ts";

const production = await plan("production");
const everything = await plan("everything");
const connection = one(everything, "connection");
const destination = one(everything, "destination");
const rule = one(everything, "rule", /^Webhook/);
const target = one(everything, "target", /^Webhook/);
const destinationArn = `arn:aws:events:eu-west-1:123456789012:api-destination/${destination.id}`;

test("without a webhook nothing of it is made, and no token is asked for", () => {
  for (const kind of ["connection", "destination"] as const) {
    assert.deepEqual(all(production, kind), []);
  }
  assert.ok(!production.resources.some(({ name }) => /webhook|undelivered/i.test(name)));
});

test("every event of ours goes to the webhook, as EventBridge has it", () => {
  assert.deepEqual(JSON.parse(rule.inputs.eventPattern), { source: ["heat-spreader"] });
  assert.equal(rule.inputs.eventBusName, one(everything, "bus").inputs.name);
  assert.equal(target.inputs.rule, rule.inputs.name);
  assert.equal(target.inputs.eventBusName, rule.inputs.eventBusName);
  assert.equal(target.inputs.arn, destinationArn);
  for (const changed of ["input", "inputPath", "inputTransformer", "httpTarget"]) {
    assert.equal(target.inputs[changed], undefined);
  }
  const { invocationEndpoint, httpMethod, invocationRateLimitPerSecond } = destination.inputs;
  assert.deepEqual([invocationEndpoint, httpMethod], [WEBHOOK, "POST"]);
  assert.equal(invocationRateLimitPerSecond, 10);
});

test("with the token as a bearer's, which is a secret of the plan", () => {
  const { authorizationType, authParameters } = connection.inputs;
  assert.equal(authorizationType, "API_KEY");
  const value = `Bearer ${secrets.WebhookToken}`;
  assert.deepEqual(authParameters, { apiKey: { key: "Authorization", value } });
  assert.deepEqual(connection.secrets, ["authParameters.apiKey.value"]);
  assert.match(destination.inputs.connectionArn, new RegExp(`:connection/${connection.id}$`));
});

test("the bus may ask this destination, and do nothing else", () => {
  const role = roleOf(everything, target.inputs.roleArn);
  assert.deepEqual(granted(everything, role, destinationArn), ["events:InvokeApiDestination"]);
  assert.equal(statementsOf(everything, role).length, 1);
});

test("what is not taken is tried for a day, then kept, by this rule alone", () => {
  assert.deepEqual(target.inputs.retryPolicy, {
    maximumEventAgeInSeconds: 86_400,
    maximumRetryAttempts: 185,
  });
  const queue = one(everything, "queue", /^UndeliveredEvents/);
  const { arn } = target.inputs.deadLetterConfig;
  assert.match(arn, new RegExp(`:${queue.inputs.name}$`));
  const policy = one(everything, "queuePolicy");
  assert.equal(policy.inputs.queueUrl, queue.id);
  const [statement, ...more] = statementsIn(policy.inputs.policy);
  assert.deepEqual(more, []);
  assert.deepEqual([statement?.Action, statement?.Resource], [["sqs:SendMessage"], [arn]]);
  assert.deepEqual(statement?.Principal, { Service: "events.amazonaws.com" });
  const ruleArn = `arn:aws:events:eu-west-1:123456789012:rule/${rule.inputs.eventBusName}/${rule.id}`;
  assert.deepEqual(statement?.Condition, { ArnEquals: { "aws:SourceArn": ruleArn } });
});

test("with a header of its own, the token is sent in that as it is", async () => {
  const webhook = `webhook: { url: "${WEBHOOK}", header: "x-api-key" }`;
  const changes = [setting("webhook: undefined", webhook)];
  const { plan: made, printed } = await deploy("webhook-header", { stage: "dev", changes });
  assert.ok(made, printed);
  const value = secrets.WebhookToken;
  const expected = { apiKey: { key: "x-api-key", value } };
  assert.deepEqual(one(made, "connection").inputs.authParameters, expected);
});

test("without its token, or with one that no header can have, the deploy stops and says what to do", async () => {
  const changes = [setting("webhook: undefined", `webhook: { url: "${WEBHOOK}" }`)];
  for (const [WebhookToken, why] of [
    ["", "has no value yet"],
    ["two words", "is no token"],
  ] as const) {
    const given = { stage: "dev", changes, secrets: { ...secrets, WebhookToken } };
    const { code, printed } = await deploy("webhook-token", given);
    assert.notEqual(code, 0);
    assert.match(printed, new RegExp(`The secret WebhookToken ${why}.*secret set WebhookToken`));
    assert.ok(!printed.includes("two words"));
  }
});
