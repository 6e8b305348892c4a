import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Change, copyOf } from "./engine/copy.ts";

/** A deliberate fault: this text of that file becomes another, and that file of the suite has to notice. */
type Fault = Change & { fault: string; suite: string };

const faults: Fault[] = [
  {
    fault: "a pattern of the stream's filter is left out",
    suite: "reconcile",
    file: "infra/reconcile.ts",
    from: "eventSourcePatterns().map(",
    to: "eventSourcePatterns().slice(1).map(",
  },
  {
    fault: "the API may do anything with the table's index",
    suite: "privileges",
    file: "infra/api.ts",
    from: 'actions: ["dynamodb:Query"]',
    to: 'actions: ["dynamodb:*"]',
  },
  {
    fault: "the API may scan the table, which nothing ever does",
    suite: "execution",
    file: "infra/api.ts",
    from: '"dynamodb:UpdateItem",',
    to: '"dynamodb:UpdateItem", "dynamodb:Scan",',
  },
  {
    fault: "reconcile may not announce",
    suite: "reconcile",
    file: "infra/reconcile.ts",
    from: '{ actions: ["events:PutEvents"], resources: [bus.arn] },',
    to: "",
  },
  {
    fault: "the probe runs every five minutes",
    suite: "schedule",
    file: "infra/prober.ts",
    from: "rate(1 minute)",
    to: "rate(5 minutes)",
  },
  {
    fault: "a minute is tried again",
    suite: "schedule",
    file: "infra/prober.ts",
    from: "dlq: unprobedMinutes.arn",
    to: "dlq: unprobedMinutes.arn,\n      ...{ retries: 185 }",
  },
  {
    fault: "a minute is started however late",
    suite: "schedule",
    file: "infra/prober.ts",
    from: "...target.retryPolicy, maximumEventAgeInSeconds: 60",
    to: "...target.retryPolicy",
  },
  {
    fault: "the handler's name has a typing error",
    suite: "functions",
    file: "infra/prober.ts",
    from: "functions/probe.handler",
    to: "functions/probe.hanlder",
  },
  {
    fault: "logs are kept for ten years",
    suite: "functions",
    file: "infra/function.ts",
    from: "retentionInDays: 30",
    to: "retentionInDays: 3653",
  },
  {
    fault: "packages are not minified",
    suite: "functions",
    file: "infra/function.ts",
    from: "minify: true, ",
    to: "",
  },
  {
    fault: "functions run on x86",
    suite: "functions",
    file: "infra/function.ts",
    from: '"arm64"',
    to: '"x86_64"',
  },
  {
    fault: "production's table can be deleted by hand",
    suite: "table",
    file: "infra/table.ts",
    from: "deletionProtection: isProtected",
    to: "deletionProtection: false",
  },
  {
    fault: "production's table goes with sst remove",
    suite: "table",
    file: "sst.config.ts",
    from: 'isProtected ? "retain" : "remove"',
    to: '"remove"',
  },
  {
    fault: "nothing in the table expires",
    suite: "table",
    file: "infra/table.ts",
    from: "  ttl,\n",
    to: "",
  },
  {
    fault: "browsers of any origin are let in",
    suite: "api",
    file: "infra/api.ts",
    from: "cors: false",
    to: "cors: true",
  },
  {
    fault: "nobody slows a flood of requests",
    suite: "api",
    file: "infra/api.ts",
    from: "throttlingBurstLimit: throttling.burst,",
    to: "",
  },
  {
    fault: "records that reconcile gave up on are lost",
    suite: "reconcile",
    file: "infra/reconcile.ts",
    from: "destinationConfig: { onFailure: { destinationArn: unreconciledRecords.arn } },",
    to: "",
  },
  {
    fault: "one bad record fails its whole batch",
    suite: "reconcile",
    file: "infra/reconcile.ts",
    from: 'functionResponseTypes: ["ReportBatchItemFailures"],',
    to: "",
  },
  {
    fault: "ten lanes a shard",
    suite: "reconcile",
    file: "infra/reconcile.ts",
    from: "parallelizationFactor: 2",
    to: "parallelizationFactor: 10",
  },
  {
    fault: "clouds.yaml lies in an environment variable",
    suite: "secrets",
    file: "infra/prober.ts",
    from: "      environment,\n",
    to: "      environment: { ...environment, CLOUDS_YAML: cloudsYaml.value },\n",
  },
  {
    fault: "the deploy prints the API's tokens",
    suite: "secrets",
    file: "sst.config.ts",
    from: "url,\n      next",
    to: 'url,\n      tokens: (await import("./infra/secrets.ts")).apiTokens.value,\n      next',
  },
  {
    fault: "the API is handed the clouds' credentials",
    suite: "secrets",
    file: "infra/api.ts",
    from: "secrets: [apiTokens]",
    to: 'secrets: [apiTokens, (await import("./secrets.ts")).cloudsYaml]',
  },
  {
    fault: "the account's root may take on every function's role",
    suite: "privileges",
    file: "infra/function.ts",
    from: 'role.assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" });',
    to: "",
  },
  {
    fault: "alarms go nowhere",
    suite: "alarms",
    file: "infra/alarm.ts",
    from: "alarmActions: [to.arn]",
    to: "alarmActions: []",
  },
  {
    fault: "a silent probe sets off no alarm",
    suite: "alarms",
    file: "infra/alarm.ts",
    from: 'isFloor ? "breaching" : "notBreaching"',
    to: '"notBreaching"',
  },
  {
    fault: "events that are alarms are mailed to nobody",
    suite: "alarms",
    file: "infra/alarms.ts",
    from: "alarm: [true]",
    to: "alarm: [false]",
  },
  {
    fault: "events that the webhook did not take are lost",
    suite: "webhook",
    file: "infra/webhook.ts",
    from: "    deadLetterConfig: { arn: letters.arn },\n",
    to: "",
  },
  {
    fault: "the webhook's token is no secret of the plan",
    suite: "webhook",
    file: "infra/webhook.ts",
    from: "  { value: token }: sst.Secret,\n",
    to: "  { value }: sst.Secret,\n  token = $util.unsecret(value),\n",
  },
  {
    fault: "a vantage may write the events of others",
    suite: "vantages",
    file: "infra/vantages.ts",
    from: 'values: ["VANTAGE",',
    to: 'values: ["VANTAGE", "VANTAGE#*",',
  },
  {
    fault: "a vantage votes into a table of its own region",
    suite: "vantages",
    file: "infra/vantages.ts",
    from: "TABLE_REGION: settings.region",
    to: "TABLE_REGION: region",
  },
];

/** `node test/infra/faults.ts [part of a fault]`: tries each fault in a copy of the project. */
const [wanted = ""] = process.argv.slice(2);
const root = join(import.meta.dirname, "../..");
const parts = ["test/infra", "test/support", "bin", "package-lock.json", "sst-env.d.ts"];
let unnoticed = 0;
console.log("| fault | noticed by |\n|---|---|");
for (const { fault, suite, ...change } of faults.filter(({ fault }) => fault.includes(wanted))) {
  const names = await failingTests(suite, change);
  if (names.length === 0) unnoticed += 1;
  console.log(`| ${fault} | ${names.length > 0 ? `${suite}: ${names[0]}` : "nobody"} |`);
}
process.exitCode = unnoticed > 0 ? 1 : 0;

async function failingTests(suite: string, change: Change): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), "heat-spreader-fault-"));
  try {
    await copyOf(root, directory, { changes: [change], parts });
    const output = await printed(directory, `test/infra/${suite}.infra.ts`);
    if (!/^# tests \d+$/m.test(output)) throw new Error(output);
    return [...output.matchAll(/^not ok \d+ - (.*)$/gm)].map(([, name = ""]) => name);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function printed(cwd: string, file: string): Promise<string> {
  const args = ["--test", "--test-reporter=tap", file];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, maxBuffer: 1e8 }, (_, stdout) => resolve(stdout));
  });
}
