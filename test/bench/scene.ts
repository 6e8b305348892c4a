import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { type Client, client } from "../../lib/api/client.ts";
import type { CloudName } from "../../lib/cloud/schema.ts";
import { type SimulatedCloud, simulatedCloud } from "../../lib/local/demo/cloud.ts";
import { filesOf } from "../../lib/local/files.ts";
import { type Note, readNote } from "../../lib/local/note.ts";
import { findRuntime } from "../../lib/local/token.ts";
import { allocate } from "../../lib/stack/allocation.ts";
import { type StackName, StackName as toStackName, Weights } from "../../lib/stack/schema.ts";
import { until } from "../support/until.ts";

export type Size = { stacks: number; clouds: number };

export type SceneOptions = Size & {
  /** Of the built command. */
  command: string;
  /** Instances of each stack. */
  count: number;
  /** Of the functions; the defaults where not given. */
  settings?: Record<string, string>;
  /** Writes CPU profiles of the runtime to this directory. */
  profile?: string | undefined;
};

export type Scene = {
  size: Size;
  api: Client;
  clouds: SimulatedCloud[];
  names: StackName[];
  weights: Weights;
  /** Of the runtime and its database. */
  note: Note;
  /** What every cloud should hold of every stack when these clouds are lost. */
  expected: (count: number, lost?: CloudName[]) => Map<string, number>;
  /** What every cloud was last told, by `cloud/stack`. */
  held: () => Map<string, number>;
  /** When the last PATCH so far came. Epoch milliseconds. */
  lastPatchAt: () => number;
  /** Resolves when everything that is wanted is in place, in the clouds that are left. */
  settled: () => Promise<void>;
  /** The runtime's own log so far. */
  logLines: () => Record<string, unknown>[];
  stop: () => Promise<void>;
};

const LATENCY_MS = 20;
/** Short, so that the next run can begin; the measured times end when the PATCH arrives. */
const UPDATE_MS = 1000;
const PATIENCE_MS = 1_800_000;

/**
 * The shipped command in a process of its own, with its database, and simulated clouds in this one:
 * Heat at 20 ms over real HTTP. Every stack weighs every cloud alike and has converged.
 */
export async function scene(options: SceneOptions): Promise<Scene> {
  const directory = mkdtempSync(join(tmpdir(), "heat-spreader-bench-"));
  const clear = () => rmSync(directory, { recursive: true, force: true });
  process.once("exit", clear);
  const endings: (() => unknown)[] = [clear, () => process.off("exit", clear)];
  const stop = async () => {
    for (const ending of endings.splice(0).toReversed()) await ending();
  };
  try {
    return { ...(await set(options, directory, endings)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function set(
  options: SceneOptions,
  directory: string,
  endings: (() => unknown)[],
): Promise<Omit<Scene, "stop">> {
  const cloudNames = Array.from({ length: options.clouds }, (_, i) => `cloud-${i + 1}`);
  const names = Array.from({ length: options.stacks }, (_, i) =>
    toStackName.parse(`stack-${i + 1}`),
  );
  // Ten thousandths leave a rest; the first cloud takes it, so that they sum to 1.
  const each = Math.floor(10_000 / options.clouds) / 10_000;
  const rest = Math.round((1 - each * (options.clouds - 1)) * 10_000) / 10_000;
  const weights = Weights.parse(
    Object.fromEntries(cloudNames.map((name, i) => [name, i === 0 ? rest : each])),
  );
  const expected: Scene["expected"] = (count, lost = []) =>
    new Map(names.flatMap((name) => sharesOf(name, count, weights, lost)));
  const initial = expected(options.count);
  const clouds = await Promise.all(
    cloudNames.map((name) => {
      const stacks = Object.fromEntries(
        names.map((stack) => [stack, initial.get(`${name}/${stack}`) ?? 0]),
      );
      return simulatedCloud({ name, stacks, latencyMs: LATENCY_MS, updateMs: UPDATE_MS });
    }),
  );
  endings.push(() => Promise.all(clouds.map((cloud) => cloud.stop())));
  const runtime = await started(options, directory, clouds);
  endings.push(runtime.stop);
  const { api, note, logFile } = runtime;
  await atMost(16, names, async (stack_name) => {
    const body = { count: options.count, count_parameter: "count", weights };
    await api.putStack({ stack_name, body });
  });
  const held = holding(clouds, initial);
  const size = { stacks: options.stacks, clouds: options.clouds };
  const settled = () => untilSettled(api, options.stacks);
  await settled();
  return {
    ...{ size, clouds, names, weights, api, note, expected, settled },
    held: held.now,
    lastPatchAt: held.lastAt,
    logLines: () =>
      readFileSync(logFile, "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
  };
}

function sharesOf(name: StackName, count: number, weights: Weights, lost: CloudName[]) {
  const listed = Object.keys(weights) as CloudName[];
  const available = new Set(listed.filter((cloud) => !lost.includes(cloud)));
  const rest = { drained: new Set<CloudName>(), failover: "even" } as const;
  const shares = allocate({ stack_name: name, count, weights, available, ...rest });
  if (shares === "hold") throw new Error("no cloud is left");
  return listed
    .filter((cloud) => available.has(cloud))
    .map((cloud): [string, number] => [`${cloud}/${name}`, shares[cloud] ?? 0]);
}

/** What the clouds were told, read on from where it was last read. */
function holding(clouds: SimulatedCloud[], initial: Map<string, number>) {
  const state = new Map(initial);
  const read = new Map(clouds.map((cloud) => [cloud.name, 0]));
  const now = () => {
    for (const { name, patches } of clouds) {
      for (const { stack_name, count } of patches.slice(read.get(name))) {
        state.set(`${name}/${stack_name}`, count);
      }
      read.set(name, patches.length);
    }
    return state;
  };
  return {
    now,
    lastAt: () => Math.max(0, ...clouds.map(({ patches }) => patches.at(-1)?.at ?? 0)),
  };
}

async function started(options: SceneOptions, directory: string, clouds: SimulatedCloud[]) {
  const database = join(directory, "bench.db");
  const config = join(directory, "heat-spreader.yaml");
  const cloudsYaml = join(directory, "clouds.yaml");
  const logFile = join(directory, "log");
  const server = { port: 0, shutdown_timeout: 10 };
  writeFileSync(config, stringify({ backend: { type: "sqlite", database }, server }));
  const entries = Object.fromEntries(clouds.map(({ name, entry }) => [name, entry]));
  writeFileSync(cloudsYaml, stringify({ clouds: entries }), { mode: 0o600 });
  writeFileSync(logFile, "");
  const profiling = options.profile ? ["--cpu-prof", "--cpu-prof-dir", options.profile] : [];
  const child = spawn(process.execPath, [...profiling, options.command, "run"], {
    cwd: directory,
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      ...{ PATH: process.env.PATH, HOME: directory, ...options.settings },
      HEAT_SPREADER_CONFIG_FILE: config,
      OS_CLIENT_CONFIG_FILE: cloudsYaml,
      HEAT_SPREADER_LOG_FILE: logFile,
      HEAT_SPREADER_LOG_JSON: "1",
      // The times of ticks are read from it.
      HEAT_SPREADER_LOG_LEVEL: "DEBUG",
    },
  });
  const kill = () => child.kill("SIGTERM");
  process.once("exit", kill);
  const place = { database, stateDirectory: directory };
  const found = await until(
    "the runtime listens",
    () => alive(child) && findRuntime(place),
    60_000,
  );
  const note = readNote(filesOf(place));
  if (note === undefined) throw new Error("the runtime says nothing of itself");
  const stop = async () => {
    process.off("exit", kill);
    const ended = once(child, "exit");
    if (child.exitCode !== null) return;
    child.kill("SIGTERM");
    await ended;
  };
  return { api: client({ ...found, timeoutMs: 120_000 }), note, logFile, stop };
}

function alive(child: ChildProcess): true {
  if (child.exitCode !== null) throw new Error(`the runtime ended with ${child.exitCode}`);
  return true;
}

async function untilSettled(api: Client, stacks: number): Promise<void> {
  let marker: string | undefined;
  let left = stacks;
  const look = async () => {
    const page = await api.listStacks({ query: { limit: 1000, marker } });
    const isSettled = ({ state, totals }: (typeof page.stacks)[number]) =>
      (state === "converged" || state === "failed_over") && totals.in_place === totals.desired;
    if (!page.stacks.every(isSettled)) return false;
    left -= page.stacks.length;
    marker = page.next;
    return left <= 0;
  };
  await until("everything in place", look, PATIENCE_MS, 500);
}

export async function atMost<T>(
  limit: number,
  all: Iterable<T>,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const queue = all[Symbol.iterator]();
  const worker = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

/** `1,000 stacks x 10 clouds`. */
export function sizeText({ stacks, clouds }: Size): string {
  return `${stacks.toLocaleString("en-US")} ${stacks === 1 ? "stack" : "stacks"} x ${clouds} clouds`;
}
