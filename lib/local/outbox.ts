import {
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
} from "@aws-sdk/client-dynamodb";
import { Event } from "../event/schema.ts";
import type { Log } from "../log.ts";
import { ensureTable } from "./checkpoint.ts";

/** What is still to be delivered, kept until it is. */
export type Outbox = {
  /** The oldest first. */
  read: () => Promise<Event[]>;
  /** By its id: the same event twice is one. */
  put: (event: Event) => Promise<void>;
  remove: (id: string) => Promise<void>;
};

const PARTITION = "OUTBOX";

/**
 * An outbox in the runtime's own table, beside the checkpoints: a kill -9 loses nothing of it. What
 * another version left there and this one cannot read is told, and stays.
 */
export async function outbox(options: {
  dynamo: DynamoDBClient;
  tableName: string;
  log: Log;
}): Promise<Outbox> {
  const { dynamo, tableName, log } = options;
  await ensureTable(dynamo, tableName);
  const key = (id: string) => ({ pk: { S: PARTITION }, sk: { S: id } });
  return {
    read: async () => {
      const events: Event[] = [];
      const input: QueryCommandInput = {
        TableName: tableName,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": { S: PARTITION } },
        ConsistentRead: true,
      };
      do {
        const page = await dynamo.send(new QueryCommand(input));
        for (const { sk, event } of page.Items ?? []) {
          const read = Event.safeParse(jsonOf(event?.S));
          if (read.success) events.push(read.data);
          else log.warning("event in the outbox cannot be read", { event: sk?.S });
        }
        input.ExclusiveStartKey = page.LastEvaluatedKey;
      } while (input.ExclusiveStartKey !== undefined);
      return events;
    },
    put: async (event) => {
      const Item = { ...key(event.id), schema: { N: "1" }, event: { S: JSON.stringify(event) } };
      await dynamo.send(new PutItemCommand({ TableName: tableName, Item }));
    },
    remove: async (id) => {
      await dynamo.send(new DeleteItemCommand({ TableName: tableName, Key: key(id) }));
    },
  };
}

function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
