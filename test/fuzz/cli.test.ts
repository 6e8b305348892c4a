import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Command, Option } from "../../lib/cli/command.ts";
import { commands } from "../../lib/cli/commands.ts";
import { main } from "../../lib/cli/main.ts";
import { parse } from "../../lib/cli/parse.ts";
import { terminal } from "../../lib/cli/terminal.ts";
import { tokens } from "../support/api.ts";
import { cliAndApi } from "../support/cli.ts";
import { oddNames } from "../support/schema-values.ts";

/** Command lines in all; RUNS=10000 for a long run, SEED to have one again. */
const RUNS = Number(process.env.RUNS ?? 600);
const seed = process.env.SEED === undefined ? {} : { seed: Number(process.env.SEED) };

const words = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("web", "athens", "oslo", "10", "0.5", "count", "new") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("athens=0.5", "oslo=0.1", "=", "a=", "=1", "athens=1e-320", "a=1=1"),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...["1h", "90s", "99999999999999999d", "0s", "-1h", "1e9", "1e999", "-0", "NaN", "0x10"],
      ...["2026-01-01", "+275760-09-13T00:00:00Z", "0000-00-00", "9".repeat(400), "1.", ".5"],
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(...oddNames) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 30 }) },
);

const oddOptions = fc.constantFrom(
  ...[
    "--",
    "-",
    "--=",
    "-=",
    "---",
    "--__proto__",
    "--constructor=1",
    "--no-json",
    "--json=",
    "-h",
  ],
  ...["--help", "-fjson", "-f", "-c", "-cname", "--column=", "--count", "--count=", "-x", "-ff"],
  ...["--token=x", "--verbose", "\u001b[31m", "--\u0000", "--\ud800", "-1", "--weight=-1"],
);

/** What is mostly given, by the name of an argument or an option. */
const usual: Record<string, string[]> = {
  stack: ["web", "web", "api", "new"],
  cloud: ["athens", "oslo"],
  weights: ["athens=0.5", "oslo=0.1", "athens", "oslo=0"],
  changes: ["count=3", "athens=0.1"],
  name: ["alice", "web"],
  count: ["10", "3", "0"],
  parameter: ["count", "instance_count"],
  weight: ["0.5", "0", "1"],
  lost: ["athens", "oslo"],
  since: ["15m", "1h", "2026-01-01T00:00:00Z"],
  limit: ["1", "10", "1000"],
  timeout: ["1"],
  every: ["1"],
  format: ["table", "json", "yaml", "csv", "value", "xml"],
  column: ["stack_name", "count", "name", "state", "at", "message", "nothing"],
  failover: ["even", "proportional", "none"],
  order: ["make_before_break", "at_once"],
  failback: ["auto", "manual"],
  role: ["reader", "operator", "vantage"],
};

function valuesFor(name: string): fc.Arbitrary<string> {
  const known = usual[name] ?? [];
  if (known.length === 0) return words;
  return fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: words },
  );
}

function optionsOf(command: Command): fc.Arbitrary<string[]> {
  const rows = Object.entries<Option>(command.options).map(([name, option]) => {
    const value = valuesFor(name);
    const written = fc.oneof(
      value.map((text) => [`--${name}`, text]),
      value.map((text) => [`--${name}=${text}`]),
    );
    const given = option.value === undefined ? fc.constant([`--${name}`]) : written;
    const likely = option.required === true ? 9 : 1;
    return fc.oneof(
      { weight: likely, arbitrary: given },
      { weight: 3, arbitrary: fc.constant<string[]>([]) },
    );
  });
  return fc.tuple(...rows).map((all) => all.flat());
}

function lineOf(command: Command): fc.Arbitrary<string[]> {
  const given = Object.entries(command.arguments).map(([name, { many, optional }]) => {
    const minLength = optional ? 0 : 1;
    return fc.array(valuesFor(name), { minLength, maxLength: many ? 3 : 1 });
  });
  return fc
    .tuple(fc.tuple(...given), optionsOf(command))
    .map(([all, options]) => [...command.name.split(" "), ...all.flat(), ...options]);
}

/** A command line, as it should be or nearly so. */
const anyLine: fc.Arbitrary<string[]> = fc
  .tuple(
    fc.oneof(
      { weight: 12, arbitrary: fc.oneof(...commands.map(lineOf)) },
      { weight: 1, arbitrary: fc.array(fc.oneof(words, oddOptions), { maxLength: 6 }) },
    ),
    fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      {
        weight: 2,
        arbitrary: fc.array(
          fc.record({
            at: fc.noBias(fc.nat(9)),
            drop: fc.nat(1),
            word: fc.oneof(words, oddOptions),
          }),
          { minLength: 1, maxLength: 2 },
        ),
      },
    ),
  )
  .map(([line, changes]) =>
    changes.reduce((before, { at, drop, word }) => before.toSpliced(at, drop, word), line),
  );

/** What goes on until it is interrupted, or begins a runtime: of that only the reading is tried. */
function isEndless(line: string[]): boolean {
  try {
    const asked = parse(commands, line);
    if (!("command" in asked)) return false;
    const { follow, wait } = asked.given as { follow?: boolean; wait?: boolean };
    return ["run", "watch"].includes(asked.command.name) || follow === true || wait === true;
  } catch {
    return false;
  }
}

test("every command line ends with an exit code and a sentence, never with a trace or a secret", async (t) => {
  const { api, environment, home } = await cliAndApi(t);
  await api.know({ athens: "reachable", oslo: "suspected" });
  const codes = new Map<number, number>();
  const secrets = Object.values(tokens);
  await fc.assert(
    fc.asyncProperty(anyLine, fc.boolean(), async (line, isTTY) => {
      if (isEndless(line)) return;
      const said = { stdout: "", stderr: "" };
      const stream = (name: "stdout" | "stderr") => ({
        isTTY,
        write: (text: string) => {
          said[name] += text;
        },
      });
      const screen = terminal({ stdout: stream("stdout"), stderr: stream("stderr") }, {});
      const code = await main(line, {
        environment: { ...environment, HOME: home },
        terminal: screen,
      });
      codes.set(code, (codes.get(code) ?? 0) + 1);
      const all = `${code} ${said.stdout}${said.stderr}`;
      assert.ok([0, 1, 2, 130].includes(code), all);
      assert.ok(!/\n\s+at |A bug:/.test(all), all);
      for (const secret of secrets) assert.ok(!all.includes(secret), all);
      if (code === 0) return;
      assert.notEqual(said.stderr, "", all);
      assert.ok(said.stderr.length < 2_500, `${said.stderr.length} characters: ${all}`);
      assert.ok(said.stderr.split("\n").length <= 12, all);
      if (!isTTY) assert.doesNotMatch(said.stderr, /[^\P{Cc}\n]/u);
      assert.ok(!api.lines.splice(0).some(({ level }) => level === "ERROR"), all);
    }),
    { numRuns: RUNS, ...seed },
  );
  t.diagnostic(`exit codes: ${JSON.stringify(Object.fromEntries(codes))}`);
});
