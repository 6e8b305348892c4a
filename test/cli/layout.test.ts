import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { grid } from "../../lib/cli/grid.ts";
import { shortTimes, widthsIn, wrap } from "../../lib/cli/layout.ts";
import { terminal } from "../../lib/cli/terminal.ts";

const screen = (columns: number) =>
  terminal(
    { stdout: { write: () => {}, isTTY: true, columns }, stderr: { write: () => {} } },
    { NO_COLOR: "1" },
  );

/** The cells of a drawn table, by its rule: lines, each with the text of every column. */
function cellsOf(text: string): string[][] {
  const [rule = "", ...lines] = text.split("\n");
  const edges = [...rule].flatMap((letter, at) => (letter === "+" ? [at] : []));
  return lines
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      edges.slice(1).map((edge, i) => {
        assert.equal(line[edge], "|", "columns are aligned");
        return line.slice((edges[i] ?? 0) + 1, edge);
      }),
    );
}

/** Heat's words may be broken at their underscores. */
const rejoined = (text: string) => text.replace(/(?<=[A-Z]_) (?=[A-Z])/g, "");
const squeezed = (texts: string[]) => texts.join("").replace(/\s/g, "");

const word = fc.stringMatching(/^[A-Za-z0-9_.:;(),/-]{1,30}$/);
const cell = fc.oneof(
  fc.array(word, { maxLength: 12 }).map((words) => words.join(" ")),
  fc.constantFrom("UPDATE_IN_PROGRESS", "athens", "1 silent, 2 too old", "a\nb c\n"),
  fc.nat(),
);
const table = fc.integer({ min: 1, max: 8 }).chain((width) =>
  fc.record({
    heads: fc.array(word, { minLength: width, maxLength: width }),
    rows: fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 5 }),
  }),
);

describe("a table on a terminal", () => {
  test("is no wider than it, aligned, and says all that its cells say", () => {
    fc.assert(
      fc.property(table, fc.integer({ min: 40, max: 200 }), ({ heads, rows }, columns) => {
        const text = grid(screen(columns), heads, rows);
        for (const line of text.split("\n")) assert.ok(line.length <= columns, line);
        const lines = cellsOf(text);
        for (const [i, head] of heads.entries()) {
          const said = [head, ...rows.map((row) => String(row[i]))];
          assert.equal(squeezed(lines.map((line) => line[i] ?? "")), squeezed(said));
        }
      }),
    );
  });

  test("breaks no word while the longest of every column has room", () => {
    fc.assert(
      fc.property(table, fc.nat(100), ({ heads, rows }, more) => {
        const columns = heads.map((head, i) => [
          head,
          ...rows.flatMap((row) => String(row[i]).split("\n")),
        ]);
        const words = columns.map((texts) => texts.flatMap((text) => text.split(" ")));
        const needed = words.map((of) => Math.max(1, ...of.map((one) => one.length)));
        const room = needed.reduce((sum, width) => sum + width, more);
        const widths = widthsIn(room, columns);
        assert.ok(widths.reduce((sum, width) => sum + width, 0) <= room);
        for (const [i, texts] of columns.entries()) {
          for (const text of texts) {
            assert.equal(rejoined(wrap(text, widths[i] ?? 0).join(" ")), rejoined(text.trimEnd()));
          }
        }
      }),
    );
  });

  test("is as it was where there is room for it", () => {
    const rows = [["athens", "2026-11-30T11:17:43.802Z"]];
    const text = grid(screen(80), ["Cloud", "Since"], rows);
    assert.deepEqual(cellsOf(text)[1], [" athens ", " 2026-11-30T11:17:43.802Z "]);
  });

  test("shows times shortly where it is narrow, also those within a text", () => {
    const since = "2026-11-30T11:17:43.802Z";
    const why = `home has heard nothing since ${since} (refused: nothing listens there)`;
    const text = grid(screen(70), ["Cloud", "Since", "Reason"], [["athens", since, why]]);
    assert.doesNotMatch(text, /2026|802Z/);
    const columns = cellsOf(text).slice(1);
    assert.match(columns.map((line) => line[1]?.trim()).join(" "), /^11-30 11:17:43/);
    assert.match(columns.map((line) => line[2]?.trim()).join(" "), /since 11-30 11:17:43 \(refu/);
    assert.equal(shortTimes("2026-11-30T11:17:43Z"), "11-30 11:17:43");
  });

  test("breaks prose before a name, and a Heat status at its underscores", () => {
    const name = "a-cloud-of-a-long-name";
    const long = "see https://heat.example:8004/v1/a-project-of-a-long-name/stacks for it";
    const rows = [[name, "UPDATE_IN_PROGRESS", long]];
    const text = grid(screen(50), ["Cloud", "Heat", "Remarks"], rows);
    const columns = cellsOf(text).slice(1);
    assert.equal(columns[0]?.[0]?.trim(), name);
    const parts = columns.map((line) => line[1]?.trim()).filter((part) => part !== "");
    assert.equal(parts.join(""), "UPDATE_IN_PROGRESS");
    for (const part of parts.slice(0, -1)) assert.match(part ?? "", /_$/);
  });
});
