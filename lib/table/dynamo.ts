import { setTimeout as pause } from "node:timers/promises";
import {
  BatchGetItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  DynamoDBServiceException,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { ControlError } from "../error.ts";
import { definition } from "./definition.ts";
import { conditionText, keyText, placeholders, updateText } from "./expression.ts";
import type { Condition, Item, Key, Query, Table, Write } from "./item.ts";
import { type Attribute, marshalMap, unmarshalMap } from "./marshal.ts";

/** Enough for a verdict that moves 1,000 stacks at once, and well under a process's 1,024 files. */
const CONNECTIONS = 128;

/**
 * A client with one pool of kept-alive connections and a deadline for each call. What is not given
 * comes from the environment: region, credentials and AWS_ENDPOINT_URL_DYNAMODB.
 */
export function dynamoClient(
  options: Pick<DynamoDBClientConfig, "endpoint" | "region" | "credentials"> = {},
): DynamoDBClient {
  const client = new DynamoDBClient({
    ...options,
    requestHandler: {
      connectionTimeout: 2_000,
      requestTimeout: 10_000,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: CONNECTIONS },
      httpsAgent: { keepAlive: true, maxSockets: CONNECTIONS },
    },
  });
  // It walks through every input and output (a tenth of the time of a call), to log them to nobody.
  client.middlewareStack.remove("loggerMiddleware");
  return client;
}

/** The table on DynamoDB. Throttling is retried by the client, a lost race never. */
export function dynamo(options: { tableName: string; client?: DynamoDBClient }): Table {
  const { tableName: TableName, client = dynamoClient() } = options;
  const turn = turns(CONNECTIONS);
  const transact = async (writes: Write[]): Promise<boolean> => {
    if (writes.length === 0) return true;
    try {
      const TransactItems = writes.map((write) => transactItem(TableName, write));
      await turn(() => client.send(new TransactWriteItemsCommand({ TransactItems })));
      return true;
    } catch (error) {
      if (isLostRace(error)) return false;
      throw error;
    }
  };
  return {
    get: async (key) => {
      const get = new GetItemCommand({ TableName, Key: attributesOf(key), ConsistentRead: true });
      const { Item: found } = await turn(() => client.send(get));
      return found === undefined ? undefined : itemOf(found);
    },
    getMany: async (keys) => {
      const unique = [...new Map(keys.map((key) => [`${key.pk}\n${key.sk}`, key])).values()];
      const chunks = Array.from({ length: Math.ceil(unique.length / 100) }, (_, i) =>
        turn(() => batchGet(client, TableName, unique.slice(i * 100, i * 100 + 100))),
      );
      return (await Promise.all(chunks)).flat();
    },
    query: (query) => turn(() => queryAll(client, TableName, query)),
    write: (write) =>
      "check" in write ? transact([write]) : turn(() => writeOne(client, TableName, write)),
    transact,
  };
}

/**
 * Lets so many run at once, the others wait in line: the client's timeouts begin when it is asked,
 * not when it has a connection free, and a thousand stacks ask at once.
 */
function turns(width: number): <T>(run: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (run) => {
    if (running >= width) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await run();
    } catch (error) {
      throw isOutage(error) ? unavailable(error) : error;
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

/** The database's fault, or nobody's; a call that it refuses as wrong is a bug of ours. */
function isOutage(error: unknown): error is Error {
  if (error instanceof DynamoDBServiceException) {
    return error.$fault === "server" || error.$retryable !== undefined;
  }
  return error instanceof Error && ("code" in error || error.name === "TimeoutError");
}

function unavailable(cause: Error): ControlError {
  const why = cause.message || ("code" in cause ? String(cause.code) : cause.name);
  // The words of SQLite, which is below the embedded database.
  const detail = why.includes("disk is full")
    ? "The disk under the database is full, and nothing was written. Once there is room"
    : `The database cannot be used now (${why}). Once that is mended`;
  return new ControlError("table.unavailable", `${detail}, the same call works.`, { cause });
}

async function batchGet(client: DynamoDBClient, table: string, chunk: Key[]): Promise<Item[]> {
  const items: Item[] = [];
  let keys = chunk.map((key) => attributesOf(key));
  for (let attempt = 0; keys.length > 0; attempt++) {
    if (attempt > 8) throw new Error("DynamoDB keeps leaving keys of a batch unread");
    if (attempt > 0) await pause(10 * 2 ** attempt);
    const answer = await client.send(
      new BatchGetItemCommand({ RequestItems: { [table]: { Keys: keys, ConsistentRead: true } } }),
    );
    items.push(...(answer.Responses?.[table] ?? []).map(itemOf));
    keys = (answer.UnprocessedKeys?.[table]?.Keys ?? []) as typeof keys;
  }
  return items;
}

async function queryAll(client: DynamoDBClient, table: string, query: Query): Promise<Item[]> {
  const { after, limit = Number.POSITIVE_INFINITY } = query;
  const expression = placeholders();
  const KeyConditionExpression = keyText(query, expression);
  const items: Item[] = [];
  if (KeyConditionExpression === undefined || limit <= 0) return items;
  const input: QueryCommandInput = {
    TableName: table,
    KeyConditionExpression,
    ...expression.fields(),
    ScanIndexForward: !query.descending,
    ...(query.index ? { IndexName: definition.index.name } : { ConsistentRead: true }),
  };
  do {
    // One more than wanted: BETWEEN includes `after` itself.
    if (Number.isFinite(limit)) input.Limit = limit - items.length + 1;
    const page = await client.send(new QueryCommand(input));
    items.push(...(page.Items ?? []).map(itemOf).filter((item) => item.sk !== after));
    input.ExclusiveStartKey = page.LastEvaluatedKey;
  } while (input.ExclusiveStartKey !== undefined && items.length < limit);
  return items.slice(0, limit);
}

async function writeOne(
  client: DynamoDBClient,
  TableName: string,
  write: Exclude<Write, { check: Key }>,
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      if ("put" in write) await client.send(new PutItemCommand(putOf(TableName, write)));
      else if ("update" in write) {
        await client.send(new UpdateItemCommand(updateOf(TableName, write)));
      } else await client.send(new DeleteItemCommand(removeOf(TableName, write)));
      return true;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error.name === "ConditionalCheckFailedException") return false;
      // A transaction holds the item for some milliseconds; whether our condition holds is seen after it.
      if (error.name !== "TransactionConflictException" || attempt === 6) throw error;
      await pause(Math.random() * 10 * 2 ** attempt);
    }
  }
}

function transactItem(table: string, write: Write) {
  if ("put" in write) return { Put: putOf(table, write) };
  if ("update" in write) return { Update: updateOf(table, write) };
  if ("remove" in write) return { Delete: removeOf(table, write) };
  const expression = placeholders();
  const ConditionExpression = conditionText(write.when, expression);
  const Key = attributesOf(write.check);
  return { ConditionCheck: { TableName: table, Key, ConditionExpression, ...expression.fields() } };
}

function putOf(TableName: string, { put, when }: Extract<Write, { put: Item }>) {
  return { TableName, Item: marshalMap(put), ...conditionOf(when) };
}

function removeOf(TableName: string, { remove, when }: Extract<Write, { remove: Key }>) {
  return { TableName, Key: attributesOf(remove), ...conditionOf(when) };
}

function updateOf(TableName: string, { update, set, when }: Extract<Write, { update: Key }>) {
  const expression = placeholders();
  const text = updateText(set, expression);
  return {
    TableName,
    Key: attributesOf(update),
    UpdateExpression: text,
    ...(when === undefined ? {} : { ConditionExpression: conditionText(when, expression) }),
    ...expression.fields(),
  };
}

function conditionOf(when: Condition | undefined) {
  if (when === undefined) return {};
  const expression = placeholders();
  return { ConditionExpression: conditionText(when, expression), ...expression.fields() };
}

/** True when every reason is a condition or another transaction; throttling, say, is an error. */
function isLostRace(error: unknown): boolean {
  const lost = ["ConditionalCheckFailed", "TransactionConflict", "None"];
  return (
    error instanceof TransactionCanceledException &&
    error.CancellationReasons !== undefined &&
    error.CancellationReasons.every(({ Code }) => lost.includes(Code ?? "None"))
  );
}

function attributesOf({ pk, sk }: Key) {
  return marshalMap({ pk, sk });
}

function itemOf(attributes: Record<string, Attribute>): Item {
  return unmarshalMap(attributes) as Item; // what is in the table has its keys
}
