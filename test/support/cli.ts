import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { Context } from "aws-lambda";
import { main } from "../../lib/cli/main.ts";
import { terminal } from "../../lib/cli/terminal.ts";
import { httpServer } from "../../lib/local/server.ts";
import { log } from "../../lib/log.ts";
import { testApi, tokens } from "./api.ts";

export type Said = { code: number | null; stdout: string; stderr: string };

export const bin = fileURLToPath(new URL("../../bin/heat-spreader.js", import.meta.url));

/** Runs the real command in an empty home, and waits for its end. */
export async function run(
  args: string[],
  options: {
    home: string;
    environment?: Record<string, string>;
    /** What is piped in; nothing unless said. */
    stdin?: string;
    onLine?: Interrupt;
  },
): Promise<Said> {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: options.home,
    env: { PATH: process.env.PATH, HOME: options.home, ...options.environment },
    stdio: ["pipe", "pipe", "pipe"],
    // One that hangs fails its test by its exit code.
    timeout: 60_000,
  });
  // A command that reads nothing may have ended before.
  child.stdin.on("error", () => {});
  child.stdin.end(options.stdin);
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
      if (options.onLine?.(said)) child.kill("SIGINT");
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { code, ...said };
}

/** Looks at what was said so far; true: press Ctrl-C. */
export type Interrupt = (said: { stdout: string; stderr: string }) => boolean;

export async function emptyHome(t: TestContext): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "heat-spreader-cli-"));
  t.after(() => rm(home, { recursive: true, force: true }));
  return home;
}

/** The API's handler on a port of its own, and the command line that talks to it. */
export async function cliAndApi(t: TestContext, options?: Parameters<typeof testApi>[0]) {
  const api = testApi(options);
  const home = await emptyHome(t);
  const server = await httpServer({
    address: "127.0.0.1",
    port: 0,
    insecure: false,
    // The local gateway makes the events that the handler takes.
    invoke: (event) =>
      api.handler(
        event as Parameters<typeof api.handler>[0],
        {
          awsRequestId: "invocation",
        } as Context,
      ),
    log: log({ level: "CRITICAL" }),
  });
  t.after(async () => {
    server.cutOff();
    await server.stop();
  });
  const environment = { HEAT_SPREADER_URL: server.url, HEAT_SPREADER_TOKEN: tokens.operator };
  const cli = (...args: string[]) => run(args, { home, environment });
  /** The same on a terminal of 80 columns, without colours. */
  const onTerminal = (...args: string[]) =>
    runOnTerminal(args, { HOME: home, NO_COLOR: "1", ...environment });
  return { api, cli, onTerminal, home, url: server.url, environment };
}

/** Runs the command line in this process, as on a terminal that nobody types at. */
async function runOnTerminal(args: string[], environment: Record<string, string>): Promise<Said> {
  const said = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      said[name] += text;
    },
    isTTY: true,
    columns: 80,
  });
  const streams = { stdout: stream("stdout"), stderr: stream("stderr") };
  const code = await main(args, { environment, terminal: terminal(streams, environment) });
  return { code, ...said };
}

export async function writeConfig(home: string, text: string): Promise<string> {
  const path = join(home, "heat-spreader.yaml");
  await writeFile(path, text);
  return path;
}
