import { SOURCE } from "../lib/event/envelope.ts";
import { bus } from "./bus.ts";
import { deadLetters } from "./letters.ts";
import { webhookToken } from "./secrets.ts";
import { named, settings } from "./stage.ts";

const { webhook } = settings;

/** Events that the webhook would not take for a day. Undefined where the settings name no webhook. */
export const undeliveredEvents =
  webhook === undefined || webhookToken === undefined ? undefined : delivery(webhook, webhookToken);

/**
 * Every event of ours to a URL, as EventBridge has it, which is what lib/local/webhook.ts sends too.
 * AWS keeps the token in Secrets Manager; here it is a secret of the state.
 */
function delivery(
  { url, header }: NonNullable<typeof webhook>,
  { value: token }: sst.Secret,
): sst.aws.Queue {
  const letters = deadLetters("UndeliveredEvents");
  const connection = new aws.cloudwatch.EventConnection("WebhookConnection", {
    name: named("Webhook"),
    authorizationType: "API_KEY",
    authParameters: {
      apiKey:
        header === undefined
          ? { key: "Authorization", value: $interpolate`Bearer ${token}` }
          : { key: header, value: token },
    },
  });
  const destination = new aws.cloudwatch.EventApiDestination("WebhookDestination", {
    name: named("Webhook"),
    connectionArn: connection.arn,
    invocationEndpoint: url,
    httpMethod: "POST",
    // What is more waits its turn: a failover of a hundred stacks is some hundreds of events.
    invocationRateLimitPerSecond: 10,
  });
  const rule = new aws.cloudwatch.EventRule("WebhookEvents", {
    name: named("WebhookEvents"),
    description: "Every event, to the webhook.",
    eventBusName: bus.name,
    eventPattern: JSON.stringify({ source: [SOURCE] }),
  });
  mayKeep(letters, rule);
  new aws.cloudwatch.EventTarget("WebhookTarget", {
    rule: rule.name,
    eventBusName: bus.name,
    targetId: "Webhook",
    arn: destination.arn,
    roleArn: roleFor(destination).arn,
    // A day, as lib/local/webhook.ts has it, and the most attempts there are.
    retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
    deadLetterConfig: { arn: letters.arn },
  });
  return letters;
}

/** The bus takes it on, to ask this destination and nothing else. */
function roleFor({ arn: Resource }: aws.cloudwatch.EventApiDestination): aws.iam.Role {
  const statement = { Effect: "Allow", Action: "events:InvokeApiDestination", Resource };
  return new aws.iam.Role("WebhookRole", {
    name: named("Webhook"),
    assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "events.amazonaws.com" }),
    inlinePolicies: [
      { name: "inline", policy: $jsonStringify({ Version: "2012-10-17", Statement: [statement] }) },
    ],
  });
}

/** Dead letters come from this rule only. */
function mayKeep({ arn, url }: sst.aws.Queue, rule: aws.cloudwatch.EventRule): void {
  const statement = {
    Effect: "Allow",
    Principal: { Service: "events.amazonaws.com" },
    Action: "sqs:SendMessage",
    Resource: arn,
    Condition: { ArnEquals: { "aws:SourceArn": rule.arn } },
  };
  new aws.sqs.QueuePolicy("UndeliveredEventsPolicy", {
    queueUrl: url,
    policy: $jsonStringify({ Version: "2012-10-17", Statement: [statement] }),
  });
}
