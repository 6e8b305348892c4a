import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, beforeEach, test } from "node:test";
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from "@aws-sdk/client-dynamodb-streams";
import { binaryPath } from "../../lib/local/dynoxide.ts";
import { Note } from "../../lib/local/note.ts";
import { isRunning, processOf } from "../../lib/local/process.ts";
import { type EmbeddedTable, embeddedTable, TABLE_NAME } from "../../lib/local/table.ts";
import { findRuntime, operatorToken } from "../../lib/local/token.ts";
import { sweeper } from "../../lib/local/upkeep.ts";
import { dynamo, dynamoClient } from "../../lib/table/dynamo.ts";
import { until } from "../support/until.ts";

const access = {
  region: "local",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
};
const root = mkdtempSync(join(tmpdir(), "heat-spreader-test-"));
let count = 0;
let stateDirectory = root;
let database = ":memory:";
const endings: (() => unknown)[] = [];

beforeEach(() => {
  stateDirectory = join(root, `${++count}`);
  database = join(stateDirectory, "heat.db");
});
after(async () => {
  for (const ending of endings.toReversed()) await ending();
  rmSync(root, { recursive: true, force: true });
});

async function open(
  options: { database?: string; endpoint?: string } = {},
): Promise<EmbeddedTable> {
  const onExit = (reason: Error) => assert.fail(reason);
  const table = await embeddedTable({ database, stateDirectory, onExit, ...options });
  let isStopped = false;
  const stop = async () => {
    if (!isStopped) await table.stop();
    isStopped = true;
  };
  endings.push(stop);
  return { ...table, stop };
}

function tableAt(endpoint: string) {
  return dynamo({ tableName: TABLE_NAME, client: dynamoClient({ endpoint, ...access }) });
}

function note(): Note {
  return Note.parse(JSON.parse(readFileSync(`${database}.lock`, "utf8")));
}

/** A runtime of its own, to be killed: says where its database answers. */
async function runtimeProcess(): Promise<{ child: ChildProcess; endpoint: string }> {
  const module = import.meta.resolve("../../lib/local/table.ts");
  const options = JSON.stringify({ database, stateDirectory });
  const script = `
    import { embeddedTable } from ${JSON.stringify(module)};
    const table = await embeddedTable({ ...${options}, onExit: (reason) => { throw reason; } });
    table.publish({ url: "http://127.0.0.1:8080" });
    console.log(table.endpoint);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  endings.push(() => child.kill("SIGKILL"));
  const [line] = await once(child.stdout, "data");
  return { child, endpoint: String(line).trim() };
}

test("what was written is there after a stop and a start, and only this user can read it", async () => {
  const first = await open();
  assert.match(first.endpoint, /^http:\/\/127\.\d+\.\d+\.\d+:\d+$/);
  const { runtime, database: process_ } = note();
  assert.deepEqual(runtime, processOf(process.pid));
  assert.ok(process_ !== undefined && isRunning(process_));
  for (const file of [database, `${database}.lock`])
    assert.equal(statSync(file).mode & 0o777, 0o600);
  await tableAt(first.endpoint).write({ put: { pk: "STACK", sk: "web", count: 3 } });
  await first.stop();
  assert.ok(!isRunning(process_));
  assert.ok(!existsSync(`${database}.lock`));

  const second = await open();
  assert.notEqual(second.endpoint, first.endpoint);
  const item = await tableAt(second.endpoint).get({ pk: "STACK", sk: "web" });
  assert.deepEqual(item, { pk: "STACK", sk: "web", count: 3 });
  await second.stop();
});

test("a second runtime on one database is refused, saying who holds it", async () => {
  const first = await open();
  first.publish({ url: "http://127.0.0.1:8080" });
  const who = new RegExp(
    `heat\\.db is held by another .*process ${process.pid} since 20.*127\\.0\\.0\\.1:8080`,
  );
  await assert.rejects(open(), who);
  symlinkSync(database, join(stateDirectory, "other-name.db"));
  await assert.rejects(open({ database: join(stateDirectory, "other-name.db") }), who);
  assert.equal(note().url, "http://127.0.0.1:8080");
  await tableAt(first.endpoint).write({ put: { pk: "STACK", sk: "web" } });
  await first.stop();
  await (await open()).stop();
});

test("of many that start at once, one gets the database", async () => {
  const starts = await Promise.allSettled(Array.from({ length: 5 }, () => open()));
  const won = starts.filter((start) => start.status === "fulfilled");
  const lost = starts.flatMap((start) => (start.status === "rejected" ? [`${start.reason}`] : []));
  assert.equal(won.length, 1, lost.join("\n"));
  for (const { value } of won) await value.stop();
});

test("after kill -9 the next start takes over, ends the database left behind, and nothing is lost", async () => {
  const { child, endpoint } = await runtimeProcess();
  const left = note();
  assert.equal(left.runtime.pid, child.pid);
  await assert.rejects(open(), new RegExp(`process ${child.pid} since`));

  const acknowledged: number[] = [];
  const writing = (async () => {
    for (let i = 0; ; i++) {
      await tableAt(endpoint).write({ put: { pk: "STACK", sk: `s${i}` } });
      acknowledged.push(i);
    }
  })();
  const refused = assert.rejects(writing);
  await until("some writes are acknowledged", () => acknowledged.length > 50);
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.ok(left.database !== undefined && isRunning(left.database), "it outlives its runtime");
  assert.equal(findRuntime({ database, stateDirectory }), undefined);

  const next = await open();
  await refused;
  assert.ok(!isRunning(left.database));
  const there = new Set((await tableAt(next.endpoint).query({ pk: "STACK" })).map(({ sk }) => sk));
  for (const i of acknowledged) assert.ok(there.has(`s${i}`), `s${i} was acknowledged`);
  await next.stop();
});

test("a number of a process that is now another's is left alone", async () => {
  await (await open()).stop();
  const bystander = spawn("sleep", ["60"], { stdio: "ignore" });
  endings.push(() => bystander.kill());
  const { pid = 0 } = bystander;
  const stale = { pid, started: "long ago" };
  const left = {
    runtime: stale,
    since: "2026-01-01",
    database: { ...stale, address: "127.0.0.9", port: 1 },
  };
  writeFileSync(`${database}.lock`, JSON.stringify(left));
  assert.equal(findRuntime({ database, stateDirectory }), undefined);
  const table = await open();
  assert.ok(isRunning(processOf(pid)));
  await table.stop();
});

test("a lock file that says nothing sensible is replaced", async () => {
  await (await open()).stop();
  writeFileSync(`${database}.lock`, "{");
  const table = await open();
  assert.equal(note().runtime.pid, process.pid);
  await table.stop();
});

test("a database in memory has its files in the state directory, and leaves none", async () => {
  const memory = { database: ":memory:" };
  const table = await open(memory);
  const lock = join(stateDirectory, "memory.lock");
  const { scratch = "" } = Note.parse(JSON.parse(readFileSync(lock, "utf8"))).database ?? {};
  assert.ok(existsSync(scratch));
  await assert.rejects(open(memory), /:memory: database of this state directory is held/);
  await tableAt(table.endpoint).write({ put: { pk: "STACK", sk: "web" } });
  await table.stop();
  assert.ok(!existsSync(scratch));
  assert.deepEqual(readdirSync(stateDirectory), []);
  const next = await open(memory);
  assert.deepEqual(await tableAt(next.endpoint).query({ pk: "STACK" }), []);
  await next.stop();
});

test("a database process that ends by itself is told", async () => {
  const { promise, resolve } = Promise.withResolvers<Error>();
  const table = await embeddedTable({ database, stateDirectory, onExit: resolve });
  process.kill(note().database?.pid ?? 0, "SIGKILL");
  assert.match((await promise).message, /ended by itself.*SIGKILL/);
  await table.stop();
});

test("stream records have their index; consumed ones go, and the numbering goes on", async () => {
  const { endpoint, trim, stop } = await open();
  const table = tableAt(endpoint);
  for (let i = 0; i < 20; i++) await table.write({ put: { pk: "STACK", sk: `s${i}` } });
  const sqlite = new DatabaseSync(database, { readOnly: true });
  const plan = sqlite
    .prepare(
      "EXPLAIN QUERY PLAN SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = 'x'",
    )
    .all();
  assert.match(String(plan[0]?.detail), /heat_spreader_stream/);
  assert.deepEqual(await sequenceNumbers(endpoint), range(1, 20));
  await trim("15");
  assert.deepEqual(await sequenceNumbers(endpoint), range(16, 20));
  await trim("20");
  assert.deepEqual(await sequenceNumbers(endpoint), ["20"], "the newest stays");
  await trim("20");
  await table.write({ put: { pk: "STACK", sk: "more" } });
  assert.deepEqual(await sequenceNumbers(endpoint), ["20", "21"]);
  sqlite.close();
  await stop();
});

test("what has expired is removed, and the stream says so", async () => {
  const { endpoint, trim, stop } = await open();
  const table = tableAt(endpoint);
  const now = new Date("2026-06-01T00:00:00.000Z");
  const expires_at = now.getTime() / 1000;
  await table.write({ put: { pk: "STACK", sk: "gone", expires_at: expires_at - 1 } });
  await table.write({ put: { pk: "STACK", sk: "there", expires_at: expires_at + 1 } });
  await table.write({ put: { pk: "STACK", sk: "for ever" } });
  await trim("3");
  const sqlite = new DatabaseSync(database);
  await sweeper({ sqlite, tableName: TABLE_NAME, table })(now);
  sqlite.close();
  const left = (await table.query({ pk: "STACK" })).map(({ sk }) => sk);
  assert.deepEqual(left, ["for ever", "there"]);
  assert.deepEqual(await sequenceNumbers(endpoint), ["3", "4"]);
  await stop();
});

test("another DynamoDB is used where one is named", async () => {
  const other = await open();
  process.env.AWS_REGION ??= "local";
  process.env.AWS_ACCESS_KEY_ID ??= "local";
  process.env.AWS_SECRET_ACCESS_KEY ??= "local";
  const table = await open({ database: `${database}2`, endpoint: other.endpoint });
  assert.equal(table.endpoint, other.endpoint);
  await assert.rejects(open({ database: `${database}2`, endpoint: other.endpoint }), /is held by/);
  await table.trim("1");
  await table.stop();
  await tableAt(other.endpoint).write({ put: { pk: "STACK", sk: "still there" } });
  await other.stop();
});

test("a platform without a binary is told what to do", () => {
  assert.throws(() => binaryPath("plan9-mips"), /@dynoxide\/plan9-mips, or set DYNAMODB_ENDPOINT/);
});

test("a file that is no database, or cannot be one, is named with the remedy", async () => {
  await (await open()).stop();
  const text = join(stateDirectory, "letter.txt");
  writeFileSync(text, "Dear database, ".repeat(100));
  await assert.rejects(open({ database: text }), /letter\.txt: it is a file of another kind/);
  assert.match(readFileSync(text, "utf8"), /^Dear database/);
  assert.ok(!existsSync(`${text}.lock`));
  const others = join(stateDirectory, "others.db");
  const sqlite = new DatabaseSync(others);
  sqlite.exec("CREATE TABLE stacks (name TEXT)");
  sqlite.close();
  const before = readFileSync(others);
  await assert.rejects(open({ database: others }), /others\.db: it is another program's database/);
  assert.deepEqual(readFileSync(others), before);
  assert.deepEqual(readdirSync(stateDirectory).toSorted(), ["heat.db", "letter.txt", "others.db"]);
  await assert.rejects(open({ database: join(text, "heat.db") }), /a part of the path is a file/);
  await assert.rejects(open({ database: stateDirectory }), /it is a directory: name a file/);
});

test("a place where no directory can be made is said at once", {
  skip: process.platform !== "linux",
}, async () => {
  const nowhere = join("/proc", "no", "such", "heat.db");
  await assert.rejects(open({ database: nowhere }), /nothing can be made there: name another/);
});

test("the operator's token is the given one, or made once for this user's eyes", async () => {
  const place = { database, stateDirectory };
  assert.equal(operatorToken({ ...place, token: "given" }), "given");
  assert.ok(!existsSync(`${database}.token`), "a given one is not written down");
  const made = operatorToken(place);
  assert.match(made, /^[\w-]{43}$/);
  assert.equal(operatorToken(place), made);
  assert.equal(statSync(`${database}.token`).mode & 0o777, 0o600);
  assert.notEqual(operatorToken({ ...place, database: ":memory:" }), made);

  assert.equal(findRuntime({ ...place, database: join(stateDirectory, "no", "such") }), undefined);
  assert.ok(!existsSync(join(stateDirectory, "no")), "looking makes nothing");
  assert.equal(findRuntime(place), undefined);
  const { child } = await runtimeProcess();
  assert.deepEqual(findRuntime(place), { url: "http://127.0.0.1:8080", token: made });
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal(findRuntime(place), undefined);
  await (await open()).stop();
});

function range(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
}

async function sequenceNumbers(endpoint: string): Promise<(string | undefined)[]> {
  const streams = new DynamoDBStreamsClient({ endpoint, ...access });
  const listed = await streams.send(new ListStreamsCommand({ TableName: TABLE_NAME }));
  const { StreamArn } = listed.Streams?.[0] ?? {};
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
  const { ShardId } = StreamDescription?.Shards?.[0] ?? {};
  const first = { StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" } as const;
  const { ShardIterator } = await streams.send(new GetShardIteratorCommand(first));
  const { Records = [] } = await streams.send(new GetRecordsCommand({ ShardIterator }));
  streams.destroy();
  return Records.map((record) => record.dynamodb?.SequenceNumber);
}
