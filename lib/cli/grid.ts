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
} as const;

/**
 * A table in OpenStack's style, numbers to the right. Cells may have several lines. On a terminal
 * the widest column is wrapped until the table fits.
 */
export function grid(terminal: Terminal, heads: string[], rows: (string | number)[][]): string {
  const isNumber = heads.map(
    (_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === "number"),
  );
  const lines = rows.map((row) => row.map((cell) => plain(String(cell)).split("\n")));
  const widths = fit(
    heads.map((head, i) => Math.max(head.length, ...lines.map((row) => longest(row[i])))),
    terminal.columns,
  );
  const rule = `+${widths.map((width) => "-".repeat(width + 2)).join("+")}+`;
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const body = lines.flatMap((row) => {
    const cells = row.map((cell, i) => cell.flatMap((text) => wrap(text, widths[i] ?? 1)));
    const height = Math.max(...cells.map((cell) => cell.length));
    return Array.from({ length: height }, (_, at) =>
      line(
        cells.map((cell, i) => {
          const text = cell[at] ?? "";
          const width = widths[i] ?? 1;
          return painted(terminal, isNumber[i] ? text.padStart(width) : text.padEnd(width));
        }),
      ),
    );
  });
  const head = line(heads.map((text, i) => text.padEnd(widths[i] ?? 1)));
  return [rule, head, rule, ...body, ...(body.length > 0 ? [rule] : [])].join("\n");
}

function painted(terminal: Terminal, cell: string): string {
  const [word = ""] = cell.split(/[\s:,]/);
  if (!Object.hasOwn(colourOf, word)) return cell;
  const colour = colourOf[word as keyof typeof colourOf];
  return terminal.paint(colour, word) + cell.slice(word.length);
}

function longest(lines: string[] | undefined): number {
  return Math.max(0, ...(lines ?? []).map((line) => line.length));
}

/** Takes from the widest column, down to 16, what does not fit. */
function fit(widths: number[], columns: number | undefined): number[] {
  const frame = 3 * widths.length + 1;
  const over = widths.reduce((sum, width) => sum + width, frame) - (columns ?? Infinity);
  if (over <= 0) return widths;
  const widest = widths.indexOf(Math.max(...widths));
  return widths.map((width, i) => (i === widest ? Math.max(16, width - over) : width));
}

/** At spaces where it can, within words where it must. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const at = space > 0 ? space : width;
    lines.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).trimStart();
  }
  return [...lines, rest];
}
