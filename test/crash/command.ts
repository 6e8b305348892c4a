import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { type Client, client } from "../../lib/api/client.ts";
import { type SimulatedCloud, simulatedCloud } from "../../lib/local/demo/cloud.ts";
import { filesOf, type Place } from "../../lib/local/files.ts";
import { type DatabaseProcess, readNote } from "../../lib/local/note.ts";
import { end, isRunning } from "../../lib/local/process.ts";
import { findRuntime } from "../../lib/local/token.ts";
import { until } from "../support/until.ts";

const bin = fileURLToPath(new URL("../../bin/heat-spreader.ts", import.meta.url));

/** Seconds. What takes minutes with real clouds, and the same rules. */
const settings = {
  PROBE_INTERVAL: "0.2",
  PROBE_DEADLINE: "0.5",
  OBSERVE_EVERY: "0.5",
  RETRY_PAUSE: "0.5",
  LONGEST_PAUSE: "2",
  LOGIN_PAUSE: "0.5",
  PUSH_SILENCE: "2",
  STUCK_GRACE: "2",
  BUSY_SILENCE: "1",
};

export type Command = {
  pid: number;
  /** Resolves once its API answers; rejects with what it said when it ends before. */
  api: Promise<Client>;
  /** Standard output and standard error so far. */
  said: () => string;
  signal: (name: NodeJS.Signals) => void;
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
};

export type Site = {
  place: Place;
  clouds: SimulatedCloud[];
  /** `heat-spreader run` on this site's database; its standard output can go to a file. */
  run: (environment?: Record<string, string>, stdout?: string) => Command;
  /** Whether its API answers, or did. */
  isListening: (command: Command) => boolean;
  /** The database process that the lock names, if it runs. */
  database: () => DatabaseProcess | undefined;
  /** The number of every process that works on this database, named by the lock or not (Linux only). */
  databasePids: () => number[];
};

/** Three clouds with these heat stacks, and a configuration for `run`; all ends with the test. */
export async function site(
  t: TestContext,
  options: { stacks: string[]; directory?: string },
): Promise<Site> {
  const home = mkdtempSync(join(tmpdir(), "heat-spreader-crash-"));
  const { stacks, directory = join(home, "data") } = options;
  mkdirSync(directory, { recursive: true });
  const counts = Object.fromEntries(stacks.map((name) => [name, 1]));
  const clouds = await Promise.all(
    ["athens", "manchester", "stockholm"].map((name) =>
      simulatedCloud({ name, updateMs: 100, stacks: counts }),
    ),
  );
  const place = {
    database: join(directory, "heat.db"),
    stateDirectory: join(home, "state/heat-spreader"),
  };
  const files = filesOf(place);
  const entries = Object.fromEntries(clouds.map(({ name, entry }) => [name, entry]));
  writeFileSync(join(home, "clouds.yaml"), stringify({ clouds: entries }), { mode: 0o600 });
  const backend = { type: "sqlite", database: place.database };
  writeFileSync(
    join(home, "heat-spreader.yaml"),
    stringify({ backend, server: { port: 0, shutdown_timeout: 5 } }),
  );
  const environment = {
    ...settings,
    HOME: home,
    PATH: process.env.PATH ?? "",
    XDG_STATE_HOME: join(home, "state"),
    HEAT_SPREADER_CONFIG_FILE: join(home, "heat-spreader.yaml"),
    OS_CLIENT_CONFIG_FILE: join(home, "clouds.yaml"),
  };
  const running = new Set<Command>();
  const database = () => {
    const named = readNote(files)?.database;
    return named !== undefined && isRunning(named) ? named : undefined;
  };
  t.after(async () => {
    for (const each of running) each.signal("SIGKILL");
    await Promise.all([...running].map((each) => each.ended));
    const left = database();
    if (left) await end(left);
    for (const pid of pidsWith(place.database)) process.kill(pid, "SIGKILL");
    for (const cloud of clouds) await cloud.stop();
    rmSync(home, { recursive: true });
  });
  return {
    ...{ place, clouds, database },
    isListening: ({ pid }) => {
      const note = readNote(files);
      return note?.runtime.pid === pid && note.url !== undefined;
    },
    run: (more = {}, stdout = undefined) => {
      const command = spawned(place, { env: { ...environment, ...more }, cwd: home, stdout });
      running.add(command);
      void command.ended.then(() => running.delete(command));
      return command;
    },
    databasePids: () => pidsWith(place.database),
  };
}

function spawned(
  place: Place,
  options: { env: Record<string, string>; cwd: string; stdout: string | undefined },
): Command {
  const { env, cwd, stdout } = options;
  const file = stdout === undefined ? undefined : openSync(stdout, "w");
  const child = spawn(process.execPath, [bin, "run"], {
    ...{ env, cwd },
    stdio: ["ignore", file ?? "pipe", "pipe"],
  });
  if (file !== undefined) closeSync(file);
  const ended = once(child, "close").then(([code, signal]) => code ?? signal);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const { pid = 0 } = child;
  const listening = until(
    "the API listens",
    () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(said);
      // A start takes the lock first: what the file says of the one before is gone by then.
      if (readNote(filesOf(place))?.runtime.pid !== pid) return undefined;
      const found = findRuntime(place);
      return found && client({ ...found, timeoutMs: 10_000 });
    },
    30_000,
  );
  listening.catch(() => undefined);
  const signal = (name: NodeJS.Signals) => void child.kill(name);
  return { pid, api: listening, said: () => said, signal, ended };
}

/** Processes with that argument; those that have ended and wait for their parent have none. */
function pidsWith(argument: string): number[] {
  if (process.platform !== "linux") return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => argumentsOf(pid).includes(argument)).map(Number);
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}
