import { setTimeout as sleep } from "node:timers/promises";
import middy from "@middy/core";
import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import { monotonicFactory } from "ulid";
import type { CloudName } from "../lib/cloud/schema.ts";
import { config } from "../lib/config.ts";
import { bus } from "../lib/event/bus.ts";
import { log as logOf } from "../lib/log.ts";
import { sharedClouds } from "../lib/openstack/shared.ts";
import { reconcileBatch } from "../lib/stack/batch.ts";
import { dynamo } from "../lib/table/dynamo.ts";
import { namedBy } from "../lib/table/records.ts";
import { stackTable } from "../lib/table/stacks.ts";

const settings = config();
const log = logOf(settings.log);
const table = stackTable(dynamo({ tableName: settings.tableName }));
const clouds = sharedClouds(settings.clouds, log);
const facts = bus({ busName: settings.busName });
const newId = monotonicFactory();

/** A batch of the table's stream: announces events, and reconciles every stack that a record names, once. */
export const handler = middy<DynamoDBStreamEvent, DynamoDBBatchResponse>().handler(
  async (event: DynamoDBStreamEvent, context: Context): Promise<DynamoDBBatchResponse> => {
    const { info, error: report } = log.with({ request_id: context.awsRequestId });
    const deps = {
      ...table,
      now: () => new Date(),
      newId,
      random: Math.random,
      sleep,
      settings: settings.reconcile,
      log: info,
      cloudClient: clouds.client,
      stacksWeighing: (cloud: CloudName) => table.listStacksWeighing([cloud]),
      announce: facts.announce,
      remainingMs: () => context.getRemainingTimeInMillis(),
      report: (stack: string, error: unknown) => report("reconcile threw", { stack, error }),
    };
    const failed = await reconcileBatch(deps, event.Records.map(namedBy));
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  },
);
