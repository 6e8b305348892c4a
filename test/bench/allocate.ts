import { CloudName } from "../../lib/cloud/schema.ts";
import { allocate } from "../../lib/stack/allocation.ts";
import { StackName, Weights } from "../../lib/stack/schema.ts";
import { type Row, row } from "./measure.ts";

const CALLS = 2000;

/** One call of `allocate` with one cloud lost, the mean of a warm series. */
export function allocateRows(runs: number): Row[] {
  const sizes = [
    { clouds: 3, count: 10_000 },
    { clouds: 10, count: 10_000 },
    { clouds: 45, count: 10_000 },
    { clouds: 10, count: 1_000_000 },
  ];
  return sizes.map(({ clouds, count }) => {
    const names = Array.from({ length: clouds }, (_, i) => CloudName.parse(`cloud-${i + 1}`));
    // Unequal, and with many digits: nothing divides evenly.
    const sum = (clouds * (clouds + 1)) / 2;
    const weights = Weights.parse(
      Object.fromEntries(names.map((name, i) => [name, Math.floor(((i + 1) / sum) * 1e9) / 1e9])),
    );
    const available = new Set(names.slice(1));
    const rest = { drained: new Set<CloudName>(), failover: "even" } as const;
    const once = (i: number) =>
      allocate({ stack_name: StackName.parse(`s${i}`), count, weights, available, ...rest });
    for (let i = 0; i < CALLS; i += 1) once(i);
    const values = Array.from({ length: Math.max(runs, 10) }, () => {
      const startedAt = performance.now();
      for (let i = 0; i < CALLS; i += 1) once(i);
      return (performance.now() - startedAt) / CALLS;
    });
    return row({
      what: "allocate",
      size: `${clouds} clouds, count ${count.toLocaleString("en-US")}`,
      unit: "ms",
      values,
      ...(clouds === 10 && count === 10_000 ? { bar: 1 } : {}),
    });
  });
}
