import type * as z from "zod";
import { CloudName, VantageName } from "../cloud/schema.ts";
import { Count, CountParameter, entriesOf, MAX_COUNT, StackName, Weight } from "../stack/schema.ts";
import { usage } from "./failure.ts";
import { shown } from "./quoted.ts";

/** The count of `--count`: `-1`, `1.5`, `1e9` and `abc` are each told apart. */
export function count(text: string): number {
  const remedy = `Give a whole number from 0 to ${MAX_COUNT}, such as --count 10.`;
  return parsed(Count, number(text), `--count ${shown(text)}`, remedy);
}

export function countParameter(text: string): string {
  const remedy = "Give the name of the template's parameter, such as --parameter count.";
  return parsed(CountParameter, text, `--parameter ${shown(text)}`, remedy);
}

/** `what` is how it was written: `--weight 1.1`, or `athens=1.1`. */
export function weight(text: string, what: string): number {
  return parsed(Weight, number(text), what, "Give a number from 0 to 1, such as 0.5.");
}

export function stackName(text: string): StackName {
  return parsed(StackName, text, `stack ${shown(text)}`, "");
}

export function cloudName(text: string): CloudName {
  const remedy = "It is a name from clouds.yaml; heat-spreader cloud list shows them.";
  return parsed(CloudName, text, `cloud ${shown(text)}`, remedy);
}

export function vantageName(text: string): VantageName {
  return parsed(VantageName, text, `vantage ${shown(text)}`, "");
}

/** `athens=0.5 manchester=0.5`, each cloud once. */
export function weights(pairs: readonly string[]): Record<CloudName, number> {
  const seen = new Map<CloudName, number>();
  for (const pair of pairs) {
    const [, name, value] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
    if (name === undefined || value === undefined) {
      throw usage(`${shown(pair)} is no weight. Write CLOUD=WEIGHT, such as athens=0.5.`);
    }
    const cloud = cloudName(name);
    if (seen.has(cloud)) throw usage(`${cloud} has two weights here. Give each cloud once.`);
    seen.set(cloud, weight(value, shown(pair)));
  }
  return Object.fromEntries(seen);
}

/** Weights in the order of their clouds: a table keeps none. */
export function byCloud(weights: Record<CloudName, number>): [CloudName, number][] {
  return entriesOf(weights).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Seconds of `--timeout` or `--every`, in milliseconds; a day at most unless said. */
export function seconds(
  text: string,
  option: string,
  { least, most }: { least?: number; most: number } = { most: 86_400 },
): number {
  const value = number(text);
  const isEnough = typeof value === "number" && (least === undefined ? value > 0 : value >= least);
  if (isEnough && value <= most) return value * 1000;
  const range =
    least === undefined ? `seconds, more than 0 and up to ${most}` : `${least} to ${most} seconds`;
  throw usage(`${option} ${shown(text)}: give ${range}.`);
}

/** The status of `--status`. */
export function httpStatus(text: string): number {
  if (/^[2-5]\d\d$/.test(text)) return Number(text);
  throw usage(`--status ${shown(text)}: give the status of an answer, 200 to 599, such as 200.`);
}

/** Decimal numbers only: `Number` alone would take an empty word as 0, and 0x10. */
function number(text: string): number | string {
  const isDecimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim());
  return isDecimal ? Number(text) : text;
}

/** A value by its rule. Throws a usage error of the first thing wrong, and `remedy`. */
export function parsed<S extends z.ZodType>(
  schema: S,
  value: unknown,
  what: string,
  remedy: string,
): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [first] = result.error.issues;
  throw usage(`${what}: ${first?.message ?? "not valid"}. ${remedy}`.trim());
}
