import assert from "node:assert/strict";
import { test } from "node:test";
import { cliAndApi } from "../support/cli.ts";

test("a witness is set, shown and removed", async (t) => {
  const { api, cli } = await cliAndApi(t);
  await api.know({ athens: "reachable", oslo: "reachable", lisbon: "reachable" });
  const body = { count: 10, count_parameter: "count", weights: { athens: 0.5, oslo: 0.5 } };
  await api.call("PUT", "/v1/stacks/web", { body });
  const url = "https://athens.example.org/health";

  const set = await cli("witness", "set", "web", "athens", "--url", url, "--status", "204");
  assert.deepEqual([set.code, set.stderr], [0, ""]);
  assert.match(set.stdout, /\| Witnesses +\| athens https:\/\/athens.example.org\/health \(204\)/);
  assert.match(set.stdout, /failback auto, evidence api_and_workload/);

  const more = await cli(
    "witness",
    "set",
    "web",
    "oslo",
    "--tcp",
    "oslo.example.org:443",
    "--json",
  );
  assert.equal(more.code, 0);
  const four = ["stack_name", "count", "count_parameter", "weights"];
  assert.deepEqual(Object.keys(JSON.parse(more.stdout)), four, "--json is the original's");

  const shown = await cli("show", "web", "-f", "json", "-c", "witnesses", "-c", "up_to");
  assert.deepEqual(JSON.parse(shown.stdout).witnesses, {
    athens: { url, status: 204 },
    oslo: { tcp: "oslo.example.org:443" },
  });

  const planned = await cli("plan", "web", "--lost", "athens");
  assert.match(planned.stderr, /^It is assumed that the workload in athens is silent, too: .*\n/);

  const removed = await cli("witness", "remove", "web", "athens");
  assert.equal(removed.code, 0);
  assert.doesNotMatch(removed.stdout, /athens https/);

  const nowhere = await cli("witness", "remove", "web", "nowhere");
  assert.deepEqual([nowhere.code, nowhere.stdout], [1, ""]);
  assert.match(nowhere.stderr, /web has no witness for nowhere\./);
  const unweighed = await cli("witness", "set", "web", "lisbon", "--tcp", "l.example.org:443");
  assert.equal(unweighed.code, 1);
  assert.match(unweighed.stderr, /lisbon has no weight in this stack.*give it a weight first/);
});

test("what is no witness is refused before anything is sent, and no password is repeated", async (t) => {
  const { cli, api } = await cliAndApi(t);
  const set = (...rest: string[]) => cli("witness", "set", "web", "athens", ...rest);
  const cases: [string[], RegExp][] = [
    [[], /needs --url URL or --tcp HOST:PORT/],
    [["--url", "http://a.example/", "--tcp", "a.example:1"], /only one of them/],
    [["--tcp", "a.example:1", "--status", "200"], /--status goes with --url/],
    [["--url", "http://me:hunter2@a.example/"], /no user and password in it/],
    [["--url", "http://169.254.169.254/"], /never asked/],
    [["--url", "http://a.example/", "--status", "20"], /200 to 599/],
    [["--url", "http://a.example/", "--status", "101"], /200 to 599/],
    [["--url", "http://a.example:0/"], /port from 1 to 65535/],
    [["--tcp", "a.example:99999"], /port from 1 to 65535/],
  ];
  await Promise.all(
    cases.map(async ([rest, says]) => {
      const { code, stdout, stderr } = await set(...rest);
      assert.deepEqual([code, stdout], [2, ""], stderr);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /hunter2/);
    }),
  );
  assert.deepEqual(api.lines, []);
});
