import { environment } from "./environment.ts";
import { type FunctionParts, lambda } from "./function.ts";
import { vpc } from "./network.ts";
import { unprobedMinutes } from "./queues.ts";
import { cloudsYaml } from "./secrets.ts";
import { table } from "./table.ts";

/** What the probe of every place is made of; where it votes from and what it may write differ. */
export const probeParts = {
  handler: "functions/probe.handler",
  // A run may begin a minute late, probes for the rest of its minute, and has half a minute to end.
  timeout: "90 seconds",
  environment,
  secrets: [cloudsYaml],
} satisfies Partial<FunctionParts>;

/** Votes, judges, observes, and wakes the stacks that are overdue. */
export const probe = lambda("Probe", {
  ...probeParts,
  ...(vpc === undefined ? {} : { vpc }),
  grants: [
    {
      actions: [
        "dynamodb:Query",
        "dynamodb:BatchGetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:ConditionCheckItem",
      ],
      resources: [table.arn],
    },
  ],
});

everyMinute("EveryMinute", probe, unprobedMinutes);

/**
 * Invokes a probe with the minute that is meant. A minute that could not be started within a minute is
 * given up, and lies in the queue: the next one is there already. Runs may overlap, which is harmless;
 * to reserve concurrency against it, a new account has too little.
 */
export function everyMinute(
  name: string,
  probe: sst.aws.Function,
  letters: sst.aws.Queue,
  opts?: $util.ComponentResourceOptions,
): sst.aws.CronV2 {
  return new sst.aws.CronV2(
    name,
    {
      schedule: "rate(1 minute)",
      function: probe,
      event: { time: "<aws.scheduler.scheduled-time>" },
      retries: 0,
      dlq: letters.arn,
      transform: {
        schedule: (schedule) => {
          schedule.target = $util.output(schedule.target).apply((target) => ({
            ...target,
            retryPolicy: { ...target.retryPolicy, maximumEventAgeInSeconds: 60 },
          }));
        },
      },
    },
    opts,
  );
}
