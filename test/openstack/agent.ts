import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { stopped } from "./service.ts";

const bin = join(import.meta.dirname, "../../bin/heat-spreader.ts");

export type Token = { token: string; entry: string };

/** A token, and the entry of API_TOKENS that lets it in. */
export function tokenOf(name: string, role: "operator" | "vantage"): Token {
  const token = randomBytes(24).toString("hex");
  return { token, entry: `${name}:${role}:${createHash("sha256").update(token).digest("hex")}` };
}

/** `heat-spreader vantage` in a process of its own, which finds all in its environment. Ends it. */
export async function agentUp(options: {
  directory: string;
  cloudsFile: string;
  url: string;
  token: string;
  everySeconds: number;
}): Promise<() => Promise<void>> {
  const { directory, cloudsFile, url, token, everySeconds } = options;
  await mkdir(directory, { recursive: true });
  const child: ChildProcess = spawn(
    process.execPath,
    [bin, "vantage", "--every", String(everySeconds)],
    {
      cwd: directory,
      env: {
        PATH: process.env.PATH,
        HOME: directory,
        OS_CLIENT_CONFIG_FILE: cloudsFile,
        HEAT_SPREADER_URL: url,
        HEAT_SPREADER_TOKEN: token,
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const log = createWriteStream(join(directory, "agent.log"));
  child.stdout?.pipe(log);
  child.stderr?.pipe(log);
  return () => stopped(child);
}
