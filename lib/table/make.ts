import { setTimeout as pause } from "node:timers/promises";
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type TableDescription,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { definition } from "./definition.ts";

/**
 * Makes the table of definition.ts where it is not there yet, and waits until it can be used (at
 * most a minute). Idempotent. Throws when a table of that name has no stream or no index of ours.
 */
export async function makeTable(client: DynamoDBClient, tableName: string): Promise<void> {
  if ((await describe(client, tableName)) === undefined) await create(client, tableName);
  const table = await untilActive(client, tableName);
  if (table.StreamSpecification?.StreamViewType !== definition.stream) {
    throw new Error(`table ${tableName} has no stream of ${definition.stream}: name another table`);
  }
  if (!table.GlobalSecondaryIndexes?.some(({ IndexName }) => IndexName === definition.index.name)) {
    throw new Error(`table ${tableName} has no index ${definition.index.name}: name another table`);
  }
  await expireBy(client, tableName);
}

async function describe(
  client: DynamoDBClient,
  TableName: string,
): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName }))).Table;
  } catch (error) {
    if (error instanceof Error && error.name === "ResourceNotFoundException") return undefined;
    throw error;
  }
}

async function create(client: DynamoDBClient, TableName: string): Promise<void> {
  const { hashKey, rangeKey, index, stream } = definition;
  const input: CreateTableCommandInput = {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [...new Set([hashKey, rangeKey, index.hashKey, index.rangeKey])].map(
      (AttributeName) => ({ AttributeName, AttributeType: "S" }),
    ),
    KeySchema: keySchema(hashKey, rangeKey),
    GlobalSecondaryIndexes: [
      {
        IndexName: index.name,
        KeySchema: keySchema(index.hashKey, index.rangeKey),
        Projection: { ProjectionType: "ALL" },
      },
    ],
    StreamSpecification: { StreamEnabled: true, StreamViewType: stream },
  };
  try {
    await client.send(new CreateTableCommand(input));
  } catch (error) {
    // Somebody else was quicker: their table is as good.
    if (!(error instanceof Error && error.name === "ResourceInUseException")) throw error;
  }
}

function keySchema(hash: string, range: string): CreateTableCommandInput["KeySchema"] {
  return [
    { AttributeName: hash, KeyType: "HASH" },
    { AttributeName: range, KeyType: "RANGE" },
  ];
}

async function untilActive(client: DynamoDBClient, tableName: string): Promise<TableDescription> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const table = await describe(client, tableName);
    if (table?.TableStatus === "ACTIVE") return table;
    await pause(200);
  }
  throw new Error(`table ${tableName} was not active within a minute`);
}

async function expireBy(client: DynamoDBClient, TableName: string): Promise<void> {
  const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
  if (TimeToLiveDescription?.TimeToLiveStatus?.startsWith("ENABL")) return;
  const TimeToLiveSpecification = { AttributeName: definition.ttl, Enabled: true };
  await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
}
