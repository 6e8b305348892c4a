import middy from "@middy/core";
import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import { monotonicFactory } from "ulid";
import type { CloudName } from "../lib/cloud/schema.ts";
import { config } from "../lib/config.ts";
import { bus } from "../lib/event/bus.ts";
import { log as logOf } from "../lib/log.ts";
import { cloudsFile } from "../lib/openstack/clouds.ts";
import { reconcileBatch } from "../lib/stack/batch.ts";
import { dynamo } from "../lib/table/dynamo.ts";
import { subjectOf } from "../lib/table/records.ts";
import { stackTable } from "../lib/table/stacks.ts";

const settings = config();
const log = logOf(settings.log);
const table = stackTable(dynamo({ tableName: settings.tableName }));
const clouds = cloudsFile(settings.clouds);
const facts = bus({ busName: settings.busName });

/** A batch of the table's stream: announces events, and reconciles every stack that a record names, once. */
export const handler = middy<DynamoDBStreamEvent, DynamoDBBatchResponse>().handler(
  async (event: DynamoDBStreamEvent, context: Context): Promise<DynamoDBBatchResponse> => {
    const { info, error: report } = log.with({ request_id: context.awsRequestId });
    const deps = {
      ...table,
      now: () => new Date(),
      newId: monotonicFactory(),
      random: Math.random,
      settings: settings.reconcile,
      log: info,
      cloudClient: clouds.client,
      stacksWeighing: (cloud: CloudName) => table.listStacksWeighing([cloud]),
      announce: facts.announce,
      remainingMs: () => context.getRemainingTimeInMillis(),
      report: (stack: string, error: unknown) => report("reconcile threw", { stack, error }),
    };
    const records = event.Records.map((record) => ({
      sequence: record.dynamodb?.SequenceNumber ?? "",
      ...subjectOf(record),
    }));
    const failed = await reconcileBatch(deps, records);
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  },
);
