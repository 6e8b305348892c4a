import { definition } from "../lib/table/definition.ts";
import { environment } from "./environment.ts";
import { lambda } from "./function.ts";
import { apiTokens } from "./secrets.ts";
import { settings } from "./stage.ts";
import { table } from "./table.ts";

const { oidc, throttling } = settings;
const domain = settings.domains[$app.stage];

/** Answers every call. It knows no cloud's credentials, and calls no cloud. */
export const api = lambda("Api", {
  handler: "functions/api.handler",
  timeout: "20 seconds",
  environment: {
    ...environment,
    ...(oidc === undefined ? {} : { ROLE_CLAIM: oidc.roleClaim }),
  },
  secrets: [apiTokens],
  grants: [
    {
      actions: [
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:ConditionCheckItem",
      ],
      resources: [table.arn],
    },
    {
      actions: ["dynamodb:Query"],
      resources: [$interpolate`${table.arn}/index/${definition.index.name}`],
    },
  ],
});

/** One gateway for one function: the contract's router knows the paths, and answers what is none. */
export const gateway = new sst.aws.ApiGatewayV2("HttpApi", {
  ...(domain === undefined ? {} : { domain: domainOf(domain) }),
  cors: false,
  accessLog: { retention: "1 month" },
  transform: {
    api: { disableExecuteApiEndpoint: domain !== undefined },
    stage: {
      defaultRouteSettings: {
        throttlingRateLimit: throttling.rate,
        throttlingBurstLimit: throttling.burst,
      },
    },
  },
});
export const { url } = gateway;

/** Where DNS that is not in Route 53 has to point; undefined where there is none of that. */
export const dnsTarget =
  domain?.certificate === undefined
    ? undefined
    : gateway.nodes.domainName.domainNameConfiguration.targetDomainName;

if (oidc === undefined) {
  gateway.route("$default", api.arn, { name: "All" });
} else {
  const { issuer, audiences } = oidc;
  const authorizer = gateway.addAuthorizer({ name: "Oidc", jwt: { issuer, audiences } });
  gateway.route("$default", api.arn, {
    name: "All",
    auth: { jwt: { authorizer: authorizer.id } },
  });
  // The contract's endpoints without a role, and the way to them.
  const open = { Root: "/", Health: "/v1/healthz", Openapi: "/v1/openapi.json", Docs: "/v1/docs" };
  for (const [name, path] of Object.entries(open)) {
    gateway.route(`ANY ${path}`, api.arn, { name });
  }
}

function domainOf({ name, certificate }: { name: string; certificate?: string | undefined }) {
  return certificate === undefined ? name : { name, cert: certificate, dns: false as const };
}
