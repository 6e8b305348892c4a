import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBStreamsClient,
  ListStreamsCommand,
  type _Record as StreamRecord,
} from "@aws-sdk/client-dynamodb-streams";
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from "aws-lambda";
import type { Log } from "../log.ts";
import { definition } from "../table/definition.ts";
import type { Key } from "../table/item.ts";
import { passesFilter, subjectOf } from "../table/records.ts";
import { type Bell, bell } from "./bell.ts";
import { type Checkpoints, checkpoints, saver } from "./checkpoint.ts";
import { lane, type RetrySettings } from "./lane.ts";
import type { DeadLetter } from "./letters.ts";
import { progress } from "./progress.ts";
import { readShard } from "./shard.ts";
import { followShards } from "./shards.ts";

export type StreamSettings = RetrySettings & {
  /** Sequences that run side by side; the records of one item, and of one stack, are in the same. */
  lanes: number;
  /** The longest pause between two reads when nothing happens. */
  idleMs: number;
  /** Progress is written down this long after it was made: what a kill -9 has done again. */
  checkpointMs: number;
  /** Consumed records are let go of when there are this many. */
  trimAfter: number;
};

export const streamSettings: StreamSettings = {
  batchSize: 100,
  lanes: 4,
  retries: 10,
  oldestMs: 3_600_000,
  pauseMs: 100,
  longestPauseMs: 10_000,
  idleMs: 250,
  checkpointMs: 250,
  trimAfter: 1000,
};

/** Read but not done: no more is read meanwhile, so that one stuck lane does not fill the memory. */
const MOST_UNDER_WAY = 10_000;

export type StreamOptions = {
  streams: DynamoDBStreamsClient;
  dynamo: DynamoDBClient;
  tableName: string;
  invoke: (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse | undefined>;
  /** Keeps a record that was given up on. */
  bury: (letter: DeadLetter) => Promise<void>;
  /** Lets go of the records up to this one, which are consumed for good. */
  trim: (sequenceNumber: string) => Promise<void>;
  log: Log;
  settings?: Partial<StreamSettings>;
};

export type Stream = {
  /** Something may have been written: read now rather than after the pause. */
  poke: () => void;
  /** Ends reading, lets running invocations end, and writes down how far they came. */
  stop: () => Promise<void>;
};

/**
 * Feeds the table's stream to a handler as Lambda's event source does: from the checkpoint or the
 * oldest record, filtered by keys, in batches, the records of an item in order, at least once, with
 * bounded retries (lane.ts). Lives until it is stopped; a kill at any moment loses nothing.
 */
export async function stream(options: StreamOptions): Promise<Stream> {
  const { streams, dynamo, tableName, log } = options;
  const { Streams } = await streams.send(new ListStreamsCommand({ TableName: tableName }));
  const streamArn = Streams?.at(-1)?.StreamArn;
  if (!streamArn) throw new Error(`table ${tableName} has no stream`);
  const positions = await checkpoints({ dynamo, tableName: `${tableName}-local`, streamArn });
  const stopping = new AbortController();
  const { signal } = stopping;
  const settings = { ...streamSettings, ...options.settings };
  const bells = new Map<string, Bell>();
  const poke = () => {
    for (const each of bells.values()) each.ring();
  };
  const ended = followShards({
    streams,
    streamArn,
    log,
    signal,
    follow: (shardId) => {
      const own = bell();
      bells.set(shardId, own);
      return followShard({
        ...options,
        settings,
        streamArn,
        shardId,
        positions,
        bell: own,
        signal,
      });
    },
  });
  return {
    poke,
    stop: async () => {
      stopping.abort();
      poke();
      await ended;
    },
  };
}

/** One shard through its lanes, with its checkpoint. */
async function followShard(
  options: Omit<StreamOptions, "settings"> & {
    settings: StreamSettings;
    streamArn: string;
    shardId: string;
    positions: Checkpoints;
    bell: Bell;
    signal: AbortSignal;
  },
): Promise<void> {
  const { settings, signal, streamArn, shardId, positions } = options;
  const room = bell();
  const consumed = progress(() => {
    saving.soon();
    room.ring();
  });
  const saving = saver({ ...options, ...settings, reached: consumed.reached });
  const invoke: StreamOptions["invoke"] = (event) =>
    options.invoke(event).finally(() => options.bell.ring());
  const lanes = Array.from({ length: settings.lanes }, () => lane({ ...options, invoke }));
  const deliver = async (records: StreamRecord[]) => {
    for (const read of records) {
      const record = asLambdaRecord(read, streamArn);
      const done = consumed.begin(record.dynamodb?.SequenceNumber ?? "");
      if (passesFilter(keyOf(record))) lanes[laneOf(record, settings.lanes)]?.add({ record, done });
      else done();
    }
    for (const each of lanes) each.start();
    while (consumed.underWay() >= MOST_UNDER_WAY && !signal.aborted) await room.wait(1000);
  };
  await readShard({ ...options, ...settings, after: await positions.read(shardId), deliver });
  await Promise.all(lanes.map((each) => each.rest()));
  await saving.now();
}

/**
 * By the stack that the record names, else by its partition: so an item is always in the same lane,
 * which is what Lambda promises, and a stack too, which spares reconciles that would be in each
 * other's way.
 */
function laneOf(record: DynamoDBRecord, lanes: number): number {
  const subject = subjectOf(record);
  const name = subject && "stack" in subject ? subject.stack : keyOf(record).pk;
  let hash = 0;
  for (const letter of name) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0;
  return hash % lanes;
}

function keyOf(record: DynamoDBRecord): Key {
  const { [definition.hashKey]: pk, [definition.rangeKey]: sk } = record.dynamodb?.Keys ?? {};
  return { pk: pk?.S ?? "", sk: sk?.S ?? "" };
}

/** The SDK's record as Lambda hands it over. Our items hold no binary: values stay as they are. */
function asLambdaRecord(record: StreamRecord, eventSourceARN: string): DynamoDBRecord {
  const { dynamodb } = record;
  const seconds = (dynamodb?.ApproximateCreationDateTime?.getTime() ?? Date.now()) / 1000;
  return {
    ...record,
    eventSourceARN,
    dynamodb: { ...dynamodb, ApproximateCreationDateTime: seconds },
  } as DynamoDBRecord;
}
