import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cliAndApi } from "../support/cli.ts";

describe("the commands", { concurrency: 4 }, () => {
  test("a stack from add to delete", async (t) => {
    const { api, cli } = await cliAndApi(t);
    await api.know({ athens: "reachable", manchester: "reachable", stockholm: "unreachable" });

    const empty = await cli("list");
    assert.deepEqual([empty.code, empty.stdout], [0, ""]);
    assert.match(empty.stderr, /no stacks yet. Add one: heat-spreader add web/);

    const added = await cli("add", "web", "--count", "10", "--parameter", "count");
    assert.equal(added.code, 0);
    assert.equal(
      added.stdout,
      table(`
        +-----------------+-------------------------------------------------------+
        | Field           | Value                                                 |
        +-----------------+-------------------------------------------------------+
        | Stack name      | web                                                   |
        | Count           | 10                                                    |
        | Count parameter | count                                                 |
        | Weights         | none yet                                              |
        | Policy          | failover even, order make_before_break, failback auto |
        +-----------------+-------------------------------------------------------+`),
    );
    assert.match(added.stderr, /web has no clouds yet. Weigh them: heat-spreader weight set web/);

    const again = await cli("add", "web", "--count", "3", "--parameter", "count");
    assert.deepEqual([again.code, again.stdout], [1, ""]);
    assert.match(
      again.stderr,
      /a stack web already; nothing was changed. .*heat-spreader update web/,
    );

    const half = await cli("weight", "set", "web", "athens", "--weight", "0.6");
    assert.match(half.stdout, /athens 0\.6/);
    assert.match(half.stderr, /sum to 0\.6, so 6 of 10 .* No cloud is scaled down/);

    const over = await cli("weight", "set", "web", "manchester=0.7");
    assert.deepEqual([over.code, over.stdout], [1, ""]);
    assert.match(over.stderr, /weights sum to 1\.3, more than 1/);
    assert.equal(over.stderr.match(/more than 1/g)?.length, 1, "said once");

    const unknown = await cli("weight", "set", "web", "mars=0.1");
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /mars: no such cloud; there are athens, manchester, stockholm/);

    const rest = await cli("weight", "set", "web", "manchester=0.2", "stockholm=0.2");
    assert.deepEqual([rest.code, rest.stderr], [0, ""]);

    await api.settle("web", { athens: 6, manchester: 2, stockholm: 2 });
    const shown = await cli("show", "web");
    assert.deepEqual([shown.code, shown.stderr], [0, ""]);
    // On a busy machine the reading is older, and its column wider.
    const narrow = (text: string) => text.replace(/ +/g, " ").replace(/-+/g, "-");
    assert.equal(
      narrow(
        shown.stdout
          .replace(/last read \d+ s ago/, "last read 5 s ago")
          .replace(/since 20\S+Z/, "since 2026-01-01T12:00:00.000Z"),
      ),
      narrow(
        table(`
        +-----------------+--------------------------------------------------------------+
        | Field           | Value                                                        |
        +-----------------+--------------------------------------------------------------+
        | Stack name      | web                                                          |
        | Count           | 10                                                           |
        | Count parameter | count                                                        |
        | Policy          | failover even, order make_before_break, failback auto        |
        | State           | converged                                                    |
        | In place        | 8 of 10 (up to 10)                                           |
        |                 | stockholm 0 to 2: unreachable since 2026-01-01T12:00:00.000Z |
        +-----------------+--------------------------------------------------------------+
        +------------+--------+---------+----------+-------------+-----------------+-------------------+
        | Cloud      | Weight | Desired | In place | Verdict     | Heat            | Remarks           |
        +------------+--------+---------+----------+-------------+-----------------+-------------------+
        | athens     |    0.6 |       6 | 6        | reachable   | UPDATE_COMPLETE |                   |
        | manchester |    0.2 |       2 | 2        | reachable   | UPDATE_COMPLETE |                   |
        | stockholm  |    0.2 |       2 | 0 to 2   | unreachable | UPDATE_COMPLETE | last read 5 s ago |
        +------------+--------+---------+----------+-------------+-----------------+-------------------+`),
      ),
    );

    const planned = await cli(
      "plan",
      "web",
      "--lost",
      "athens",
      "-f",
      "json",
      "-c",
      "cloud",
      "-c",
      "to",
    );
    assert.deepEqual(JSON.parse(planned.stdout), [
      { cloud: "athens", to: 0 },
      { cloud: "manchester", to: 10 },
      { cloud: "stockholm", to: 0 },
    ]);

    const updated = await cli("update", "web", "--count", "12", "--failback", "manual");
    assert.match(updated.stdout, /\| Count +\| 12 /);
    assert.match(updated.stdout, /failback manual/);

    const removed = await cli("weight", "remove", "web", "athens");
    assert.doesNotMatch(removed.stdout, /athens/);
    assert.equal(removed.stderr, "The heat stack in athens stays as it is, at 6.\n");

    assert.deepEqual(await cli("delete", "web"), { code: 0, stdout: "", stderr: "" });
    const gone = await cli("show", "web");
    assert.deepEqual([gone.code, gone.stdout], [1, ""]);
    assert.equal(gone.stderr, "There is no stack web. `heat-spreader list` shows the stacks.\n");
  });

  test("whoever lets go of a cloud that nobody can see is told what may run there", async (t) => {
    const { api, onTerminal } = await cliAndApi(t);
    await api.know({ athens: "reachable", oslo: "unreachable", bern: "unreachable" });
    const weights = { athens: 0.6, oslo: 0.2, bern: 0.2 };
    await api.call("PUT", "/v1/stacks/web", {
      body: { count: 10, count_parameter: "n", weights },
    });
    await api.settle("web", { athens: 6, oslo: 2, bern: 2 });
    const removed = await onTerminal("weight", "remove", "web", "bern");
    assert.match(
      removed.stderr,
      /in bern stays as it is, at 0 to 2 \(unreachable since 20\S+Z\)\./,
    );
    const { stderr } = await onTerminal("delete", "web");
    assert.match(stderr, /left running: athens 6, oslo 0 to 2 \(unreachable since 20\S+Z\)[.,]/);
  });

  test("list prints what was asked for in every format", async (t) => {
    const { api, cli } = await cliAndApi(t);
    await api.know({ athens: "reachable" });
    await cli("add", "web", "--count", "4", "--parameter", "n", "--weight", "athens=1");
    const columns = ["-c", "Stack Name", "-c", "count", "-c", "weights"];
    const said = await Promise.all(
      ["table", "json", "yaml", "csv", "value"].map((format) =>
        cli("list", "-f", format, ...columns),
      ),
    );
    const weights = { athens: 1 };
    assert.deepEqual(
      said.map(({ stdout }) => stdout),
      [
        table(`
          +------------+-------+----------+
          | Stack name | Count | Weights  |
          +------------+-------+----------+
          | web        |     4 | athens 1 |
          +------------+-------+----------+`),
        `${JSON.stringify([{ stack_name: "web", count: 4, weights }], null, 2)}\n`,
        "- stack_name: web\n  count: 4\n  weights:\n    athens: 1\n",
        '"Stack name","Count","Weights"\n"web",4,"athens 1"\n',
        "web 4 athens 1\n",
      ],
    );
    assert.ok(said.every(({ code, stderr }) => code === 0 && stderr === ""));
  });

  test("--json is what the Python tool printed, to the byte, and nothing else", async (t) => {
    const { api, cli } = await cliAndApi(t);
    await api.know({ athens: "reachable", manchester: "reachable" });
    const web = (count: number, weights: string) =>
      `{"stack_name": "web", "count": ${count}, "count_parameter": "count", "weights": {${weights}}}`;
    const lines: [string, string][] = [
      ["list --json", '{"stacks": []}'],
      ["add web --count 0 --parameter count --json", web(0, "")],
      ["weight set web athens --weight 0.5 --json", web(0, '"athens": 0.5')],
      ["weight set web manchester --weight 0.5 --json", web(0, '"athens": 0.5, "manchester": 0.5')],
      ["update web --count 4 --json", web(4, '"athens": 0.5, "manchester": 0.5')],
      ["weight set web athens=1 manchester=0 --json", web(4, '"athens": 1.0, "manchester": 0.0')],
      ["show web --json", web(4, '"athens": 1.0, "manchester": 0.0')],
      ["list --json", `{"stacks": [${web(4, '"athens": 1.0, "manchester": 0.0')}]}`],
    ];
    for (const [line, stdout] of lines) {
      assert.deepEqual(await cli(...line.split(" ")), {
        code: 0,
        stdout: `${stdout}\n`,
        stderr: "",
      });
    }
  });

  test("a person's word on stacks and clouds", async (t) => {
    const { api, cli } = await cliAndApi(t);
    await api.know({ athens: "reachable", manchester: "suspected" });
    await cli(
      "add",
      "web",
      "--count",
      "2",
      "--parameter",
      "n",
      "--weight",
      "athens=1",
      "--weight",
      "manchester=0",
    );
    const lines: [string, number, RegExp][] = [
      ["pause web", 0, /^web is paused. Go on with: heat-spreader resume web$/m],
      ["show web -f value -c state", 0, /^paused$/m],
      ["resume web", 0, /^web goes on/],
      ["reconcile web", 0, /^web is looked at now/],
      ["release web", 0, /^web is released/],
      ["cloud list -f value -c cloud -c verdict", 0, /^athens reachable\nmanchester suspected\n$/],
      ["cloud show manchester", 0, /Verdict +\| suspected/],
      ["cloud drain manchester", 0, /^manchester is drained/],
      ["cloud list -f value -c drained", 0, /^no\nyes\n$/],
      ["cloud list", 0, /\| Reason +\|\n[\s\S]*\| manchester [^\n]*\| drained; /],
      ["cloud undrain manchester", 0, /^manchester is no longer drained/],
      ["cloud confirm manchester", 0, /^manchester counts as lost.\nIts share .* or a witness/],
      ["cloud refute manchester", 0, /^manchester counts as reachable/],
    ];
    for (const [line, code, said] of lines) {
      const got = await cli(...line.split(" "));
      assert.deepEqual([got.code, got.stderr], [code, ""], line);
      assert.match(got.stdout, said);
    }
    const calm = await cli("cloud", "confirm", "athens");
    assert.equal(calm.code, 1);
    assert.match(calm.stderr, /athens is not suspected/);
    const nowhere = await cli("cloud", "drain", "mars");
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.stderr, /mars: no such cloud; there are athens, manchester/);
  });

  test("of a cloud that is not there an order says no more than what is so", async (t) => {
    const { api, cli } = await cliAndApi(t);
    await api.know({ athens: "reachable", oslo: "unreachable", bern: "suspected" });
    const said = async (...args: string[]) => (await cli("cloud", ...args)).stdout;
    const isLost = /\nIt is unreachable since 20\S+Z: nothing is pushed there until it is back.\n/;
    assert.match(await said("drain", "oslo"), isLost);
    assert.match(await said("undrain", "oslo"), isLost);
    assert.doesNotMatch(await said("undrain", "oslo"), /share/);
    assert.match(
      await said("undrain", "bern"),
      /drained.\nIt is suspected since .* is decided.\n$/,
    );
    await said("drain", "bern");
    assert.match(await said("confirm", "bern"), /lost.\nIt is drained, so its instances are dealt/);
  });

  test("events, the oldest first, and of one stack or cloud", async (t) => {
    const { api, cli } = await cliAndApi(t);
    await api.know({ athens: "reachable" });
    await cli("add", "web", "--count", "2", "--parameter", "n");
    await cli("update", "web", "--count", "3");
    await cli("cloud", "drain", "athens");
    const all = await cli("events", "-f", "value", "-c", "type", "-c", "message");
    assert.match(
      all.stdout,
      /^stack.declared .*count 2.*\nstack.declared .*2 -> 3\ncloud.ordered /,
    );
    const ofCloud = await cli("events", "--cloud", "athens", "-f", "value", "-c", "type");
    assert.equal(ofCloud.stdout, "cloud.ordered\n");
    const ofStack = await cli("events", "web", "--limit", "1", "-f", "json");
    const [last] = JSON.parse(ofStack.stdout);
    assert.equal(last.generation, 2);
    const future = await cli("events", "--since", "2999-01-01");
    assert.deepEqual([future.code, future.stdout], [0, ""]);
  });

  test("version and token need no Heat Spreader", async (t) => {
    const { cli } = await cliAndApi(t);
    const { version } = (await import("../../package.json", { with: { type: "json" } })).default;
    assert.equal((await cli("version")).stdout, `${version}\n`);
    assert.equal((await cli("--version")).stdout, `${version}\n`);
    const made = await cli("token", "new", "alice", "--role", "reader", "-f", "json");
    const { token, entry } = JSON.parse(made.stdout);
    const { sha256 } = await import("../support/api.ts");
    assert.equal(entry, `alice:reader:${sha256(token)}`);
    assert.equal(made.stderr, "");
  });
});

/** A table as it stands in the test, without its indent. */
function table(text: string): string {
  return `${text.trim().replace(/\n +/g, "\n")}\n`;
}
