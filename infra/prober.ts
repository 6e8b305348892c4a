import { environment } from "./environment.ts";
import { type FunctionParts, type Grant, lambda } from "./function.ts";
import { deadLetters } from "./letters.ts";
import { cloudsYaml } from "./secrets.ts";

export type Prober = {
  probe: sst.aws.Function;
  /** Minutes in which it could not be started, or failed. */
  unprobedMinutes: sst.aws.Queue;
};

/**
 * A probe, invoked every minute with the minute that is meant. One that could not be started within a
 * minute is given up, and nothing is tried again: the next minute is there already. Runs may overlap,
 * which is harmless; to reserve concurrency against it, a new account has too little.
 */
export function prober(
  place: string,
  { grants, ...parts }: { grants: Grant[] } & Partial<Pick<FunctionParts, "environment" | "vpc">>,
  opts?: $util.ComponentResourceOptions,
): Prober {
  const unprobedMinutes = deadLetters(`UnprobedMinutes${place}`, opts);
  const probe = lambda(
    `Probe${place}`,
    {
      environment,
      ...parts,
      handler: "functions/probe.handler",
      // A run may begin a minute late, probes for a minute at most, and has half a minute to end.
      timeout: "90 seconds",
      secrets: [cloudsYaml],
      grants: [...grants, { actions: ["sqs:SendMessage"], resources: [unprobedMinutes.arn] }],
      // The schedule hands over to Lambda's own queue, which would try twice again for six hours.
      retries: 0,
      transform: {
        eventInvokeConfig: {
          maximumEventAgeInSeconds: 60,
          destinationConfig: { onFailure: { destination: unprobedMinutes.arn } },
        },
      },
    },
    opts,
  );
  new sst.aws.CronV2(
    `EveryMinute${place}`,
    {
      schedule: "rate(1 minute)",
      function: probe,
      event: { time: "<aws.scheduler.scheduled-time>" },
      retries: 0,
      dlq: unprobedMinutes.arn,
      transform: { schedule: giveUpAfterAMinute },
    },
    opts,
  );
  return { probe, unprobedMinutes };
}

function giveUpAfterAMinute(schedule: aws.scheduler.ScheduleArgs): undefined {
  schedule.target = $util.output(schedule.target).apply((target) => ({
    ...target,
    retryPolicy: { ...target.retryPolicy, maximumEventAgeInSeconds: 60 },
  }));
}
