import { setTimeout as pause } from "node:timers/promises";
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from "@aws-sdk/client-dynamodb-streams";
import { decodeTime } from "ulid";
import { passesFilter } from "../../lib/table/records.ts";
import { type Row, row } from "./measure.ts";
import { usageOf } from "./processes.ts";
import { type Scene, sizeText } from "./scene.ts";

const MINUTE_MS = 60_000;
/** After the last write: a tick that still lists because of it, and the garbage of it, are over. */
const CALM_MS = 75_000;

/**
 * A minute in which nothing happens: requests to the clouds, time of each tick, what it would invoke
 * reconcile with, memory and processor time of the runtime and its database.
 */
export async function quietRows(
  { size, clouds, note, logLines }: Scene,
  minutes: number,
): Promise<Row[]> {
  const pids = [note.runtime.pid, note.database?.pid ?? note.runtime.pid];
  const requests = () => clouds.map((cloud) => cloud.requests().total);
  await pause(CALM_MS);
  const measured: Record<"requests" | "records" | "ticks" | "memory" | "cpu", number[]> = {
    ...{ requests: [], records: [], ticks: [], memory: [], cpu: [] },
  };
  for (let minute = 0; minute < minutes; minute += 1) {
    const from = Date.now();
    const before = sum(requests());
    const { cpuSeconds } = usageOf(pids);
    const records = await recordsFromNow(note.database);
    await pause(MINUTE_MS);
    const usage = usageOf(pids);
    measured.requests.push(sum(requests()) - before);
    measured.records.push(await records());
    measured.memory.push(usage.megabytes);
    measured.cpu.push(usage.cpuSeconds - cpuSeconds);
    measured.ticks.push(...tickTimes(logLines(), from));
  }
  const isFull = size.stacks === 1000 && size.clouds === 10;
  const common = { size: sizeText(size) };
  const barred = (bar: number) => (isFull ? { bar } : {});
  return [
    {
      what: "quiet minute: requests in all",
      unit: "" as const,
      values: measured.requests,
      ...barred(150),
    },
    {
      what: "quiet minute: each tick",
      unit: "ms" as const,
      values: measured.ticks,
      isForEach: true,
      ...barred(1000),
    },
    {
      what: "quiet minute: records to reconcile",
      unit: "" as const,
      values: measured.records,
      ...barred(0),
    },
    { what: "quiet minute: processor time", unit: "s" as const, values: measured.cpu },
    {
      what: "idle: resident, all processes",
      unit: "MB" as const,
      values: measured.memory,
      bar: 200,
    },
  ].map((each) => row({ ...common, ...each }));
}

/** A tick's id is a ULID of its start; its line is logged at its end. */
function tickTimes(lines: Record<string, unknown>[], from: number): number[] {
  return lines
    .filter(({ message, at }) => message === "tick" && Date.parse(String(at)) >= from)
    .map(({ at, tick_id }) => Date.parse(String(at)) - decodeTime(String(tick_id)));
}

/** From now on, until it is called: how many records of the stream pass the filter of reconcile. */
async function recordsFromNow(database: Scene["note"]["database"]): Promise<() => Promise<number>> {
  const streams = new DynamoDBStreamsClient({
    endpoint: `http://${database?.address}:${database?.port}`,
    region: "local",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  const { Streams = [] } = await streams.send(
    new ListStreamsCommand({ TableName: "heat-spreader" }),
  );
  const StreamArn = Streams.at(-1)?.StreamArn;
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
  const ShardId = StreamDescription?.Shards?.at(-1)?.ShardId;
  const { ShardIterator } = await streams.send(
    new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: "LATEST" }),
  );
  return async () => {
    const { Records = [] } = await streams.send(new GetRecordsCommand({ ShardIterator }));
    streams.destroy();
    return Records.filter(({ dynamodb }) => {
      const { pk, sk } = dynamodb?.Keys ?? {};
      return passesFilter({ pk: pk?.S ?? "", sk: sk?.S ?? "" });
    }).length;
  };
}

function sum(values: number[]): number {
  return values.reduce((whole, value) => whole + value, 0);
}
