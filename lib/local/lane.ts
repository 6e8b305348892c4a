import { setTimeout as pause } from "node:timers/promises";
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from "aws-lambda";
import type { Log } from "../log.ts";
import type { DeadLetter } from "./letters.ts";

/** A record, and whom to tell that it needs no further attempt. */
export type Entry = { record: DynamoDBRecord; done: () => void };

export type RetrySettings = {
  /** At most so many records an invocation. */
  batchSize: number;
  /** A record that failed so often after its first attempt is given up. */
  retries: number;
  /** A record that failed and is older than this is given up. */
  oldestMs: number;
  /** The first pause before a retry; doubles up to the longest. */
  pauseMs: number;
  longestPauseMs: number;
};

export type LaneOptions = {
  invoke: (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse | undefined>;
  bury: (letter: DeadLetter) => Promise<void>;
  settings: RetrySettings;
  log: Log;
  /** Aborted: nothing more is begun; what is not done stays for the next start. */
  signal: AbortSignal;
};

export type Lane = {
  /** Queues a record; nothing runs before `start`, so that what was read at once goes at once. */
  add: (entry: Entry) => void;
  start: () => void;
  /** Resolves when nothing is running. */
  rest: () => Promise<void>;
};

type Segment = { entries: Entry[]; attempts: number };
/** The index of the lowest record that failed, and why; a throw fails all and names none. */
type Failure = { from: number; named: boolean; reason: string };

/**
 * One sequence of invocations over the records of one lane, in order, as Lambda's event source does
 * it: `batchItemFailures` retries from the lowest failed record, a throw bisects the batch, and a
 * record that fails too often or too long is buried alone while the others go on.
 */
export function lane(options: LaneOptions): Lane {
  const { settings, signal } = options;
  const queue: Entry[] = [];
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (queue.length > 0 && !signal.aborted) {
      await work(queue.splice(0, settings.batchSize));
    }
  }

  async function work(batch: Entry[]): Promise<void> {
    const segments: Segment[] = [{ entries: batch, attempts: 0 }];
    for (let next = segments.shift(); next && !signal.aborted; next = segments.shift()) {
      const failure = await attempt(options, next.entries);
      for (const entry of next.entries.slice(0, failure?.from)) entry.done();
      if (failure) segments.unshift(...(await remainder(options, next, failure)));
    }
  }

  return {
    add: (entry) => queue.push(entry),
    start: () => {
      running ??= run().finally(() => {
        running = undefined;
      });
    },
    rest: async () => running,
  };
}

/** One invocation; undefined when every record succeeded. */
async function attempt(options: LaneOptions, entries: Entry[]): Promise<Failure | undefined> {
  try {
    const reply = await options.invoke({ Records: entries.map((entry) => entry.record) });
    const failed = new Set(reply?.batchItemFailures.map((failure) => failure.itemIdentifier));
    if (failed.size === 0) return undefined;
    const from = entries.findIndex((entry) => failed.has(sequence(entry)));
    const reason = "the handler said that the record failed";
    // An identifier that nobody sent fails the whole batch, as in Lambda.
    return from < 0 ? { from: 0, named: false, reason } : { from, named: true, reason };
  } catch (error) {
    options.log.error("invocation failed", { records: entries.length, error });
    return { from: 0, named: false, reason: String(error) };
  }
}

/** What is still to be done after a failure: after the pause, in order. */
async function remainder(
  options: LaneOptions,
  segment: Segment,
  failure: Failure,
): Promise<Segment[]> {
  const { settings, log, signal } = options;
  const entries = segment.entries.slice(failure.from);
  if (!failure.named && entries.length > 1) {
    // Splitting is no retry: the poison record is alone after log2(batch size) invocations.
    const half = Math.ceil(entries.length / 2);
    return [
      { entries: entries.slice(0, half), attempts: segment.attempts },
      { entries: entries.slice(half), attempts: segment.attempts },
    ];
  }
  const attempts = failure.from > 0 ? 1 : segment.attempts + 1;
  const [first, ...rest] = entries;
  if (first && isHopeless(first, attempts, settings)) {
    const letter = { at: new Date().toISOString(), reason: failure.reason, attempts };
    log.error("record given up", { ...letter, keys: first.record.dynamodb?.Keys });
    try {
      await options.bury({ ...letter, record: first.record });
      first.done();
      return rest.length > 0 ? [{ entries: rest, attempts: 0 }] : [];
    } catch (error) {
      log.error("dead letter not written", { error });
    }
  }
  const pauseMs = Math.min(settings.longestPauseMs, settings.pauseMs * 2 ** (attempts - 1));
  log.warning("records to be retried", { records: entries.length, attempts, pause_ms: pauseMs });
  await pause(pauseMs, undefined, { signal }).catch(() => undefined);
  return [{ entries, attempts }];
}

function isHopeless(entry: Entry, attempts: number, settings: RetrySettings): boolean {
  const seconds = entry.record.dynamodb?.ApproximateCreationDateTime ?? Number.POSITIVE_INFINITY;
  return attempts > settings.retries || Date.now() - seconds * 1000 > settings.oldestMs;
}

function sequence(entry: Entry): string {
  return entry.record.dynamodb?.SequenceNumber ?? "";
}
