import type { DynamoDBRecord } from "aws-lambda";
import { CloudName } from "../cloud/schema.ts";
import { Event } from "../event/schema.ts";
import { StackName } from "../stack/schema.ts";
import { definition, type KeyMatch, type KeyPattern, streamFilter } from "./definition.ts";
import type { Key } from "./item.ts";
import { partitions } from "./keys.ts";
import { unmarshalMap } from "./marshal.ts";

/** What a stream record is about. A cloud stands for every stack that weighs it. */
export type Subject = { stack: StackName } | { cloud: CloudName } | { event: Event };
type Named = { stack: StackName; cloud: CloudName; event: Event };

/** What a record names, and nothing more: all else is read afresh. Undefined: nothing of ours. */
export function subjectOf(record: DynamoDBRecord): Subject | undefined {
  const { pk, sk } = keyOf(record);
  if (pk === undefined || sk === undefined) return undefined;
  if (sk.startsWith("EVENT#")) return eventOf(record);
  if (pk === partitions.stack) return stackNamed(sk);
  if (pk === partitions.verdict || pk === partitions.cloud) return cloudNamed(sk);
  if (pk.startsWith("STACK#") && sk === "WAKE") return stackNamed(pk.slice("STACK#".length));
  if (pk.startsWith("CLOUD#") && sk.startsWith("SEEN#"))
    return stackNamed(sk.slice("SEEN#".length));
  if (pk.startsWith("CLOUD#") && sk.startsWith("WITNESS#"))
    return stackNamed(sk.slice("WITNESS#".length));
  return undefined;
}

/** The record's subject, with the sequence number by which it can be asked for again. */
export function namedBy(record: DynamoDBRecord): { sequence: string } & Partial<Named> {
  return { sequence: record.dynamodb?.SequenceNumber ?? "", ...subjectOf(record) };
}

/** Whether the event source would hand this record on: the filter that AWS applies, for the local poller. */
export function passesFilter(
  { pk, sk }: Key,
  filter: readonly KeyPattern[] = streamFilter,
): boolean {
  return filter.some(
    (pattern) => matches(pk, pattern.pk) && (pattern.sk === undefined || matches(sk, pattern.sk)),
  );
}

/** Facts are announced once they are there; their expiry is no fact. */
function eventOf(record: DynamoDBRecord): Subject | undefined {
  const image = record.dynamodb?.NewImage;
  if (record.eventName !== "INSERT" || image === undefined) return undefined;
  const event = Event.safeParse(unmarshalMap(image));
  return event.success ? { event: event.data } : undefined;
}

function stackNamed(name: string): Subject | undefined {
  const stack = StackName.safeParse(name);
  return stack.success ? { stack: stack.data } : undefined;
}

function cloudNamed(name: string): Subject | undefined {
  const cloud = CloudName.safeParse(name);
  return cloud.success ? { cloud: cloud.data } : undefined;
}

function keyOf(record: DynamoDBRecord): Partial<Key> {
  const { [definition.hashKey]: pk, [definition.rangeKey]: sk } = record.dynamodb?.Keys ?? {};
  return {
    ...(pk?.S === undefined ? {} : { pk: pk.S }),
    ...(sk?.S === undefined ? {} : { sk: sk.S }),
  };
}

function matches(value: string, match: KeyMatch): boolean {
  return match.some((each) =>
    typeof each === "string" ? value === each : value.startsWith(each.prefix),
  );
}
