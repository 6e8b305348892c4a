import { settings } from "./stage.ts";

/**
 * A topic that alarms are published to, and facts of the bus where `others` has them; it mails them to
 * whom the settings name.
 */
export function topic(
  name: string,
  others: "events"[],
  opts?: $util.CustomResourceOptions,
): sst.aws.SnsTopic {
  const made = new sst.aws.SnsTopic(name, {}, opts);
  const { accountId } = aws.getCallerIdentityOutput({}, opts);
  const publish = { Effect: "Allow", Action: "sns:Publish", Resource: made.arn };
  const policy = $jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        ...publish,
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Condition: { StringEquals: { "aws:SourceAccount": accountId } },
      },
      // EventBridge tells topics neither its rule nor its account: AWS has it without a condition.
      ...others.map((other) => ({ ...publish, Principal: { Service: `${other}.amazonaws.com` } })),
    ],
  });
  new aws.sns.TopicPolicy(`${name}Policy`, { arn: made.arn, policy }, opts);
  if (settings.alarmEmail !== undefined) {
    const mail = { protocol: "email", endpoint: settings.alarmEmail };
    new aws.sns.TopicSubscription(`${name}Email`, { topic: made.arn, ...mail }, opts);
  }
  return made;
}
