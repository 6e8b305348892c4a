import { named } from "./stage.ts";

export type Watched = {
  /** What it means, in the mail; docs/operating.md says what to do. */
  says: string;
  namespace: "AWS/Lambda" | "AWS/SQS" | "AWS/ApiGateway";
  metric: string;
  dimensions: Record<string, $util.Input<string>>;
  statistic: "Maximum" | "Sum";
  /** Minutes that one value covers, and how many values in a row it takes. */
  minutes: number;
  inARow?: number;
} & ({ above: number } | { below: number });

/** An alarm to a topic, there and back. No value at all is bad news only where a value is expected. */
export function alarm(
  name: string,
  to: sst.aws.SnsTopic,
  watched: Watched,
  opts?: $util.CustomResourceOptions,
): aws.cloudwatch.MetricAlarm {
  const { says, namespace, metric, dimensions, statistic, minutes, inARow = 1 } = watched;
  const isFloor = "below" in watched;
  return new aws.cloudwatch.MetricAlarm(
    name,
    {
      name: named(name),
      alarmDescription: `${says} See docs/operating.md.`,
      namespace,
      metricName: metric,
      dimensions,
      statistic,
      period: minutes * 60,
      evaluationPeriods: inARow,
      threshold: isFloor ? watched.below : watched.above,
      comparisonOperator: isFloor ? "LessThanThreshold" : "GreaterThanThreshold",
      treatMissingData: isFloor ? "breaching" : "notBreaching",
      alarmActions: [to.arn],
      okActions: [to.arn],
    },
    opts,
  );
}
