import { named } from "./stage.ts";

export type Grant = {
  actions: string[];
  resources: $util.Input<string>[];
  conditions?: { test: string; variable: string; values: string[] }[];
};

export type FunctionParts = Pick<
  sst.aws.FunctionArgs,
  "handler" | "timeout" | "vpc" | "retries" | "transform"
> & {
  environment: Record<string, $util.Input<string>>;
  secrets: sst.Secret[];
  grants: Grant[];
};

/** Ways to credentials that the SDK loads where there are none in the environment: Lambda puts them there. */
const otherCredentials = ["ini", "process", "sso", "web-identity"].map(
  (way) => `@aws-sdk/credential-provider-${way}`,
);

/**
 * A function of ours: arm64 and Node 24, one file, JSON lines kept for a month. Its role trusts Lambda
 * alone, and may do what `grants` names and write its own log, nothing else.
 */
export function lambda(
  name: string,
  { secrets, grants, ...parts }: FunctionParts,
  opts?: $util.ComponentResourceOptions,
): sst.aws.Function {
  const log = new aws.cloudwatch.LogGroup(
    `${name}Log`,
    { name: `/aws/lambda/${named(name)}`, retentionInDays: 30 },
    opts,
  );
  // A stream's name is Lambda's to choose: the one star, behind the name of our own log.
  const ownLog: Grant = {
    actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
    resources: [$interpolate`${log.arn}:*`],
  };
  const args: sst.aws.FunctionArgs = {
    ...parts,
    runtime: "nodejs24.x",
    architecture: "arm64",
    // Less has too little of a processor for a dozen TLS handshakes within a probe's deadline.
    memory: "512 MB",
    nodejs: { minify: true, esbuild: { external: otherCredentials } },
    logging: { logGroup: log.name, format: "json" },
    link: secrets,
    permissions: [...grants, ownLog],
    transform: {
      ...parts.transform,
      role: (role) => trustLambdaAlone(role, parts.vpc !== undefined),
    },
  };
  return new sst.aws.Function(name, args, opts);
}

/**
 * SST 4.17.1 lets the account's root take every role (it asks whether an Output is true), and adds
 * AWS's policy for the logs of the whole account.
 */
function trustLambdaAlone(role: aws.iam.RoleArgs, isInVpc: boolean): undefined {
  role.assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" });
  // Network interfaces have no names before they are made: that policy is AWS's own.
  role.managedPolicyArns = isInVpc ? [aws.iam.ManagedPolicy.AWSLambdaVPCAccessExecutionRole] : [];
}
