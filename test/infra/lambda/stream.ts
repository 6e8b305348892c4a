import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
  type _Record as StreamRecord,
} from "@aws-sdk/client-dynamodb-streams";
import type { DynamoDBRecord } from "aws-lambda";
import type { Planned } from "../engine/planned.ts";

/** The records that came since the last call, those which the mapping lets through, batch by batch. */
export type Batches = () => Promise<DynamoDBRecord[][]>;

/** The table's own stream, read as the planned event source mapping has Lambda read it. */
export async function batches(options: {
  client: DynamoDBStreamsClient;
  tableName: string;
  mapping: Planned;
}): Promise<Batches> {
  const { client, tableName, mapping } = options;
  const { filterCriteria, batchSize, eventSourceArn } = mapping.inputs;
  const patterns = filterCriteria.filters.map(({ pattern }: { pattern: string }) =>
    JSON.parse(pattern),
  ) as unknown[];
  const { Streams = [] } = await client.send(new ListStreamsCommand({ TableName: tableName }));
  const StreamArn = Streams[0]?.StreamArn;
  const described = await client.send(new DescribeStreamCommand({ StreamArn }));
  const ShardId = described.StreamDescription?.Shards?.[0]?.ShardId;
  const ShardIteratorType = "TRIM_HORIZON";
  const start = await client.send(
    new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType }),
  );
  let iterator = start.ShardIterator;
  return async () => {
    const read: StreamRecord[] = [];
    let page: StreamRecord[];
    do {
      const got = await client.send(new GetRecordsCommand({ ShardIterator: iterator }));
      iterator = got.NextShardIterator;
      page = got.Records ?? [];
      read.push(...page);
    } while (page.length > 0);
    const wanted = read
      .map((record) => asHandedOver(record, eventSourceArn))
      .filter((record) => patterns.some((pattern) => matches(record, pattern)));
    return Array.from({ length: Math.ceil(wanted.length / batchSize) }, (_, at) =>
      wanted.slice(at * batchSize, (at + 1) * batchSize),
    );
  };
}

/** The SDK's record as Lambda hands it over: its time in epoch seconds, and whose it is. */
function asHandedOver(record: StreamRecord, eventSourceARN: string): DynamoDBRecord {
  const { dynamodb } = record;
  const at = dynamodb?.ApproximateCreationDateTime ?? new Date();
  const seconds = Math.floor(at.getTime() / 1000);
  return {
    ...record,
    eventSourceARN,
    dynamodb: { ...dynamodb, ApproximateCreationDateTime: seconds },
  } as DynamoDBRecord;
}

/** Lambda's filter language, as far as keys need it: values and prefixes, any of a list, all of an object. */
function matches(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern)) return pattern.some((each) => matchesOne(value, each));
  if (typeof pattern !== "object" || pattern === null) throw new Error(`not known: ${pattern}`);
  return Object.entries(pattern).every(
    ([name, part]) =>
      typeof value === "object" &&
      value !== null &&
      matches((value as Record<string, unknown>)[name], part),
  );
}

function matchesOne(value: unknown, wanted: unknown): boolean {
  if (typeof wanted === "string") return value === wanted;
  const { prefix, ...unknown } = wanted as { prefix?: string };
  if (prefix === undefined || Object.keys(unknown).length > 0) {
    throw new Error(`not known: ${JSON.stringify(wanted)}`);
  }
  return typeof value === "string" && value.startsWith(prefix);
}
