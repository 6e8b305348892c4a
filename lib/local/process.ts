import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";

/** A process, told from a later one of its number by when it started. */
export const Process = z.object({ pid: z.int(), started: z.string() });
export type Process = z.infer<typeof Process>;

/**
 * When the process of this number started, in a form that only compares: ticks since the boot on
 * Linux, a date elsewhere. Undefined: no such process, or it has ended and waits for its parent.
 */
export function startOf(pid: number): string | undefined {
  try {
    if (process.platform !== "linux") {
      // Whoever asks, with whatever locale and zone, must get the same text.
      const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
      return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { env, encoding: "utf8" });
    }
    // proc(5): after the name, which may hold anything, come the state (3rd) and the start (22nd).
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return state === "Z" || state === "X" ? undefined : `${fields[18]}@${boot}`;
  } catch {
    return undefined;
  }
}

/** The process of this number as it is now; its start is empty where it cannot be told. */
export function processOf(pid: number): Process {
  return { pid, started: startOf(pid) ?? "" };
}

/** Whether that very process still runs. Where starts cannot be told (no ps), it is said not to. */
export function isRunning({ pid, started }: Process): boolean {
  return started !== "" && startOf(pid) === started;
}

/** Ends that very process, politely for two seconds. Throws when it does not end. */
export async function end(target: Process): Promise<void> {
  for (let waitedMs = 0; isRunning(target); waitedMs += 20) {
    if (waitedMs === 0) signal(target.pid, "SIGTERM");
    if (waitedMs === 2_000) signal(target.pid, "SIGKILL");
    if (waitedMs > 7_000) throw new Error(`process ${target.pid} does not end: kill it`);
    await pause(20);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It has just ended by itself.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
