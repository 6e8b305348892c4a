import assert from "node:assert/strict";
import { test } from "node:test";
import type { Plan, Planned } from "./engine/planned.ts";
import { all, functionOf, statementsIn, statementsOf } from "./find.ts";
import { plan, type Scenario } from "./plan.ts";

const plans: Record<Scenario, Plan> = {
  production: await plan("production"),
  dev: await plan("dev"),
  everything: await plan("everything"),
  fixedAddresses: await plan("fixedAddresses"),
  existing: await plan("existing"),
};
const inVpc = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole";

for (const [scenario, planned] of Object.entries(plans)) {
  const roles = all(planned, "role");

  test(`${scenario}: no star in an action`, () => {
    for (const { title, statement } of written(planned)) {
      assert.deepEqual(
        statement.Action.filter((action) => action.includes("*")),
        [],
        title,
      );
      assert.ok(statement.Action.length > 0, title);
    }
  });

  test(`${scenario}: no star in a resource, but for the streams of a function's own log`, () => {
    const logs = all(planned, "logGroup").map(
      ({ inputs, region }) => `arn:aws:logs:${region}:123456789012:log-group:${inputs.name}:*`,
    );
    for (const { title, statement } of written(planned)) {
      const starred = statement.Resource.filter((resource) => resource.includes("*"));
      assert.deepEqual(
        starred.filter((resource) => !logs.includes(resource)),
        [],
        title,
      );
    }
  });

  test(`${scenario}: statements allow, and say on what`, () => {
    for (const { title, statement } of written(planned)) {
      assert.equal(statement.Effect, "Allow", title);
      assert.equal("NotAction" in statement || "NotResource" in statement, false, title);
    }
  });

  test(`${scenario}: roles trust Lambda or the scheduler (a webhook's EventBridge), and no account`, () => {
    const rules = all(planned, "target").flatMap(({ inputs }) => inputs.roleArn ?? []);
    assert.ok(roles.length > 0);
    for (const { name, id, inputs } of roles) {
      const [statement, ...more] = statementsIn(inputs.assumeRolePolicy);
      assert.deepEqual(more, [], name);
      assert.deepEqual(statement?.Action, ["sts:AssumeRole"], name);
      const { Service, ...others } = (statement?.Principal ?? {}) as Record<string, unknown>;
      assert.deepEqual(others, {}, name);
      const trusted = rules.some((arn) => arn.endsWith(`:role/${id}`))
        ? ["events.amazonaws.com"]
        : ["lambda.amazonaws.com", "scheduler.amazonaws.com"];
      assert.ok(trusted.includes(String(Service)), name);
    }
  });

  test(`${scenario}: no policy of AWS's own, but for the network interfaces within a VPC`, () => {
    const attached = all(planned, "rolePolicyAttachment").map(({ inputs }) => inputs.policyArn);
    assert.deepEqual(attached, []);
    const callers = all(planned, "function").filter(({ inputs }) => inputs.vpcConfig !== undefined);
    const interfaces = callers.map(({ inputs }) => inputs.role);
    for (const { name, id, inputs } of roles) {
      const expected = interfaces.some((role) => role.endsWith(`:role/${id}`)) ? [inVpc] : [];
      assert.deepEqual(inputs.managedPolicyArns ?? [], expected, name);
    }
  });

  test(`${scenario}: each function has a role of its own`, () => {
    const taken = all(planned, "function").map(({ inputs }) => inputs.role);
    assert.equal(new Set(taken).size, taken.length);
  });

  test(`${scenario}: nobody but the API's gateway (and a webhook's rule) is let in by a policy on a resource`, () => {
    const principals = all(planned, "permission").map(({ inputs }) => inputs.principal);
    assert.deepEqual([...new Set(principals)], ["apigateway.amazonaws.com"]);
    // webhook.infra.ts looks at the one of a webhook's dead letters.
    const queues = all(planned, "queuePolicy").map(({ name }) => name);
    const expected = all(planned, "destination").map(() => "UndeliveredEventsPolicy");
    assert.deepEqual(queues, expected);
    const urls = planned.resources.filter(({ type }) => /functionUrl/i.test(type));
    assert.deepEqual(urls, []);
  });
}

test("only reconcile announces, and only the API has no network of ours", () => {
  const allowed = (planned: Plan, name: string) =>
    statementsOf(planned, roleNamed(planned, name)).flatMap(({ Action }) => Action);
  for (const name of ["Api", "Probe"]) {
    assert.ok(!allowed(plans.production, name).includes("events:PutEvents"), name);
  }
  assert.equal(functionOf(plans.fixedAddresses, "Api").inputs.vpcConfig, undefined);
});

/** Every statement of every policy of ours. */
function written(planned: Plan) {
  const ofRoles = all(planned, "role").flatMap((role) =>
    statementsOf(planned, role).map((statement) => ({ title: role.name, statement })),
  );
  const alone = all(planned, "policy").flatMap(({ name, inputs }) =>
    statementsIn(inputs.policy).map((statement) => ({ title: name, statement })),
  );
  return [...ofRoles, ...alone];
}

function roleNamed(planned: Plan, component: string): Planned {
  const { role } = functionOf(planned, component).inputs;
  const found = all(planned, "role").find(({ id }) => role.endsWith(`:role/${id}`));
  assert.ok(found);
  return found;
}
