import { stringify } from "yaml";
import { chosen, title } from "./columns.ts";
import type { Context } from "./context.ts";
import { grid } from "./grid.ts";

export const formatNames = ["table", "json", "yaml", "csv", "value"] as const;
export type FormatName = (typeof formatNames)[number];

/** As every OpenStack client has them. */
export const formatOptions = {
  format: {
    short: "f",
    value: "FORMAT",
    choices: formatNames,
    summary: "How to print it: table (default), json, yaml, csv or value",
  },
  column: { short: "c", value: "COLUMN", many: true, summary: "Only this column; can be repeated" },
} as const;

export type FormatGiven = { format: string | undefined; column: string[] };

/** A value, or how a table says it beside what json and yaml say. Undefined: there is none. */
export type Cell =
  | string
  | number
  | boolean
  | undefined
  | { text: string | number; value: unknown };

/** Prints rows by the names of their columns: `in_place` is headed `In place`. */
export function printList(
  { terminal }: Context,
  given: FormatGiven,
  options: { columns: readonly string[]; rows: Record<string, Cell>[]; empty: string },
): void {
  const columns = chosen(given, options.columns);
  const { rows } = options;
  const texts = rows.map((row) => columns.map((column) => textOf(row[column])));
  const values = () =>
    rows.map((row) => Object.fromEntries(columns.map((column) => [column, rawOf(row[column])])));
  const print: Record<FormatName, () => string> = {
    table: () => grid(terminal, columns.map(title), texts),
    json: () => JSON.stringify(values(), null, 2),
    yaml: () => stringify(values()).trimEnd(),
    csv: () => [columns.map(title), ...texts].map((row) => row.map(quote).join(",")).join("\n"),
    value: () => texts.map((row) => row.join(" ")).join("\n"),
  };
  const format = formatOf(given);
  if (rows.length > 0 || !["table", "value"].includes(format)) terminal.print(print[format]());
  else if (format === "table") terminal.note(options.empty);
}

/** Prints the fields of one thing: in a table `Field` and `Value`. */
export function printFields(
  { terminal }: Context,
  given: FormatGiven,
  fields: Record<string, Cell>,
): void {
  const columns = chosen(given, Object.keys(fields));
  const texts = columns.map((column) => [title(column), textOf(fields[column])]);
  const values = () => Object.fromEntries(columns.map((column) => [column, rawOf(fields[column])]));
  const print: Record<FormatName, () => string> = {
    table: () =>
      grid(
        terminal,
        ["Field", "Value"],
        texts.map(([head, text]) => [head ?? "", String(text)]),
      ),
    json: () => JSON.stringify(values(), null, 2),
    yaml: () => stringify(values()).trimEnd(),
    csv: () =>
      [columns.map(title), columns.map((column) => textOf(fields[column]))]
        .map((row) => row.map(quote).join(","))
        .join("\n"),
    value: () => texts.map(([, text]) => text).join("\n"),
  };
  terminal.print(print[formatOf(given)]());
}

export function formatOf({ format }: FormatGiven): FormatName {
  return formatNames.find((name) => name === format) ?? "table";
}

function textOf(cell: Cell): string | number {
  if (cell === undefined) return "";
  if (typeof cell === "object") return cell.text;
  return typeof cell === "number" ? cell : String(cell);
}

function rawOf(cell: Cell): unknown {
  const value = typeof cell === "object" ? cell.value : cell;
  return value ?? null;
}

/** As cliff does: everything but numbers in quotes. */
function quote(cell: string | number): string {
  return typeof cell === "number" ? String(cell) : `"${cell.replaceAll('"', '""')}"`;
}
