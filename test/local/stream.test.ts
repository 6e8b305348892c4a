import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from "aws-lambda";
import type { Place } from "../../lib/local/files.ts";
import { bury, deadLetters } from "../../lib/local/letters.ts";
import { type Stream, type StreamOptions, stream } from "../../lib/local/stream.ts";
import { log } from "../../lib/log.ts";
import { dynamo, dynamoClient } from "../../lib/table/dynamo.ts";
import type { Table } from "../../lib/table/item.ts";
import { makeTable } from "../../lib/table/make.ts";
import { openEmbeddedTable } from "../support/embedded-table.ts";
import { until } from "../support/until.ts";

const quiet = log({ level: "CRITICAL", write: () => undefined });
const quick = { pauseMs: 1, longestPauseMs: 5, idleMs: 20, checkpointMs: 1, retries: 3 };

describe("the poller of the local stream", () => {
  let database: {
    dynamo: DynamoDBClient;
    streams: DynamoDBStreamsClient;
    close: () => Promise<void>;
  };
  let place: Place;
  let tableName: string;
  let table: Table;
  let running: Stream[] = [];
  let tables = 0;

  before(async () => {
    const { endpoint, close } = await openEmbeddedTable();
    database = {
      dynamo: dynamoClient({ endpoint }),
      streams: new DynamoDBStreamsClient({ endpoint }),
      close,
    };
  });
  after(() => database.close());
  beforeEach(async () => {
    const stateDirectory = await mkdtemp(join(tmpdir(), "heat-spreader-"));
    place = { database: ":memory:", stateDirectory };
    tables += 1;
    tableName = `stream-test-${tables}`;
    await makeTable(database.dynamo, tableName);
    table = dynamo({ tableName, client: database.dynamo });
  });
  afterEach(async () => {
    await Promise.all(running.map((each) => each.stop()));
    running = [];
    await rm(place.stateDirectory, { recursive: true });
  });

  async function poll(
    handler: (records: DynamoDBRecord[]) => Promise<DynamoDBBatchResponse | undefined>,
    more: Partial<Pick<StreamOptions, "trim">> & { settings?: StreamOptions["settings"] } = {},
  ): Promise<Stream> {
    const started = await stream({
      streams: database.streams,
      dynamo: database.dynamo,
      tableName,
      bury: (letter) => bury(place, letter),
      invoke: (event: DynamoDBStreamEvent) => handler(event.Records),
      trim: more.trim ?? (async () => undefined),
      log: quiet,
      settings: { ...quick, ...more.settings },
    });
    running.push(started);
    return started;
  }
  const put = (pk: string, sk: string, n = 0) => table.write({ put: { pk, sk, n } });

  test("hands on what was there before it began, then what comes", async () => {
    await put("STACK", "web");
    const got: string[] = [];
    await poll(async (records) => {
      got.push(...records.map(nameOf));
      return undefined;
    });
    await until("the first", () => got.includes("web"));
    await put("STACK", "db");
    await until("the second", () => got.includes("db"));
    assert.deepEqual(got, ["web", "db"]);
  });

  test("a record is as Lambda hands it over", async () => {
    await put("STACK", "web", 7);
    const got: DynamoDBRecord[] = [];
    await poll(async (records) => {
      got.push(...records);
      return undefined;
    });
    const record = await until("the record", () => got[0]);
    assert.equal(record.eventName, "INSERT");
    assert.equal(record.eventSource, "aws:dynamodb");
    assert.match(record.eventSourceARN ?? "", /^arn:aws:dynamodb:.*\/stream\//);
    assert.deepEqual(record.dynamodb?.Keys, { pk: { S: "STACK" }, sk: { S: "web" } });
    assert.equal(record.dynamodb?.NewImage?.n?.N, "7");
    assert.equal(typeof record.dynamodb?.ApproximateCreationDateTime, "number");
    assert.match(record.dynamodb?.SequenceNumber ?? "", /^\d+$/);
  });

  test("what the filter does not name never reaches the handler, and does not hold the checkpoint", async () => {
    const got: string[] = [];
    const handler = async (records: DynamoDBRecord[]) => {
      got.push(...records.map((record) => `${record.dynamodb?.Keys?.pk?.S}/${nameOf(record)}`));
      return undefined;
    };
    const first = await poll(handler);
    await put("STATUS", "web");
    await put("STACK#web", "SHARE#athens");
    await put("CLOUD#athens", "VOTE#home");
    await put("VANTAGE", "home");
    const named = ["STACK/web", "CLOUD/athens", "VERDICT/athens", "STACK#web/WAKE"];
    named.push("CLOUD#athens/SEEN#web", "STACK#web/EVENT#1", "CLOUD#athens/EVENT#2");
    for (const key of named) {
      const [pk = "", sk = ""] = key.split("/");
      await put(pk, sk);
    }
    await put("STATUS", "web", 1);
    await until("all that is named", () => got.length >= named.length);
    assert.deepEqual(got.toSorted(), named.toSorted());
    await first.stop();
    await poll(handler);
    await put("STACK", "last");
    await until("the last", () => got.includes("STACK/last"));
    assert.equal(got.length, named.length + 1);
  });

  test("the records of one item come in order, one invocation at a time", async () => {
    const items = ["a", "b", "c", "d", "e", "f"];
    for (let n = 0; n < 30; n++) for (const item of items) await put("STACK", item, n);
    const got = new Map<string, number[]>();
    const busy = new Set<string>();
    let overlaps = 0;
    let invocations = 0;
    await poll(
      async (records) => {
        invocations += 1;
        const names = new Set(records.map(nameOf));
        for (const name of names) {
          if (busy.has(name)) overlaps += 1;
          busy.add(name);
        }
        await new Promise((resolve) => setTimeout(resolve, 3));
        for (const record of records) {
          const numbers = got.get(nameOf(record)) ?? [];
          got.set(nameOf(record), [...numbers, numberOf(record)]);
        }
        for (const name of names) busy.delete(name);
        return undefined;
      },
      { settings: { batchSize: 7 } },
    );
    await until("all", () => [...got.values()].flat().length === 180);
    for (const item of items) {
      assert.deepEqual(got.get(item), [...Array(30).keys()], item);
    }
    assert.equal(overlaps, 0);
    assert.ok(invocations >= 180 / 7);
  });

  test("items of different lanes do not wait for each other", async () => {
    const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const open = Promise.withResolvers<void>();
    const ended: string[] = [];
    await poll(async (records) => {
      if (records.some((record) => nameOf(record) === "a")) await open.promise;
      ended.push(...records.map(nameOf));
      return undefined;
    });
    for (const name of names) await put("STACK", name);
    await until("another lane's", () => ended.length > 0);
    assert.ok(!ended.includes("a"));
    open.resolve();
    await until("all", () => ended.length === names.length);
  });

  test("retries from the lowest failed record on, and not what came before it", async () => {
    for (let n = 0; n < 10; n++) await put("STACK", "web", n);
    const runs: number[][] = [];
    await poll(async (records) => {
      runs.push(records.map(numberOf));
      if (runs.length > 1) return undefined;
      const failed = records.filter((record) => [8, 4, 6].includes(numberOf(record)));
      return { batchItemFailures: failed.map((record) => ({ itemIdentifier: idOf(record) })) };
    });
    await until("the retry", () => runs.length === 2);
    assert.deepEqual(runs, [
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      [4, 5, 6, 7, 8, 9],
    ]);
  });

  test("an answer that names an unknown record fails the whole batch", async () => {
    for (let n = 0; n < 2; n++) await put("STACK", "web", n);
    const got: number[] = [];
    let runs = 0;
    await poll(async (records) => {
      runs += 1;
      if (runs === 1) return { batchItemFailures: [{ itemIdentifier: "" }] };
      got.push(...records.map(numberOf));
      return undefined;
    });
    await until("both again", () => got.length === 2);
    assert.deepEqual(got, [0, 1]);
  });

  test("a batch that throws is bisected until the poison record lies alone among the dead letters", async () => {
    for (let n = 0; n < 40; n++) await put("STACK", "web", n);
    const done: number[] = [];
    await poll(async (records) => {
      if (records.some((record) => numberOf(record) === 17)) throw new Error("cannot take this");
      done.push(...records.map(numberOf));
      return undefined;
    });
    await until("the others", () => done.length === 39);
    assert.deepEqual(
      done,
      [...Array(40).keys()].filter((n) => n !== 17),
    );
    const [letter, ...others] = await until("the dead letter", async () => {
      const letters = await deadLetters(place);
      return letters.length > 0 && letters;
    });
    assert.ok(letter);
    assert.equal(others.length, 0);
    assert.equal(numberOf(letter.record), 17);
    assert.equal(letter.attempts, quick.retries + 1);
    assert.match(letter.reason, /cannot take this/);
  });

  test("a record that its handler names again and again is given up alone, and the lane goes on", async () => {
    for (let n = 0; n < 5; n++) await put("STACK", "web", n);
    const runs: number[][] = [];
    await poll(async (records) => {
      runs.push(records.map(numberOf));
      const failed = records.filter((record) => numberOf(record) === 2);
      return { batchItemFailures: failed.map((record) => ({ itemIdentifier: idOf(record) })) };
    });
    await until("the rest", () => runs.at(-1)?.join() === "3,4");
    const letters = await deadLetters(place);
    assert.deepEqual(
      letters.map((letter) => numberOf(letter.record)),
      [2],
    );
    assert.equal(runs.filter((run) => run.includes(2)).length, quick.retries + 1);
  });

  test("a record past its age is given up at its first failure, and was tried all the same", async () => {
    await put("STACK", "web", 1);
    let runs = 0;
    await poll(
      async () => {
        runs += 1;
        throw new Error("no");
      },
      { settings: { oldestMs: -60_000 } },
    );
    await until("the dead letter", async () => {
      const letters = await deadLetters(place);
      return letters.length === 1;
    });
    assert.equal(runs, 1);
  });

  test("goes on after the checkpoint, and does again what was not done", async () => {
    const got: number[] = [];
    const held = Promise.withResolvers<undefined>();
    const take = async (records: DynamoDBRecord[]) => {
      got.push(...records.map(numberOf));
      return undefined;
    };
    const first = await poll(take);
    for (let n = 0; n < 5; n++) await put("STACK", "web", n);
    await until("the first five", () => got.length === 5);
    await first.stop();

    // A runtime that dies in mid-invocation: it took records, and nobody heard of them again.
    const seen: number[] = [];
    const second = await poll(async (records) => {
      seen.push(...records.map(numberOf));
      await held.promise;
      throw new Error("killed");
    });
    await put("STACK", "web", 5);
    await put("STACK", "web", 6);
    await until("the invocation", () => seen.length > 0);
    const stopped = second.stop();
    held.resolve(undefined);
    await stopped;

    await poll(take);
    await until("all", () => got.length >= 7);
    assert.deepEqual(got, [0, 1, 2, 3, 4, 5, 6]);
  });

  test("a stop waits for the invocation that runs", async () => {
    const open = Promise.withResolvers<undefined>();
    let isRunning = false;
    const poller = await poll(async () => {
      isRunning = true;
      await open.promise;
      isRunning = false;
      return undefined;
    });
    await put("STACK", "web");
    await until("the invocation", () => isRunning);
    const stopped = poller.stop();
    open.resolve(undefined);
    await stopped;
    assert.equal(isRunning, false);
  });

  test("lets go of what is consumed, up to the checkpoint", async () => {
    const trimmed: string[] = [];
    const ids: string[] = [];
    await poll(
      async (records) => {
        ids.push(...records.map(idOf));
        return undefined;
      },
      {
        settings: { trimAfter: 10 },
        trim: async (id) => {
          trimmed.push(id);
        },
      },
    );
    for (let n = 0; n < 25; n++) await put("STACK", "web", n);
    await until("a trim", () => trimmed.length > 0);
    for (const id of trimmed) assert.ok(ids.includes(id));
  });

  test("an own write that is announced by a poke is read without waiting for the pause", async () => {
    const got: string[] = [];
    const poller = await poll(
      async (records) => {
        got.push(...records.map(nameOf));
        return undefined;
      },
      { settings: { idleMs: 600_000 } },
    );
    await put("STACK", "web");
    await until("the write", () => {
      poller.poke();
      return got.includes("web");
    });
  });
});

function nameOf(record: DynamoDBRecord): string {
  return record.dynamodb?.Keys?.sk?.S ?? "";
}

function numberOf(record: DynamoDBRecord): number {
  return Number(record.dynamodb?.NewImage?.n?.N);
}

function idOf(record: DynamoDBRecord): string {
  return record.dynamodb?.SequenceNumber ?? "";
}
