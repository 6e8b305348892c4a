import { setTimeout as sleep } from "node:timers/promises";
import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { monotonicFactory } from "ulid";
import { judgeBetween } from "../lib/cloud/between.ts";
import { minuteOf, ticksOfMinute } from "../lib/cloud/minute.ts";
import { tick } from "../lib/cloud/tick.ts";
import { config } from "../lib/config.ts";
import { log as logOf } from "../lib/log.ts";
import { sharedClouds } from "../lib/openstack/shared.ts";
import { witnessAsker } from "../lib/openstack/witness.ts";
import { cloudTable } from "../lib/table/clouds.ts";
import { dynamo, dynamoClient } from "../lib/table/dynamo.ts";

const settings = config();
const log = logOf(settings.log);
const { tableName, tableRegion: region } = settings;
const client = dynamoClient(region === undefined ? {} : { region });
const table = cloudTable(dynamo({ tableName, client }));
const clouds = sharedClouds(settings.clouds, log);
const askWitness = witnessAsker(settings.witness);
const now = () => new Date();
const newId = monotonicFactory();

/** The schedule's minute: ticks at every interval until it is over. */
export const handler = middy().handler(async (event: unknown, context: Context): Promise<void> => {
  const deps = {
    ...table,
    now,
    newId,
    settings: settings.probe,
    cloudNames: clouds.names,
    cloudClient: clouds.client,
    askWitness,
  };
  await ticksOfMinute(
    {
      now,
      sleep,
      newId,
      tick: () => tick(deps),
      judgeBetween: (names) => judgeBetween(deps, names),
      remainingMs: () => context.getRemainingTimeInMillis(),
      log: log.with({ request_id: context.awsRequestId }),
    },
    { scheduledAt: minuteOf(event) ?? now(), intervalMs: settings.probe.intervalMs },
  );
});
