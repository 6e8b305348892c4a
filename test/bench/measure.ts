import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from "node:os";

/** What was measured once or several times, in one unit. */
export type Row = {
  what: string;
  /** `1,000 stacks x 10 clouds`, say. */
  size: string;
  unit: "ms" | "s" | "kB" | "MB" | "";
  values: number[];
  /** The most that DESIGN section 9 allows; undefined: measured for its growth only. */
  bar?: number;
  /** True: the bar is for every one, not for the median. */
  isForEach?: boolean;
  /** Load average of the machine when it was measured. */
  load: number;
};

export type Measured = Omit<Row, "load">;

/** The row with the machine's load of this moment. */
export function row(measured: Measured): Row {
  return { ...measured, load: loadavg()[0] ?? 0 };
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** The machine on one line: a number without its machine says nothing. */
export function machine(): string {
  const [cpu] = cpus();
  return [
    `${cpu?.model.trim()}, ${availableParallelism()} cores`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `${platform()} ${release()} ${arch()}`,
    `Node ${process.version}`,
  ].join("; ");
}

const columns = ["what", "size", "median", "least ... most", "runs", "bar", "", "load"];

/** The rows as a table that reads well on a terminal and in Markdown alike. */
export function table(rows: Row[]): string {
  const lines = [columns, ...rows.map(cells)];
  const widths = columns.map((_, i) => Math.max(1, ...lines.map((line) => line[i]?.length ?? 0)));
  const [head = "", ...body] = lines.map(
    (line) => `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`,
  );
  return [head, `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...body].join("\n");
}

function cells({ what, size, unit, values, bar, isForEach, load }: Row): string[] {
  const middle = median(values);
  const spread = `${number(Math.min(...values))} ... ${number(Math.max(...values))}`;
  const text = `${number(middle)} ${unit}`.trim();
  const judged = isForEach ? Math.max(...values) : middle;
  const verdict = bar === undefined ? "" : judged <= bar ? "met" : "MISSED";
  const most = bar === undefined ? "" : `${number(bar)} ${unit}`.trim();
  const isOne = values.length === 1;
  return [
    what,
    size,
    text,
    isOne ? "" : spread,
    `${values.length}`,
    most,
    verdict,
    load.toFixed(1),
  ];
}

function number(value: number): string {
  const figures = value !== 0 && Math.abs(value) < 100 ? { maximumSignificantDigits: 3 } : {};
  return value.toLocaleString("en-US", { maximumFractionDigits: 0, ...figures });
}
