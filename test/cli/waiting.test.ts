import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { describe, test } from "node:test";
import { bin, cliAndApi, run } from "../support/cli.ts";

describe("waiting and watching", { concurrency: 4 }, () => {
  test("--wait ends when all is in place, with plain lines where there is no terminal", async (t) => {
    const { api, cli, home, environment } = await cliAndApi(t);
    await api.know({ athens: "reachable" });
    await cli("add", "web", "--count", "4", "--parameter", "n", "--weight", "athens=1");
    let isSettled = false;
    const waiting = run(["update", "web", "--count", "5", "--wait"], {
      home,
      environment,
      onLine: ({ stderr }) => {
        if (stderr.includes("in place") && !isSettled) {
          isSettled = true;
          void api.settle("web", { athens: 5 });
        }
        return false;
      },
    });
    const { code, stdout, stderr } = await waiting;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^web: 0 of 0 in place/);
    assert.match(stdout, /State +\| converged/);
    assert.ok(!`${stdout}${stderr}`.includes("\u001b"));
  });

  test("--wait --json says nothing else", async (t) => {
    const { api, cli } = await cliAndApi(t);
    await api.know({ athens: "reachable" });
    await cli("add", "web", "--count", "4", "--parameter", "n", "--weight", "athens=1");
    await api.settle("web", { athens: 4 });
    assert.deepEqual(await cli("update", "web", "--count", "4", "--wait", "--json"), {
      code: 0,
      stdout:
        '{"stack_name": "web", "count": 4, "count_parameter": "n", "weights": {"athens": 1.0}}\n',
      stderr: "",
    });
  });

  test("--wait gives up on what only a person can mend, saying what to do", async (t) => {
    const { api, cli } = await cliAndApi(t);
    await api.know({ athens: "reachable" });
    const unweighed = await cli("add", "web", "--count", "4", "--parameter", "n", "--wait");
    assert.equal(unweighed.code, 1);
    assert.match(
      unweighed.stderr,
      /web has no clouds yet. Weigh them: heat-spreader weight set web/,
    );
    await cli("weight", "set", "web", "athens=1");
    await cli("pause", "web");
    const paused = await cli("update", "web", "--count", "5", "--wait");
    assert.equal(paused.code, 1);
    assert.match(paused.stderr, /web is paused, .* heat-spreader resume web/);
  });

  test("--wait ends with its timeout, and says how far it came", async (t) => {
    const { api, cli } = await cliAndApi(t);
    await api.know({ athens: "reachable" });
    await cli("add", "web", "--count", "4", "--parameter", "n", "--weight", "athens=1");
    const late = await cli("update", "web", "--count", "5", "--wait", "--timeout", "0.2");
    assert.equal(late.code, 1);
    assert.match(
      late.stderr,
      /web is not in place after 0\.2 s, and Heat Spreader goes on: web: 0 of/,
    );
  });

  test("Ctrl-C ends a wait with exit code 130", async (t) => {
    const { api, cli, home, environment } = await cliAndApi(t);
    await api.know({ athens: "reachable" });
    await cli("add", "web", "--count", "4", "--parameter", "n", "--weight", "athens=1");
    const { code } = await run(["update", "web", "--count", "5", "--wait"], {
      home,
      environment,
      onLine: ({ stderr }) => stderr.includes("in place"),
    });
    assert.equal(code, 130);
  });

  test("events --follow prints what comes, each once, as lines or as JSON", async (t) => {
    const { api, cli, home, environment } = await cliAndApi(t);
    await api.know({ athens: "reachable" });
    await cli("add", "web", "--count", "4", "--parameter", "n");
    for (const format of ["table", "json"]) {
      let isUpdated = false;
      const count = format === "table" ? "5" : "6";
      const { code, stdout } = await run(["events", "web", "--follow", "-f", format], {
        home,
        environment,
        onLine: ({ stdout }) => {
          if (!isUpdated && stdout.includes("count 4")) {
            isUpdated = true;
            void cli("update", "web", "--count", count);
          }
          return stdout.includes(`-> ${count}`);
        },
      });
      assert.equal(code, 130);
      const lines = stdout.trim().split("\n");
      assert.equal(new Set(lines).size, lines.length);
      const last = lines.at(-1) ?? "";
      if (format === "json") assert.equal(JSON.parse(last).type, "stack.declared");
      else
        assert.match(
          last,
          /^\d{4}-\S+Z {2}[0-9A-Z]{6} {2}stack.declared {5}web was declared: count 4 -> 5$/,
        );
    }
  });

  test("watch prints a line whenever something changed, where there is no terminal", async (t) => {
    const { api, cli, home, environment } = await cliAndApi(t);
    await api.know({ athens: "reachable" });
    await cli("add", "web", "--count", "4", "--parameter", "n", "--weight", "athens=1");
    for (const args of [["watch", "web"], ["watch"]]) {
      let isPaused = false;
      const { code, stdout } = await run([...args, "--every", "0.1"], {
        home,
        environment,
        onLine: ({ stdout }) => {
          if (!isPaused && stdout.includes("converging")) {
            isPaused = true;
            void cli("pause", "web");
          }
          return stdout.includes("paused");
        },
      });
      assert.equal(code, 130);
      assert.ok(!stdout.includes("\u001b"));
      assert.match(stdout, /Z {2}web: .*converging.*\n.*Z {2}web: .*paused/);
      await cli("resume", "web");
    }
  });

  test("whoever stops reading ends the command, quietly", async (t) => {
    const { home, environment } = await cliAndApi(t);
    const child = spawn("sh", ["-c", '"$0" "$1" --help | true', process.execPath, bin], {
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, ...environment },
    });
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    await new Promise((resolve) => child.on("close", resolve));
    assert.equal(stderr, "");
  });
});
