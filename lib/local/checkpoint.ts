import {
  CreateTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ResourceInUseException,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import type { Log } from "../log.ts";

export type Checkpoints = {
  /** The last record of the shard before and at which all are done; undefined: none is. */
  read: (shardId: string) => Promise<string | undefined>;
  save: (shardId: string, sequenceNumber: string) => Promise<void>;
};

/**
 * Where the poller stands in a stream, kept in a table of its own that has no stream, in the same
 * database: a copy or a restored backup of it then resumes where it was. Makes that table.
 */
export async function checkpoints(options: {
  dynamo: DynamoDBClient;
  tableName: string;
  streamArn: string;
}): Promise<Checkpoints> {
  const { dynamo, tableName, streamArn } = options;
  await ensureTable(dynamo, tableName);
  // A table made anew has another stream, whose records are numbered anew.
  const key = (shardId: string) => ({ pk: { S: `CHECKPOINT#${streamArn}` }, sk: { S: shardId } });
  return {
    read: async (shardId) => {
      const { Item } = await dynamo.send(
        new GetItemCommand({ TableName: tableName, Key: key(shardId), ConsistentRead: true }),
      );
      return Item?.sequence_number?.S;
    },
    save: async (shardId, sequenceNumber) => {
      const Item = { ...key(shardId), schema: { N: "1" }, sequence_number: { S: sequenceNumber } };
      await dynamo.send(new PutItemCommand({ TableName: tableName, Item }));
    },
  };
}

/** Makes the runtime's own table, which has no stream, where it is not there yet. */
export async function ensureTable(dynamo: DynamoDBClient, tableName: string): Promise<void> {
  const attributes = ["pk", "sk"] as const;
  try {
    await dynamo.send(
      new CreateTableCommand({
        TableName: tableName,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: attributes.map((name) => ({
          AttributeName: name,
          AttributeType: "S",
        })),
        KeySchema: attributes.map((name) => ({
          AttributeName: name,
          KeyType: name === "pk" ? "HASH" : "RANGE",
        })),
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  await waitUntilTableExists({ client: dynamo, maxWaitTime: 60 }, { TableName: tableName });
}

export type Saver = { soon: () => void; now: () => Promise<void> };

/**
 * Writes down how far a shard has been consumed, a moment after it moved, and has the table let go
 * of what is consumed, now and then. A write that fails is made again with the next progress.
 */
export function saver(options: {
  positions: Checkpoints;
  shardId: string;
  reached: () => string | undefined;
  trim: (sequenceNumber: string) => Promise<void>;
  checkpointMs: number;
  trimAfter: number;
  log: Log;
}): Saver {
  const { positions, shardId, reached, trim, checkpointMs, trimAfter, log } = options;
  let saved: string | undefined;
  let untrimmed = 0;
  let timer: NodeJS.Timeout | undefined;
  let saving = Promise.resolve();

  async function save(): Promise<void> {
    const sequenceNumber = reached();
    if (sequenceNumber === undefined || sequenceNumber === saved) return;
    try {
      await positions.save(shardId, sequenceNumber);
      saved = sequenceNumber;
      if (untrimmed < trimAfter) return;
      await trim(sequenceNumber);
      untrimmed = 0;
    } catch (error) {
      log.warning("checkpoint not saved", { shard: shardId, error });
    }
  }

  const now = () => {
    clearTimeout(timer);
    timer = undefined;
    saving = saving.then(save);
    return saving;
  };
  return {
    soon: () => {
      untrimmed += 1;
      timer ??= setTimeout(now, checkpointMs);
    },
    now,
  };
}
