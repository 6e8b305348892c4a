import type { Declaration } from "../api/schema.ts";
import { byCloud } from "./given.ts";

type Four = Pick<Declaration, "stack_name" | "count" | "count_parameter" | "weights">;

/**
 * A stack as the original's `--json` printed it, to the byte: its four keys, Python's spacing and
 * Python's floats, for what was scripted against it.
 */
export function originalStack({ stack_name, count, count_parameter, weights }: Four): string {
  const pairs = byCloud(weights).map(([cloud, weight]) => `${string(cloud)}: ${float(weight)}`);
  return `{"stack_name": ${string(stack_name)}, "count": ${count}, "count_parameter": ${string(count_parameter)}, "weights": {${pairs.join(", ")}}}`;
}

export function originalList(stacks: Four[]): string {
  return `{"stacks": [${stacks.map(originalStack).join(", ")}]}`;
}

/** json.dumps leaves ASCII only. */
function string(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Python's repr: `1.0`, and an exponent of two digits below 0.0001. */
function float(value: number): string {
  if (Number.isInteger(value)) return `${value}.0`;
  if (value >= 1e-4) return String(value);
  const [digits = "", exponent = ""] = value.toExponential().split("e-");
  return `${digits}e-${exponent.padStart(2, "0")}`;
}
