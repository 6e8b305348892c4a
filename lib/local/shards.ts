import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  type Shard,
} from "@aws-sdk/client-dynamodb-streams";
import type { Log } from "../log.ts";
import { bell } from "./bell.ts";

const LOOK_AGAIN_MS = 1000;

/**
 * Follows every shard of a stream, a child after its parent, and looks for new ones when one was
 * closed (the embedded DynamoDB has one for ever, others replace theirs every few hours). Resolves
 * once told to stop and all that was being followed has ended.
 */
export async function followShards(options: {
  streams: DynamoDBStreamsClient;
  streamArn: string;
  /** Resolves when the shard is closed and consumed, or on the signal. */
  follow: (shardId: string) => Promise<void>;
  log: Log;
  signal: AbortSignal;
}): Promise<void> {
  const { follow, log, signal } = options;
  const consumed = new Set<string | undefined>();
  const following = new Map<string, Promise<void>>();
  const waiting = bell();
  signal.addEventListener("abort", waiting.ring);

  async function followToEnd(id: string): Promise<void> {
    try {
      await follow(id);
      consumed.add(id);
    } catch (error) {
      log.error("shard not followed", { shard: id, error });
      await waiting.wait(LOOK_AGAIN_MS);
    }
    following.delete(id);
  }

  while (!signal.aborted) {
    const shards = await listShards(options).catch((error) => {
      log.warning("shards not listed", { error });
      return [];
    });
    const listed = new Set(shards.map((shard) => shard.ShardId));
    for (const { ShardId: id, ParentShardId: parent } of shards) {
      if (!id || following.has(id) || consumed.has(id)) continue;
      const isAfterParent = parent !== undefined && listed.has(parent) && !consumed.has(parent);
      if (!isAfterParent) following.set(id, followToEnd(id));
    }
    if (following.size > 0) await Promise.race(following.values());
    else await waiting.wait(LOOK_AGAIN_MS);
  }
  await Promise.all(following.values());
}

async function listShards(options: {
  streams: DynamoDBStreamsClient;
  streamArn: string;
}): Promise<Shard[]> {
  const shards: Shard[] = [];
  let last: string | undefined;
  do {
    const { StreamDescription: page } = await options.streams.send(
      new DescribeStreamCommand({
        StreamArn: options.streamArn,
        ...(last === undefined ? {} : { ExclusiveStartShardId: last }),
      }),
    );
    shards.push(...(page?.Shards ?? []));
    last = page?.LastEvaluatedShardId;
  } while (last !== undefined);
  return shards;
}
