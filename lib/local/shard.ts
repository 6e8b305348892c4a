import {
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type _Record as StreamRecord,
} from "@aws-sdk/client-dynamodb-streams";
import type { Log } from "../log.ts";
import type { Bell } from "./bell.ts";

/** DynamoDB hands out at most so many at once. */
const READ_LIMIT = 1000;
/** A read soon after something happened: handlers write more than once a run. */
const BUSY_MS = 20;

export type ShardOptions = {
  streams: DynamoDBStreamsClient;
  streamArn: string;
  shardId: string;
  /** Reads what follows this record; undefined: from the oldest that there is. */
  after: string | undefined;
  /** Takes what one read found, in order; resolves when it has room for more. */
  deliver: (records: StreamRecord[]) => Promise<void>;
  bell: Bell;
  /** The longest pause between two reads when nothing happens. */
  idleMs: number;
  log: Log;
  signal: AbortSignal;
};

/**
 * Reads one shard from where it was left until it is closed and empty, or until told to stop. A read
 * that fails is repeated, after a growing pause, from the last record delivered.
 */
export async function readShard(options: ShardOptions): Promise<void> {
  const { streams, bell, idleMs, signal, log, shardId } = options;
  let { after } = options;
  let iterator: string | undefined;
  let pauseMs = BUSY_MS;
  while (!signal.aborted) {
    try {
      iterator ??= await iteratorAfter(options, after);
      const { Records: records = [], NextShardIterator: next } = await streams.send(
        new GetRecordsCommand({ ShardIterator: iterator, Limit: READ_LIMIT }),
        { abortSignal: signal },
      );
      if (records.length > 0) {
        await options.deliver(records);
        after = records.at(-1)?.dynamodb?.SequenceNumber ?? after;
      }
      if (!next) return;
      iterator = next;
      if (records.length > 0) pauseMs = BUSY_MS;
      if (records.length === READ_LIMIT) continue;
    } catch (error) {
      if (signal.aborted) return;
      log.warning("stream not read", { shard: shardId, error });
      iterator = undefined;
      if (isTrimmed(error)) after = undefined;
    }
    const wasRung = await bell.wait(pauseMs);
    pauseMs = wasRung ? BUSY_MS : Math.min(idleMs, pauseMs * 2);
  }
}

async function iteratorAfter(options: ShardOptions, after: string | undefined) {
  const { streams, streamArn, shardId, signal } = options;
  const position =
    after === undefined
      ? { ShardIteratorType: "TRIM_HORIZON" as const }
      : { ShardIteratorType: "AFTER_SEQUENCE_NUMBER" as const, SequenceNumber: after };
  const { ShardIterator } = await streams.send(
    new GetShardIteratorCommand({ StreamArn: streamArn, ShardId: shardId, ...position }),
    { abortSignal: signal },
  );
  return ShardIterator;
}

function isTrimmed(error: unknown): boolean {
  return error instanceof Error && error.name === "TrimmedDataAccessException";
}
