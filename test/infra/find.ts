import assert from "node:assert/strict";
import { createDecipheriv } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Inputs, Plan, Planned } from "./engine/planned.ts";
import { unzip } from "./lambda/zip.ts";

/** Short names for the types of resources that the suite asks about. */
const types = {
  alarm: "aws:cloudwatch/metricAlarm:MetricAlarm",
  api: "aws:apigatewayv2/api:Api",
  authorizer: "aws:apigatewayv2/authorizer:Authorizer",
  bus: "aws:cloudwatch/eventBus:EventBus",
  connection: "aws:cloudwatch/eventConnection:EventConnection",
  dashboard: "aws:cloudwatch/dashboard:Dashboard",
  destination: "aws:cloudwatch/eventApiDestination:EventApiDestination",
  domain: "aws:apigatewayv2/domainName:DomainName",
  function: "aws:lambda/function:Function",
  invokeConfig: "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
  logGroup: "aws:cloudwatch/logGroup:LogGroup",
  mapping: "aws:lambda/eventSourceMapping:EventSourceMapping",
  permission: "aws:lambda/permission:Permission",
  policy: "aws:iam/policy:Policy",
  provider: "pulumi:providers:aws",
  queue: "aws:sqs/queue:Queue",
  queuePolicy: "aws:sqs/queuePolicy:QueuePolicy",
  role: "aws:iam/role:Role",
  rolePolicy: "aws:iam/rolePolicy:RolePolicy",
  rolePolicyAttachment: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  route: "aws:apigatewayv2/route:Route",
  rule: "aws:cloudwatch/eventRule:EventRule",
  schedule: "aws:scheduler/schedule:Schedule",
  stage: "aws:apigatewayv2/stage:Stage",
  subscription: "aws:sns/topicSubscription:TopicSubscription",
  table: "aws:dynamodb/table:Table",
  target: "aws:cloudwatch/eventTarget:EventTarget",
  topic: "aws:sns/topic:Topic",
  topicPolicy: "aws:sns/topicPolicy:TopicPolicy",
} as const;
type Kind = keyof typeof types;

/** A statement of a policy, its actions and resources always lists. */
export type Statement = {
  Effect: string;
  Action: string[];
  Resource: string[];
  Principal?: unknown;
  Condition?: unknown;
};

/** All resources of a kind, in a region where one is given. */
export function all({ resources }: Plan, kind: Kind, region?: string): Planned[] {
  return resources.filter(
    (found) => found.type === types[kind] && (region === undefined || found.region === region),
  );
}

/** The one resource of a kind whose name fits; fails where there are none or several. */
export function one(plan: Plan, kind: Kind, name: RegExp = /./): Planned {
  const found = all(plan, kind).filter((resource) => name.test(resource.name));
  const [first, ...more] = found;
  assert.ok(
    first !== undefined && more.length === 0,
    `one ${kind} like ${name}, not: ${found.map((resource) => resource.name)}`,
  );
  return first;
}

/** The Lambda function of the component of that name. */
export function functionOf(plan: Plan, component: string): Planned {
  return one(plan, "function", new RegExp(`^${component}Function$`));
}

/** The role that a function or a schedule takes on. */
export function roleOf(plan: Plan, arn: string): Planned {
  const role = all(plan, "role").find(({ id }) => arn === `arn:aws:iam::123456789012:role/${id}`);
  assert.ok(role, `no role ${arn}`);
  return role;
}

/** What a role may do by the policies written for it; those that AWS manages are not in here. */
export function statementsOf(plan: Plan, role: Planned): Statement[] {
  const written = all(plan, "rolePolicy").filter(({ inputs }) => inputs.role === role.id);
  const texts = [...(role.inputs.inlinePolicies ?? []), ...written.map(({ inputs }) => inputs)];
  return texts.flatMap(({ policy }: Inputs) => statementsIn(policy));
}

/** The statements of a policy, which the program gave as text or as what the text says. */
export function statementsIn(policy: string | Inputs): Statement[] {
  const { Statement = [] } = typeof policy === "string" ? JSON.parse(policy) : policy;
  return [Statement].flat().map((statement: Inputs) => ({
    ...statement,
    Effect: statement.Effect,
    Action: [statement.Action ?? []].flat(),
    Resource: [statement.Resource ?? []].flat(),
  }));
}

/** What a role may do on a resource, sorted. */
export function granted(plan: Plan, role: Planned, resource: string): string[] {
  const allowing = statementsOf(plan, role).filter(
    ({ Effect, Resource }) => Effect === "Allow" && Resource.includes(resource),
  );
  return [...new Set(allowing.flatMap(({ Action }) => Action))].sort();
}

/** What SST hands a function of its links: deciphered from its package with the key of its environment. */
export async function linksOf(zip: string, { inputs }: Planned): Promise<Inputs> {
  const enciphered = unzip(await readFile(zip)).get("resource.enc");
  assert.ok(enciphered, `${zip} has no links`);
  const key = Buffer.from(inputs.environment.variables.SST_KEY, "base64");
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.alloc(12));
  decipher.setAuthTag(enciphered.subarray(-16));
  const text = decipher.update(enciphered.subarray(0, -16), undefined, "utf8");
  return JSON.parse(text + decipher.final("utf8"));
}
