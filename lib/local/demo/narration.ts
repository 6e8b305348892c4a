import type { Event } from "../../event/schema.ts";
import type { SimulatedCloud } from "./cloud.ts";

const LOOK_EVERY_MS = 250;

/** A fact as one plain line, with the time of this machine's clock; the details are in `events`. */
export function factLine(event: Event): string {
  const { at, type, stack_name, changes, cause, message } = event;
  const moves = changes
    .toSorted((a, b) => a.cloud.localeCompare(b.cloud))
    .map(({ cloud, from, to }) => `${cloud} ${from} -> ${to}`);
  const text =
    type === "stack.reallocated" ? `${stack_name}: ${moves.join(", ")}, because ${cause}` : message;
  return `${clock(new Date(at))}  ${short(text)}`;
}

/** Without what stands in parentheses, and without times: they are of the last few seconds here. */
function short(text: string): string {
  return text
    .replace(/ \((?:[^()]|\([^()]*\))*\)/g, "")
    .replace(/ (?:since|at) \d{4}-\d\d-\d\dT[\d:.]+Z/g, "");
}

/** Says how many instances run in which cloud, whenever that has changed and nothing is at work. */
export function tellRunning(options: {
  clouds: readonly SimulatedCloud[];
  stack: string;
  print: (line: string) => void;
}): { stop: () => void } {
  const { clouds, stack, print } = options;
  let told = "";
  const timer = setInterval(() => {
    const states = clouds.map((cloud) => ({ cloud, state: cloud.stack(stack) }));
    if (states.some(({ state }) => state?.status.endsWith("IN_PROGRESS"))) return;
    const counts = states.map(({ cloud, state }) => {
      const isLost = cloud.heat.state() !== "up";
      return `${cloud.name} ${state?.running ?? 0}${isLost ? " (out of reach)" : ""}`;
    });
    const line = `${stack} runs: ${counts.join(", ")}`;
    if (line !== told) print(`${clock(new Date())}  ${line}`);
    told = line;
  }, LOOK_EVERY_MS);
  return { stop: () => clearInterval(timer) };
}

function clock(time: Date): string {
  return time.toTimeString().slice(0, 8);
}
