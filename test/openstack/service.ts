import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { StackDetail } from "../../lib/api/schema.ts";
import { until } from "../support/until.ts";

const run = promisify(execFile);
const bin = join(import.meta.dirname, "../../bin/heat-spreader.ts");

/** What `show -f json` prints. */
export type Shown = Omit<StackDetail, "totals"> & StackDetail["totals"];

/** The whole thing as an operator runs it: `heat-spreader run` in a process of its own, and its command line. */
export type Service = {
  /** Where its API is. */
  url: string;
  /** Runs a command, and gives what it printed. */
  command: (...words: string[]) => Promise<string>;
  show: (stack: string) => Promise<Shown>;
  stop: () => Promise<void>;
};

/** Intervals short enough for a test. */
export const shortened = {
  PROBE_INTERVAL: "2",
  RETRY_PAUSE: "5",
  PUSH_SILENCE: "30",
  LOGIN_PAUSE: "4",
  OBSERVE_EVERY: "4",
};

/** Starts it on the clouds of a clouds.yaml. */
export async function serviceUp(options: {
  directory: string;
  cloudsFile: string;
  clouds: string[];
  /** By their environment variables. */
  settings: Record<string, string>;
}): Promise<Service> {
  const { directory, cloudsFile, clouds, settings } = options;
  await mkdir(directory, { recursive: true });
  const configFile = join(directory, "heat-spreader.yaml");
  const config = {
    backend: { type: "sqlite", database: join(directory, "heat-spreader.db") },
    clouds,
    server: { address: "127.0.0.1", port: 0, shutdown_timeout: 5 },
  };
  await writeFile(configFile, JSON.stringify(config));
  const env = {
    ...process.env,
    XDG_STATE_HOME: join(directory, "state"),
    OS_CLIENT_CONFIG_FILE: cloudsFile,
    HEAT_SPREADER_CONFIG_FILE: configFile,
    ...settings,
  };
  const service = spawn(process.execPath, [bin, "run"], { env, stdio: ["ignore", "pipe", "pipe"] });
  const logFile = join(directory, "service.log");
  const log = createWriteStream(logFile);
  service.stdout.pipe(log);
  service.stderr.pipe(log);
  const said = () => readFileSync(logFile, "utf8");
  const command = async (...words: string[]) => {
    const { stdout } = await run(process.execPath, [bin, ...words], { env });
    return stdout;
  };
  const show = async (stack: string) =>
    JSON.parse(await command("show", stack, "-f", "json")) as Shown;
  try {
    await until(
      "the service answers",
      () => {
        if (service.exitCode !== null) {
          throw new Error(`it ended with ${service.exitCode}: ${said()}`);
        }
        return command("list", "--json").catch(() => false);
      },
      60_000,
      250,
    );
  } catch (error) {
    await stopped(service);
    throw error;
  }
  const [, url = ""] = / url=(\S+)/.exec(said()) ?? [];
  return { url, command, show, stop: () => stopped(service) };
}

/** Ends a process in order, and waits for its end. */
export async function stopped(service: ChildProcess): Promise<void> {
  if (service.exitCode !== null || service.signalCode !== null) return;
  service.kill("SIGTERM");
  await once(service, "exit");
}
