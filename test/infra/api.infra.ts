import assert from "node:assert/strict";
import { test } from "node:test";
import { contract } from "../../lib/api/contract.ts";
import type { Planned } from "./engine/planned.ts";
import { CERTIFICATE, DOMAIN } from "./everything.ts";
import { all, functionOf, one } from "./find.ts";
import { deployment, plan } from "./plan.ts";

const production = await plan("production");
const everything = await plan("everything");
const routes = (found: Planned[]) =>
  found.map(({ inputs }) => `${inputs.routeKey} ${inputs.authorizationType ?? "NONE"}`).sort();

test("every path goes to the one function, which has the router and asks for tokens itself", () => {
  assert.deepEqual(routes(all(production, "route")), ["$default NONE"]);
  const integration = production.resources.filter(
    ({ type }) => type === "aws:apigatewayv2/integration:Integration",
  );
  assert.equal(integration.length, 1);
  const { name } = functionOf(production, "Api").inputs;
  assert.match(
    integration[0]?.inputs.integrationUri,
    new RegExp(`function:${name}(/invocations)?$`),
  );
  assert.equal(integration[0]?.inputs.payloadFormatVersion, "2.0");
});

test("browsers of other origins are not let in", () => {
  for (const planned of [production, everything]) {
    assert.deepEqual(one(planned, "api").inputs.corsConfiguration ?? {}, {});
  }
});

test("more requests than the settings say are refused before any function runs", () => {
  const throttled = ({ inputs }: Planned) => [
    inputs.defaultRouteSettings.throttlingRateLimit,
    inputs.defaultRouteSettings.throttlingBurstLimit,
  ];
  assert.deepEqual(throttled(one(production, "stage")), [50, 100]);
  assert.deepEqual(throttled(one(everything, "stage")), [5, 10]);
});

test("each request leaves a line in a log of its own, kept for a month, without its token", () => {
  const { destinationArn, format } = one(production, "stage").inputs.accessLogSettings;
  const group = all(production, "logGroup").find(({ inputs }) =>
    destinationArn.endsWith(inputs.name),
  );
  assert.equal(group?.inputs.retentionInDays, 30);
  for (const field of ["$context.requestId", "$context.status", "$context.path"]) {
    assert.ok(format.includes(field), `${field} is not in ${format}`);
  }
  assert.doesNotMatch(format, /authorization|header|claims/i);
});

test("without an issuer there is no authorizer, without a domain none is made", () => {
  assert.deepEqual(all(production, "authorizer"), []);
  assert.deepEqual(all(production, "domain"), []);
  assert.equal(one(production, "api").inputs.disableExecuteApiEndpoint ?? false, false);
});

test("with an issuer, all but what is open to everybody takes its tokens only", () => {
  const { inputs } = one(everything, "authorizer");
  assert.equal(inputs.authorizerType, "JWT");
  assert.deepEqual(inputs.jwtConfiguration, {
    issuer: "https://login.example.com/",
    audiences: ["heat-spreader"],
  });
  const open = Object.values(contract)
    .filter(({ role }) => role === "none")
    .map(({ path }) => `ANY ${path} NONE`);
  assert.deepEqual(
    routes(all(everything, "route")),
    ["$default JWT", "ANY / NONE", ...open].sort(),
  );
  assert.equal(functionOf(everything, "Api").inputs.environment.variables.ROLE_CLAIM, "role");
});

test("with a domain, it is the only door, with a certificate of its own and no old TLS", () => {
  const { inputs } = one(everything, "domain");
  assert.equal(inputs.domainName, DOMAIN);
  assert.equal(inputs.domainNameConfiguration.securityPolicy, "TLS_1_2");
  assert.equal(one(everything, "api").inputs.disableExecuteApiEndpoint, true);
});

test("with a certificate of the user's own, none is made, and the deploy says where DNS has to point", async () => {
  const existing = await plan("existing");
  const { inputs } = one(existing, "domain");
  assert.equal(inputs.domainName, DOMAIN);
  assert.equal(inputs.domainNameConfiguration.certificateArn, CERTIFICATE);
  const records = existing.resources.filter(({ type }) => /^aws:(route53|acm)/.test(type));
  assert.deepEqual(records, []);
  const stack = existing.resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  assert.match(stack?.outputs?.dnsTarget, /^d-.*\.execute-api\.eu-west-1\.amazonaws\.com$/);
});

test("the deploy says where the API is, and the commands that come next", async () => {
  const { printed } = await deployment("production");
  const [stack] = production.resources.filter(({ type }) => type === "pulumi:pulumi:Stack");
  const { url, next } = stack?.outputs ?? {};
  const { id } = one(production, "api");
  assert.equal(url, `https://${id}.execute-api.eu-west-1.amazonaws.com`);
  assert.equal(next, `npx heat-spreader login ${url} && npx heat-spreader list`);
  assert.match(printed, new RegExp(`^ +next: ${next}$`, "m"));
  assert.match(printed, new RegExp(`^ +url: ${url}$`, "m"));
  const [named] = everything.resources.filter(({ type }) => type === "pulumi:pulumi:Stack");
  assert.equal(named?.outputs?.url, `https://${DOMAIN}`);
});

test("only this API's gateway may invoke its function", () => {
  const permissions = all(production, "permission");
  const { id } = one(production, "api");
  assert.ok(permissions.length > 0);
  for (const { inputs } of permissions) {
    assert.equal(inputs.principal, "apigateway.amazonaws.com");
    assert.match(inputs.sourceArn, new RegExp(`:${id}/`));
  }
});
