import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { grid } from "../../lib/cli/grid.ts";
import { plain, terminal } from "../../lib/cli/terminal.ts";

function screen(options: { isTTY: boolean; columns?: number; environment?: object }) {
  const written = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      written[name] += text;
    },
    isTTY: options.isTTY,
    columns: options.columns ?? 80,
  });
  const streams = { stdout: stream("stdout"), stderr: stream("stderr") };
  return { written, terminal: terminal(streams, { ...options.environment }) };
}

describe("a terminal", () => {
  test("gets colours, and one line of progress that changes", () => {
    const { written, terminal } = screen({ isTTY: true });
    terminal.progress("6 of 10");
    terminal.progress("6 of 10");
    terminal.progress("8 of 10");
    terminal.print(terminal.paint("green", "converged"));
    assert.equal(written.stderr, "\r\u001b[K6 of 10\r\u001b[K8 of 10\r\u001b[K");
    assert.equal(written.stdout, "\u001b[32mconverged\u001b[0m\n");
  });

  test("gets no line of progress that is wider than it", () => {
    const { written, terminal } = screen({ isTTY: true, columns: 20 });
    terminal.progress("x".repeat(100));
    assert.equal(stripVTControlCharacters(written.stderr).trim().length, 19);
  });

  test("has a view replaced, however many rows long lines took", () => {
    const { written, terminal } = screen({ isTTY: true, columns: 10 });
    assert.ok(terminal.redraw(`short\n${"x".repeat(25)}`));
    assert.ok(terminal.redraw("end"));
    assert.equal(written.stdout, `short\n${"x".repeat(25)}\n\u001b[4A\u001b[Jend\n`);
  });

  test("is not coloured with NO_COLOR, and not moved in with TERM=dumb", () => {
    const quiet = screen({ isTTY: true, environment: { NO_COLOR: "1" } });
    assert.equal(quiet.terminal.paint("red", "blocked"), "blocked");
    const dumb = screen({ isTTY: true, environment: { TERM: "dumb" } });
    dumb.terminal.progress("6 of 10");
    assert.equal(dumb.terminal.redraw("view"), false);
    assert.equal(dumb.terminal.paint("red", "blocked"), "blocked");
    assert.deepEqual(dumb.written, { stdout: "", stderr: "6 of 10\n" });
  });
});

test("what is no terminal gets plain lines, one for each change", () => {
  const { written, terminal } = screen({ isTTY: false });
  terminal.progress("6 of 10");
  terminal.progress("6 of 10");
  terminal.progress("8 of 10");
  terminal.endProgress();
  terminal.print(terminal.paint("green", "converged"));
  assert.equal(terminal.redraw("view"), false);
  assert.equal(terminal.columns, undefined);
  assert.deepEqual(written, { stdout: "converged\n", stderr: "6 of 10\n8 of 10\n" });
});

describe("a table", () => {
  const rows = [
    ["athens", 6, "blocked: the template has no such parameter, or another one that is like it"],
  ];

  test("fits into a terminal: the widest column is folded", () => {
    const { terminal } = screen({ isTTY: true, columns: 50, environment: { NO_COLOR: "1" } });
    const lines = grid(terminal, ["Cloud", "Desired", "Remarks"], rows).split("\n");
    assert.ok(lines.length > 5);
    for (const line of lines) assert.equal(line.length, 50);
  });

  test("is as wide as its cells where there is no terminal", () => {
    const { terminal } = screen({ isTTY: false, columns: 50 });
    const lines = grid(terminal, ["Cloud", "Desired", "Remarks"], rows).split("\n");
    assert.equal(lines.length, 5);
    assert.ok(lines.every((line) => line.length === lines[0]?.length));
  });

  test("is aligned when coloured", () => {
    const { terminal } = screen({ isTTY: true, columns: 200 });
    const text = grid(
      terminal,
      ["Cloud", "State"],
      [
        ["athens", "blocked"],
        ["oslo", "reachable"],
      ],
    );
    assert.ok(text.includes("\u001b[31mblocked\u001b[0m   |"));
    const lines = stripVTControlCharacters(text).split("\n");
    assert.ok(lines.every((line) => line.length === lines[0]?.length));
  });
});

test("text from a cloud cannot steer the terminal", () => {
  assert.equal(plain("a\u001b[2Jb\rc\u0007d\u009be\u202ef\ng"), "a [2Jb c d e f\ng");
});
