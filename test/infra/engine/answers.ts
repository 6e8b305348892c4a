import { createHash } from "node:crypto";
import type { Inputs } from "./planned.ts";

/** The account of documentation; no plan names a real one. */
export const ACCOUNT = "123456789012";

type Asked = { name: string; given: string; region: string; inputs: Inputs };
type Answers = Record<string, (asked: Asked) => Inputs>;

/** What a cloud answers once it has made a resource. Invented, so evidence of nothing: only well formed. */
const answers: Answers = {
  "aws:dynamodb/table:Table": (asked) => {
    const table = named("dynamodb", "table/", asked);
    const streamArn = `${table.arn}/stream/2026-01-01T00:00:00.000`;
    return asked.inputs.streamEnabled ? { ...table, streamArn } : table;
  },
  "aws:lambda/function:Function": (asked) => {
    const { arn, ...rest } = named("lambda", "function:", asked);
    const path = `lambda:path/2015-03-31/functions/${arn}/invocations`;
    return {
      ...rest,
      arn,
      qualifiedArn: `${arn}:1`,
      invokeArn: `arn:aws:apigateway:${asked.region}:${path}`,
      version: "1",
    };
  },
  "aws:sqs/queue:Queue": (asked) => {
    const url = `https://sqs.${asked.region}.amazonaws.com/${ACCOUNT}/${asked.name}`;
    return { ...named("sqs", "", asked), id: url, url };
  },
  "aws:sns/topic:Topic": (asked) => {
    const topic = named("sns", "", asked);
    return { ...topic, id: topic.arn };
  },
  "aws:cloudwatch/eventBus:EventBus": (asked) => named("events", "event-bus/", asked),
  "aws:cloudwatch/eventRule:EventRule": (asked) =>
    named("events", `rule/${asked.inputs.eventBusName}/`, asked),
  "aws:cloudwatch/eventConnection:EventConnection": (asked) =>
    named("events", "connection/", asked),
  "aws:cloudwatch/eventApiDestination:EventApiDestination": (asked) =>
    named("events", "api-destination/", asked),
  "aws:scheduler/schedule:Schedule": (asked) => named("scheduler", "schedule/default/", asked),
  "aws:cloudwatch/logGroup:LogGroup": (asked) => named("logs", "log-group:", asked),
  "aws:cloudwatch/metricAlarm:MetricAlarm": (asked) => named("cloudwatch", "alarm:", asked),
  "aws:iam/role:Role": ({ name }) => ({
    id: name,
    name,
    arn: `arn:aws:iam::${ACCOUNT}:role/${name}`,
  }),
  "aws:apigatewayv2/api:Api": ({ name, given, region }) => {
    const id = `api${digest(given)}`;
    return {
      id,
      name,
      arn: `arn:aws:apigateway:${region}::/apis/${id}`,
      executionArn: `arn:aws:execute-api:${region}:${ACCOUNT}:${id}`,
      apiEndpoint: `https://${id}.execute-api.${region}.amazonaws.com`,
    };
  },
  "aws:apigatewayv2/domainName:DomainName": ({ inputs, region }) => ({
    id: inputs.domainName,
    domainNameConfiguration: {
      ...inputs.domainNameConfiguration,
      targetDomainName: `d-${digest(inputs.domainName)}.execute-api.${region}.amazonaws.com`,
      hostedZoneId: "ZGATEWAY",
    },
  }),
  "aws:acm/certificate:Certificate": (asked) => {
    const certificate = named("acm", "certificate/", asked);
    const { domainName } = asked.inputs;
    const record = {
      domainName,
      resourceRecordName: `_offline.${domainName}.`,
      resourceRecordType: "CNAME",
      resourceRecordValue: "_offline.acm-validations.aws.",
    };
    return { ...certificate, id: certificate.arn, domainValidationOptions: [record] };
  },
  "pulumi-nodejs:dynamic:Resource": ({ given }) => ({ id: given, zoneId: "ZONE" }),
  "aws:s3/bucketObjectv2:BucketObjectv2": ({ inputs }) => ({
    id: inputs.key,
    arn: `arn:aws:s3:::${inputs.bucket}/${inputs.key}`,
  }),
  "random:index/randomBytes:RandomBytes": ({ given }) => {
    const bytes = createHash("sha256").update(given).digest();
    return { id: "none", base64: bytes.toString("base64"), hex: bytes.toString("hex") };
  },
};

/** The outputs of a resource that the program names `given`, its physical name being what `inputs` say. */
export function outputsOf(type: string, given: string, inputs: Inputs, region: string): Inputs {
  const name = inputs.name ?? `${given}-${digest(given)}`;
  const asked = { name, given, region, inputs };
  const known = answers[type];
  if (known) return known(asked);
  const [, service = "unknown"] = /^\w+:([^/]+)/.exec(type) ?? [];
  return { ...named(service, "", asked), id: `${given}-${digest(type + given)}` };
}

/** The answer to a question that the program asks while it runs. Throws for one that is not known here. */
export function answerTo(token: string, asked: Inputs, region: string): Inputs {
  switch (token) {
    case "aws:index/getPartition:getPartition":
      return { partition: "aws", dnsSuffix: "amazonaws.com", reverseDnsPrefix: "com.amazonaws" };
    case "aws:index/getRegion:getRegion":
      return { region, name: region, id: region };
    case "aws:index/getAvailabilityZones:getAvailabilityZones":
      return { names: ["a", "b", "c"].map((zone) => `${region}${zone}`), id: region };
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return { accountId: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:user/offline`, id: ACCOUNT };
    case "aws:iam/getPolicyDocument:getPolicyDocument":
      return policyDocument(asked);
    default:
      throw new Error(`The offline engine has no answer to ${token}: ${JSON.stringify(asked)}`);
  }
}

/** Eight hex digits of a text. */
export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

function named(service: string, kind: string, { name, region }: Asked): Inputs {
  return { id: name, name, arn: `arn:aws:${service}:${region}:${ACCOUNT}:${kind}${name}` };
}

/** AWS writes a list of one as its only entry. */
function policyDocument({ statements = [], ...rest }: Inputs): Inputs {
  const one = (list: unknown[] | undefined) => (list?.length === 1 ? list[0] : list);
  const Statement = statements.map((statement: Inputs) => ({
    ...(statement.sid ? { Sid: statement.sid } : {}),
    Effect: statement.effect ?? "Allow",
    Action: one(statement.actions),
    Resource: one(statement.resources),
    ...(statement.principals
      ? {
          Principal: Object.fromEntries(
            statement.principals.map((p: Inputs) => [p.type, one(p.identifiers)]),
          ),
        }
      : {}),
    ...(statement.conditions ? { Condition: conditions(statement.conditions) } : {}),
  }));
  const json = JSON.stringify({ Version: "2012-10-17", Statement });
  const given = statements.length > 0 ? { statements } : {};
  return { ...rest, ...given, json, minifiedJson: json, id: digest(json) };

  function conditions(list: Inputs[]): Inputs {
    const made: Inputs = {};
    for (const { test, variable, values } of list) {
      made[test] = { ...made[test], [variable]: one(values) };
    }
    return made;
  }
}
