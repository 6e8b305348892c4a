import { settings } from "./stage.ts";

/** A topic that alarms and events are published to, and that mails them to whom the settings name. */
export function topic(name: string, opts?: $util.CustomResourceOptions): sst.aws.SnsTopic {
  const made = new sst.aws.SnsTopic(name, {}, opts);
  new aws.sns.TopicPolicy(
    `${name}Policy`,
    { arn: made.arn, policy: publishers(made.arn, opts) },
    opts,
  );
  if (settings.alarmEmail !== undefined) {
    new aws.sns.TopicSubscription(
      `${name}Email`,
      { topic: made.arn, protocol: "email", endpoint: settings.alarmEmail },
      opts,
    );
  }
  return made;
}

function publishers(arn: $util.Output<string>, opts?: $util.InvokeOptions): $util.Output<string> {
  const { accountId } = aws.getCallerIdentityOutput({}, opts);
  const publish = { Effect: "Allow", Action: "sns:Publish", Resource: arn };
  return $jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "Alarms",
        ...publish,
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Condition: { StringEquals: { "aws:SourceAccount": accountId } },
      },
      // AWS has no condition here: EventBridge publishes to topics without saying for which rule.
      { Sid: "Events", ...publish, Principal: { Service: "events.amazonaws.com" } },
    ],
  });
}
