import { usage } from "./failure.ts";
import { suggestion } from "./suggestion.ts";

/** The columns asked for, in that order, by name or title in any case; all of them when none is. */
export function chosen(
  { column }: { column: readonly string[] },
  known: readonly string[],
): readonly string[] {
  if (column.length === 0) return known;
  return column.map((asked) => {
    const name = asked
      .trim()
      .toLowerCase()
      .replace(/[\s-]+/g, "_");
    if (known.includes(name)) return name;
    throw usage(
      `There is no column ${JSON.stringify(asked)}.${suggestion(name, known)} The columns are ${known.join(", ")}.`,
    );
  });
}

/** How a table heads a column. */
export function title(column: string): string {
  return column.charAt(0).toUpperCase() + column.slice(1).replaceAll("_", " ");
}
