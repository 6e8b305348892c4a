import { CreateTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Planned } from "../engine/planned.ts";

type Index = { name: string; hashKey: string; rangeKey: string; projectionType: "ALL" };

/** Makes the table that is planned: keys, index and stream are the plan's, and nobody else's. */
export async function makePlannedTable(client: DynamoDBClient, { inputs }: Planned): Promise<void> {
  const attributes: { name: string; type: "S" | "N" | "B" }[] = inputs.attributes;
  const indexes: Index[] = inputs.globalSecondaryIndexes;
  await client.send(
    new CreateTableCommand({
      TableName: inputs.name,
      BillingMode: inputs.billingMode,
      AttributeDefinitions: attributes.map(({ name, type }) => ({
        AttributeName: name,
        AttributeType: type,
      })),
      KeySchema: keySchema(inputs.hashKey, inputs.rangeKey),
      GlobalSecondaryIndexes: indexes.map(({ name, hashKey, rangeKey, projectionType }) => ({
        IndexName: name,
        KeySchema: keySchema(hashKey, rangeKey),
        Projection: { ProjectionType: projectionType },
      })),
      StreamSpecification: {
        StreamEnabled: inputs.streamEnabled,
        StreamViewType: inputs.streamViewType,
      },
    }),
  );
}

function keySchema(hash: string, range: string) {
  return [
    { AttributeName: hash, KeyType: "HASH" as const },
    { AttributeName: range, KeyType: "RANGE" as const },
  ];
}
