import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export type Usage = {
  /** Resident, of all together. */
  megabytes: number;
  /** Processor time used so far, of all together. */
  cpuSeconds: number;
};

/** What these processes use. Linux: of /proc; elsewhere ps, which knows hundredths of seconds at best. */
export function usageOf(pids: number[]): Usage {
  const each = pids.map((pid) => (process.platform === "linux" ? fromProc(pid) : fromPs(pid)));
  return {
    megabytes: each.reduce((sum, { megabytes }) => sum + megabytes, 0),
    cpuSeconds: each.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  };
}

/** proc(5): after the name the 3rd field follows; user and system time are the 14th and 15th. */
function fromProc(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { megabytes: Number(kilobytes) / 1024, cpuSeconds: ticks / 100 };
}

function fromPs(pid: number): Usage {
  const output = execFileSync("ps", ["-o", "rss=,time=", "-p", String(pid)], { encoding: "utf8" });
  const [kilobytes, time = ""] = output.trim().split(/\s+/);
  const cpuSeconds = time.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return { megabytes: Number(kilobytes) / 1024, cpuSeconds };
}
