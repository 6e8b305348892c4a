import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commands } from "../../lib/cli/commands.ts";
import { help } from "../../lib/cli/help.ts";
import { main } from "../../lib/cli/main.ts";
import { parse } from "../../lib/cli/parse.ts";
import { terminal } from "../../lib/cli/terminal.ts";
import { emptyHome, run, type Said } from "../support/cli.ts";

/** A command line, and what is said of it on stderr; with exit code 2, before anything is asked of an API. */
const wrong: [line: string, said: RegExp][] = [
  ["shwo", /no command "shwo". Did you mean show\?/],
  ["wieght set web a=1", /no command "wieght". Did you mean weight\?/],
  [
    "weight ste web a=1",
    /no command "weight ste". Did you mean weight set\? See heat-spreader weight --help/,
  ],
  ["help shwo", /no command "shwo". Did you mean show\?/],
  ["--verbose", /no option --verbose here/],
  ["show", /show needs STACK: .* See heat-spreader show --help/],
  ["show web api", /does not know what to do with "api"/],
  ["show web --jsno", /no option "--jsno". Did you mean --json\?/],
  ["show web --json=yes", /--json is a switch and takes no value/],
  ["add web --parameter count", /add needs --count N/],
  ["add web --count 10", /add needs --parameter NAME/],
  ["add web --count --parameter count", /--count needs a value: --count N/],
  ["add web --parameter count --count", /--count needs a value: --count N/],
  [
    "add web --parameter count --count -1",
    /--count -1: a count is at least 0\. Give a whole number/,
  ],
  ["add web --parameter count --count=-1", /--count -1: a count is at least 0/],
  ["add web --parameter count --count 1.5", /--count 1\.5: a count is a whole number/],
  ["add web --parameter count --count 1e9", /--count 1e9: a count is at most 1000000/],
  ["add web --parameter count --count abc", /--count abc: a count is a whole number/],
  ["add web --parameter count --count 0x10", /--count 0x10: a count is a whole number/],
  ["add web --parameter count --count NaN", /--count NaN: a count is a whole number/],
  ["add web --count 1 --parameter __proto__", /that name is not allowed/],
  [
    "add web --count 1 --parameter n --failover evn",
    /one of even, .* not "evn". Did you mean even\?/,
  ],
  ["add web --count 1 --parameter n --timeout 5", /--timeout goes with --wait/],
  ["add web --count 1 --parameter n --wait --timeout soon", /--timeout soon: give seconds/],
  ["update web", /update needs something to change/],
  ["update web --count -1", /--count -1: a count is at least 0/],
  ["update web --partial --no-partial", /say the opposite/],
  ["weight set web", /needs CLOUD=WEIGHT/],
  ["weight set web athens", /athens is no weight. Write CLOUD=WEIGHT/],
  ["weight set web athens=NaN", /athens=NaN: a weight is a number from 0 to 1/],
  ["weight set web athens=", /a weight is a number from 0 to 1/],
  ["weight set web athens=-0.1", /athens=-0\.1: a weight is at least 0/],
  ["weight set web athens=1.1", /athens=1\.1: a weight is at most 1/],
  ["weight set web athens --weight NaN", /--weight NaN: a weight is a number/],
  ["weight set web athens --weight -0.1", /--weight -0\.1: a weight is at least 0/],
  ["weight set web athens --weight 1.1", /--weight 1\.1: a weight is at most 1/],
  ["weight set web athens=0.1 athens=0.2", /athens has two weights here/],
  ["weight set web athens=0.1 oslo --weight 0.2", /--weight goes with one CLOUD alone/],
  ["weight set web a/b=0.1", /cloud "a\/b": a cloud name is 1 to 63/],
  ["show a/b", /stack "a\/b": a stack name begins with a letter/],
  ["show ..", /stack "?\.\."?: a stack name begins with a letter/],
  ["show __proto__", /stack __proto__: a stack name begins with a letter/],
  [`show ${"x".repeat(300)}`, /stack x{77}\.\.\.|a stack name begins with a letter/],
  ["list -f xml", /-f is one of table, json, yaml, csv, value, not "xml"/],
  ["list -c nmae", /no column "nmae".* The columns are stack_name, count/],
  ["events web --cloud athens", /Give one of them/],
  ["events --since yesterday", /--since "yesterday": give how long back, such as 15m/],
  ["events --limit 0", /--limit "0": give a whole number from 1 to 1000/],
  ["watch --every 0", /--every 0: give seconds/],
  ["token new alice --role admin", /--role is one of reader, operator, vantage/],
  ["token new a:b", /cannot name a token/],
];

describe("a wrong command line", { concurrency: 4 }, () => {
  for (const [line, said] of wrong) {
    test(`${line.slice(0, 70)}: exit code 2, and what to do`, async () => {
      const { code, stdout, stderr } = await here(line.split(" "));
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, said);
      assert.equal(stderr.trim().split("\n").length, 1, "one line");
    });
  }

  test("is the process's exit code", async (t) => {
    const { code, stdout, stderr } = await run(["shwo"], { home: await emptyHome(t) });
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /Did you mean show\?/);
  });

  test("a name with spaces is one name, and refused", async () => {
    const { code, stderr } = await here(["show", "my stack"]);
    assert.equal(code, 2);
    assert.match(stderr, /stack "my stack": a stack name begins/);
  });

  test("an escape code in a name does not reach the terminal", async () => {
    const { stderr } = await here(["\u001b[31mshow"]);
    assert.ok(!stderr.includes("\u001b"));
  });
});

describe("help", { concurrency: 4 }, () => {
  const groups = new Set(commands.flatMap(({ name }) => name.split(" ").slice(0, -1)));
  const levels = ["", ...groups, ...commands.map(({ name }) => name)];
  for (const level of levels) {
    test(`of ${level || "everything"} has an example, and fits on a page`, () => {
      const text = help(commands, level);
      assert.ok(text.startsWith(`Usage: heat-spreader ${level}`));
      assert.match(text, /\nExamples?:\n {2}heat-spreader /);
      const long = text.split("\n").filter((one) => one.length > 100);
      assert.deepEqual(long, []);
    });
  }

  const asked = ["", "--help", "-h", "help", "weight", "weight -h", "help weight", "weight set -h"];
  for (const line of asked) {
    test(`is what "${line}" prints`, async () => {
      const { code, stdout, stderr } = await here(line.split(" ").filter(Boolean));
      const level = line.replace(/ ?(--help|-h|help) ?/, "");
      assert.deepEqual([code, stdout, stderr], [0, `${help(commands, level)}\n`, ""]);
    });
  }

  test("every example is a command line that parses", () => {
    for (const { name, examples } of commands) {
      assert.ok(examples.length > 0, name);
      for (const example of examples) {
        const asked = parse(commands, example.split(" "));
        assert.ok("command" in asked && asked.command.name === name, example);
      }
    }
  });
});

/** The whole command line, but in this process: a process for each would take a minute. */
async function here(argv: string[]): Promise<Said> {
  const said = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      said[name] += text;
    },
  });
  const streams = { stdout: stream("stdout"), stderr: stream("stderr") };
  const environment = { HEAT_SPREADER_CONFIG_FILE: "/nowhere.yaml" };
  const code = await main(argv, { environment, terminal: terminal(streams, environment) });
  return { code, ...said };
}
