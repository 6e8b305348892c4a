#!/usr/bin/env node
import { setTimeout as pause } from "node:timers/promises";
import {
  type AttributeValue,
  BatchWriteItemCommand,
  type DynamoDBClient,
  paginateScan,
} from "@aws-sdk/client-dynamodb";
import { dynamoClient } from "../lib/table/dynamo.ts";

type Item = Record<string, AttributeValue>;

/** DynamoDB takes so many at once. */
const BATCH = 25;

/**
 * The last step of a restore: puts every item of one table into another, over what it has under that
 * key. Events stay behind, as a copied one would be announced, and mailed, once more. Answers how many.
 */
async function copy(client: DynamoDBClient, from: string, to: string): Promise<number> {
  let copied = 0;
  for await (const { Items = [] } of paginateScan({ client }, { TableName: from })) {
    const items = Items.filter(({ sk }) => !sk?.S?.startsWith("EVENT#"));
    for (let at = 0; at < items.length; at += BATCH) {
      await put(client, to, items.slice(at, at + BATCH));
    }
    copied += items.length;
  }
  return copied;
}

async function put(client: DynamoDBClient, table: string, items: Item[]): Promise<void> {
  let requests = items.map((Item) => ({ PutRequest: { Item } }));
  for (let pauseMs = 100; requests.length > 0; pauseMs *= 2) {
    const { UnprocessedItems = {} } = await client.send(
      new BatchWriteItemCommand({ RequestItems: { [table]: requests } }),
    );
    requests = (UnprocessedItems[table] ?? []) as typeof requests; // what was not taken of them
    if (requests.length > 0) await pause(pauseMs);
  }
}

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined || from === to) {
  process.stderr.write("Usage: node bin/copy-table.ts FROM TO (two tables of one region)\n");
  process.exitCode = 2;
} else {
  const client = dynamoClient();
  const copied = await copy(client, from, to);
  process.stdout.write(`Copied ${copied} items from ${from} to ${to}.\n`);
  client.destroy();
}
