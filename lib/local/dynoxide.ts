import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

const START_MS = 15_000;
const STOP_MS = 5_000;
const SHELL = "/bin/sh";

/** Which process it is, and where it answers. */
export type Whereabouts = { pid: number; address: string; port: number };

export type Dynoxide = Whereabouts & {
  /** Resolves, when it has ended by itself or been stopped, with the last it said. */
  ended: Promise<string>;
  /** Resolves once it answers. Throws, with what it said, when it does not come up. */
  ready: () => Promise<void>;
  stop: () => Promise<void>;
};

/**
 * Starts the embedded DynamoDB on this file. It checks no signature and allows every web origin: a
 * random loopback address and port are what keeps a web page from finding it. It is its own
 * process group, so that a Ctrl-C reaches the runtime only, which still needs it to drain. It begins
 * once `note` has returned, which writes down who it is: whoever is killed before leaves none behind.
 */
export async function startDynoxide(
  file: string,
  note: (where: Whereabouts) => void,
): Promise<Dynoxide> {
  const binary = binaryPath();
  const address = loopbackAddress();
  const port = await freePort();
  const child = spawnHeld([
    ...[binary, "serve", "--host", address, "--port", String(port)],
    ...["--db-path", file],
  ]);
  const ended = endOf(child);
  if (child.pid === undefined) throw new Error(`Cannot run ${binary}: ${await ended}`);
  // Exits that we do not see coming (an uncaught error, say) leave nothing running.
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const where = { pid: child.pid, address, port };
  try {
    note(where);
  } catch (error) {
    kill();
    throw error;
  }
  child.stdin?.on("error", () => {}).end("go\n");
  return {
    ...where,
    ended,
    ready: () => untilReady(`http://${address}:${port}`, ended),
    stop: async () => {
      process.off("exit", kill);
      child.kill("SIGTERM");
      await Promise.race([ended, pause(STOP_MS, undefined, { ref: false })]);
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/**
 * A shell that becomes the program once it reads a line, and ends where its input does: with us. A
 * system without one (Windows, an image of nothing but Node) starts the program at once.
 */
function spawnHeld(command: string[]): ChildProcess {
  const hasShell = existsSync(SHELL);
  const held = [SHELL, "-c", 'read -r go && exec "$@" </dev/null', "held", ...command];
  const [program = "", ...rest] = hasShell ? held : command;
  return spawn(program, rest, {
    detached: true,
    stdio: [hasShell ? "pipe" : "ignore", "ignore", "pipe"],
    // None of our environment: there may be passwords in it.
    env: {},
    cwd: "/",
  });
}

/** Where npm put the binary for this platform. Throws saying what to do where there is none. */
export function binaryPath(platform = `${process.platform}-${process.arch}`): string {
  const name = platform.startsWith("win32") ? "dynoxide.exe" : "dynoxide";
  try {
    return createRequire(import.meta.url).resolve(`@dynoxide/${platform}/${name}`);
  } catch (cause) {
    throw new Error(
      `There is no embedded database for ${platform} here: install the package @dynoxide/${platform}, or set DYNAMODB_ENDPOINT to the address of another DynamoDB.`,
      { cause },
    );
  }
}

/** Elsewhere than on Linux and Windows only 127.0.0.1 is there without asking. */
function loopbackAddress(): string {
  if (process.platform !== "linux" && process.platform !== "win32") return "127.0.0.1";
  return `127.${randomInt(1, 255)}.${randomInt(0, 255)}.${randomInt(2, 255)}`;
}

/** Free on every address of this machine: Dynoxide refuses one that any of them uses. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "0.0.0.0");
  await once(server, "listening");
  const bound = server.address();
  server.close();
  await once(server, "close");
  if (bound === null || typeof bound === "string") throw new Error("a server without a port");
  return bound.port;
}

async function endOf(child: ChildProcess): Promise<string> {
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text.replace(/^Dynoxide listening .*\n/m, "")).slice(-2_000);
  });
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => {
      resolve([`it ended with ${signal ?? code}`, said.trim()].filter(Boolean).join(": "));
    });
  });
}

async function untilReady(endpoint: string, ended: Promise<string>): Promise<void> {
  let failure: string | undefined;
  void ended.then((said) => {
    failure = said;
  });
  for (const deadline = Date.now() + START_MS; Date.now() < deadline; await pause(10)) {
    if (failure !== undefined) throw new Error(`The embedded database did not start: ${failure}`);
    const answer = await fetch(endpoint, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.ok) return;
  }
  throw new Error(`The embedded database did not answer within ${START_MS / 1000} s.`);
}
