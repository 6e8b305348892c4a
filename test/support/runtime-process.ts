import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Client, client } from "../../lib/api/client.ts";
import type { RuntimeOptions } from "../../lib/local/runtime.ts";

export type RuntimeProcess = {
  child: ChildProcess;
  url: string;
  api: Client;
  /** What it has said so far, both streams. */
  said: () => string;
  /** Resolves with its exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
};

/** Starts the embedded runtime in a process of its own; throws what it said where it does not start. */
export async function runtimeProcess(
  options: Pick<RuntimeOptions, "database" | "stateDirectory" | "settings"> &
    Partial<RuntimeOptions>,
): Promise<RuntimeProcess> {
  const given = { address: "127.0.0.1", port: 0, insecure: false, shutdownTimeoutMs: 10_000 };
  const child = fork(
    join(import.meta.dirname, "runtime-child.ts"),
    [JSON.stringify({ ...given, ...options })],
    { silent: true },
  );
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const ended = once(child, "close").then(([code, signal]) => code ?? signal);
  const started = await Promise.race([once(child, "message"), ended.then(() => undefined)]);
  if (started === undefined) throw new Error(said);
  const [{ url, token }] = started as [{ url: string; token: string }];
  return { child, url, api: client({ url, token }), said: () => said, ended };
}
