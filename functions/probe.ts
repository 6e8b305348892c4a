import { setTimeout as sleep } from "node:timers/promises";
import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { monotonicFactory, ulid } from "ulid";
import { minuteOf, ticksOfMinute } from "../lib/cloud/minute.ts";
import { tick } from "../lib/cloud/tick.ts";
import { config } from "../lib/config.ts";
import { log as logOf } from "../lib/log.ts";
import { cloudsFile } from "../lib/openstack/clouds.ts";
import { cloudTable } from "../lib/table/clouds.ts";
import { dynamo } from "../lib/table/dynamo.ts";

const settings = config();
const log = logOf(settings.log);
const table = cloudTable(dynamo({ tableName: settings.tableName }));
const clouds = cloudsFile(settings.clouds);

/** The schedule's minute: ticks at every interval until it is over. */
export const handler = middy().handler(async (event: unknown, context: Context): Promise<void> => {
  const now = () => new Date();
  const ours = log.with({ request_id: context.awsRequestId });
  const deps = {
    ...table,
    now,
    newId: monotonicFactory(),
    settings: settings.probe,
    cloudNames: clouds.names,
    cloudClient: clouds.client,
  };
  await ticksOfMinute(
    {
      now,
      sleep,
      tick: () => tick(deps),
      remainingMs: () => context.getRemainingTimeInMillis(),
      report: (outcome) => report(ours.with({ tick_id: ulid() }), outcome),
    },
    { scheduledAt: minuteOf(event) ?? now(), intervalMs: settings.probe.intervalMs },
  );
});

function report(
  { info, error }: typeof log,
  outcome: Parameters<Parameters<typeof ticksOfMinute>[0]["report"]>[0],
): void {
  if ("error" in outcome) error("tick threw", outcome);
  else
    info("tick", {
      ...outcome.ticked,
      moved: outcome.ticked.moved.map(({ cloud, verdict }) => `${cloud} ${verdict}`),
    });
}
