import { longest, shortTimes, widthsIn, wrap } from "./layout.ts";
import { plain, type Terminal } from "./terminal.ts";

/** Words that a person looks for, by the colour they have as a whole cell or at its beginning. */
const colourOf = {
  converged: "green",
  reachable: "green",
  up: "green",
  converging: "yellow",
  failed_over: "yellow",
  held: "yellow",
  paused: "yellow",
  suspected: "yellow",
  unknown: "yellow",
  abstains: "yellow",
  blocked: "red",
  unreachable: "red",
  silent: "red",
  ALARM: "red",
} as const;

/**
 * A table in OpenStack's style, numbers to the right. Cells may have several lines. On a terminal that
 * is too narrow for it times are shortened, and all cells are wrapped until it fits.
 */
export function grid(terminal: Terminal, heads: string[], rows: (string | number)[][]): string {
  const isNumber = heads.map(
    (_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === "number"),
  );
  const { widths, head, body } = laid(terminal, heads, rows);
  const rule = `+${widths.map((width) => "-".repeat(width + 2)).join("+")}+`;
  const cell = (text: string, i: number) => {
    const width = widths[i] ?? 1;
    return painted(terminal, isNumber[i] ? text.padStart(width) : text.padEnd(width));
  };
  const headed = drawn(head, (text, i) => text.padEnd(widths[i] ?? 1));
  const lines = body.flatMap((row) => drawn(row, cell));
  return [rule, ...headed, rule, ...lines, ...(lines.length > 0 ? [rule] : [])].join("\n");
}

type Lines = string[][];

/** Each cell as the lines that it takes, and the widths of the columns. */
function laid({ columns = Infinity }: Terminal, heads: string[], rows: (string | number)[][]) {
  const room = columns - 3 * heads.length - 1;
  const texts = rows.map((row) => row.map((cell) => plain(String(cell))));
  const columnsOf = (cells: string[][]) =>
    heads.map((head, i) => [head, ...cells.flatMap((row) => row[i]?.split("\n") ?? [])]);
  const fits = (cells: string[][]) =>
    columnsOf(cells).reduce((sum, column) => sum + longest(column), 0) <= room;
  const shown = fits(texts) ? texts : texts.map((row) => row.map(shortTimes));
  const widths = widthsIn(room, columnsOf(shown));
  const wrapped = (row: string[]): Lines =>
    row.map((cell, i) => cell.split("\n").flatMap((text) => wrap(text, widths[i] ?? 1)));
  return { widths, head: wrapped(heads), body: shown.map(wrapped) };
}

/** A row as its lines on the screen. */
function drawn(row: Lines, cell: (text: string, column: number) => string): string[] {
  const height = Math.max(1, ...row.map((lines) => lines.length));
  return Array.from({ length: height }, (_, at) => {
    const cells = row.map((lines, i) => cell(lines[at] ?? "", i));
    return `| ${cells.join(" | ")} |`;
  });
}

function painted(terminal: Terminal, cell: string): string {
  const [word = ""] = cell.split(/[\s:,]/);
  if (!Object.hasOwn(colourOf, word)) return cell;
  const colour = colourOf[word as keyof typeof colourOf];
  return terminal.paint(colour, word) + cell.slice(word.length);
}
