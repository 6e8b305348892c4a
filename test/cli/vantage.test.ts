import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { stringify } from "yaml";
import { CloudName, VantageName, type Vote } from "../../lib/cloud/schema.ts";
import { tokens } from "../support/api.ts";
import { bin, cliAndApi, emptyHome, run } from "../support/cli.ts";
import { cloudServer, entryFor, PASSWORD } from "../support/cloud-server.ts";
import { until } from "../support/until.ts";

const athens = CloudName.parse("athens");

/** An API that knows athens, a cloud on a port, and a clouds.yaml that leads there. */
async function scene(t: TestContext) {
  const { api, home, url, cli } = await cliAndApi(t);
  const cloud = await cloudServer();
  t.after(() => cloud.close());
  await writeFile(join(home, "clouds.yaml"), stringify({ clouds: { athens: entryFor(cloud) } }));
  await api.know({ athens: "reachable" });
  return { api, home, url, cli, cloud };
}

describe("vantage", { concurrency: 2 }, () => {
  test("an agent votes until SIGTERM, which ends it with 0", async (t) => {
    const { api, home, url } = await scene(t);
    const given = ["--every", "2", "--url", url, "--token", tokens.vantage];
    const child = spawn(process.execPath, [bin, "vantage", ...given], {
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home },
      stdio: ["ignore", "pipe", "pipe"],
    });
    t.after(() => child.kill("SIGKILL"));
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    }
    const ended = new Promise((resolve) => child.on("close", resolve));
    const vote = await until("a vote", async () => (await api.stores.listVotes(athens))[0], 30_000);
    assert.deepEqual([vote.vantage, vote.vote], ["vantage-1", "up"], said);
    if (process.platform === "linux") {
      const shown = await readFile(`/proc/${child.pid}/cmdline`, "utf8");
      assert.ok(!shown.includes(tokens.vantage), "the list of processes");
    }
    child.kill("SIGTERM");
    assert.equal(await ended, 0, said);
    assert.match(said, /agent started/);
    assert.match(said, /vote {2}cloud=athens {2}vote=up/);
    assert.ok(!said.includes(PASSWORD) && !said.includes(tokens.vantage));
  });

  const wrong: [what: string, args: string[], environment: Record<string, string>, said: RegExp][] =
    [
      ["no token", [], {}, /The agent has no token. Make one with `heat-spreader token new NAME/],
      [
        "a token that is not known",
        ["--token", "wrong-secret"],
        {},
        /needs a token that is known here.*entry.*API_TOKENS.*token new NAME --role vantage/,
      ],
      [
        "an operator's token",
        [],
        { HEAT_SPREADER_TOKEN: tokens.operator },
        /needs the role vantage; the token's role is operator/,
      ],
      [
        "another's name",
        ["--name", "elsewhere"],
        { HEAT_SPREADER_TOKEN: tokens.vantage },
        /votes as vantage-1, not as elsewhere.*Leave --name out to vote as vantage-1, or .*token new elsewhere --role/,
      ],
      [
        "another's name, with an operator's token",
        ["--name", "elsewhere"],
        { HEAT_SPREADER_TOKEN: tokens.operator },
        /the token's role is operator\. Make one with `heat-spreader token new NAME/,
      ],
      ["a name that is none", ["--name", "a b"], {}, /vantage "a b": a vantage name is/],
      ["an interval that is too long", ["--every", "60"], {}, /--every 60: give 2 to 30 seconds/],
      ["an interval that is none", ["--every", "x"], {}, /--every x: give 2 to 30 seconds/],
    ];
  for (const [what, args, environment, expected] of wrong) {
    test(`${what}: what is wrong, and what to do`, async (t) => {
      const { api, home, url } = await scene(t);
      const asked = ["vantage", "--url", url, ...args];
      const { code, stderr } = await run(asked, { home, environment });
      assert.ok(code === 1 || code === 2);
      assert.match(stderr, expected);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
      assert.ok(!stderr.includes("wrong-secret"));
      assert.deepEqual(await api.stores.listVotes(athens), []);
    });
  }

  test("a token of a name under which no agent can vote is not made", async (t) => {
    const home = await emptyHome(t);
    for (const name of ["home", "alice@example"]) {
      const made = await run(["token", "new", name, "--role", "vantage"], { home });
      assert.deepEqual([made.code, made.stdout], [2, ""]);
      assert.match(made.stderr, /cannot name a vantage/);
    }
    const fine = await run(["token", "new", "office", "--role", "vantage"], { home });
    assert.equal(fine.code, 0);
    assert.match(fine.stderr, /API_TOKENS="\$API_TOKENS office:vantage:[0-9a-f]{64}"/);
    assert.match(fine.stderr, /sst secret set ApiTokens/);
  });

  test("without clouds.yaml says so", async (t) => {
    const { code, stderr } = await run(["vantage"], { home: await emptyHome(t) });
    assert.equal(code, 1);
    assert.match(stderr, /There is no clouds.yaml/);
  });

  test("vantages are listed, and removed once they are silent", async (t) => {
    const { api, cli } = await scene(t);
    const at = new Date().toISOString();
    const [home, office, depot] = ["home", "office", "depot"].map((name) =>
      VantageName.parse(name),
    );
    assert.ok(home && office && depot);
    const votes: [VantageName, "agent" | "function", string][] = [
      [home, "function", at],
      [office, "agent", at],
      [depot, "agent", new Date(Date.now() - 600_000).toISOString()],
    ];
    for (const [vantage, kind, voted] of votes) {
      await api.stores.registerVantage({ vantage, kind, registered_at: at }, []);
      const counters = { misses: 0, successes: 1, abstentions: 0 };
      const vote: Vote = {
        cloud: athens,
        vantage,
        vote: "up",
        at: voted,
        since: voted,
        ...counters,
      };
      await api.stores.saveVote(vote, undefined);
    }
    const listed = await cli("vantage", "list");
    assert.equal(listed.code, 0, listed.stderr);
    assert.match(listed.stdout, /office\s+\|\s+agent.*1 up\s+\|\s+\|/);
    assert.match(listed.stdout, /depot\s+\|\s+agent.*\|\s+athens\s+\|/, "no fresh vote there");
    assert.match(listed.stderr, /2 of 3 decide/);
    const fresh = await cli("vantage", "remove", "office");
    assert.equal(fresh.code, 1);
    assert.match(fresh.stderr, /office votes: .*Stop it first/);
    const gone = await cli("vantage", "remove", "depot");
    assert.deepEqual(
      [gone.code, gone.stdout],
      [0, "depot is removed; 2 of the 2 that are left decide from now on.\n"],
    );
    assert.deepEqual(
      (await cli("vantage", "list", "-f", "value", "-c", "vantage")).stdout,
      "home\noffice\n",
    );
    const [vote] = await api.stores.readVotes([athens], [office]);
    assert.ok(vote);
    const old = new Date(Date.now() - 600_000).toISOString();
    await api.stores.saveVote({ ...vote, at: old }, vote.at);
    assert.equal(
      (await cli("vantage", "remove", "office")).stdout,
      "office is removed; home decides alone from now on.\n",
    );
  });

  test("help shows the agent and what goes with it", async (t) => {
    const home = await emptyHome(t);
    const { stdout } = await run(["vantage", "--help"], { home });
    assert.match(stdout, /Usage: heat-spreader vantage \[OPTIONS\]/);
    assert.match(stdout, /vantage list +List the places/);
    const all = await run(["--help"], { home });
    assert.match(all.stdout, /vantage \.\.\. +List and remove/);
    const meant = await run(["vantage", "lst"], { home });
    assert.deepEqual([meant.code, /vantage list/.test(meant.stderr)], [2, true]);
  });
});
