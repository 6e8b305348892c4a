import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { testApi, tokens } from "../support/api.ts";
import { bin, cliAndApi, emptyHome, run, writeConfig } from "../support/cli.ts";

const { operator, reader, vantage } = tokens;

describe("logging in to a deployment", { concurrency: 4 }, () => {
  test("the token is tried, kept for this user alone, and used by the other commands", async (t) => {
    const { home, url } = await cliAndApi(t);
    const login = await run(["login", `${url}/v1`], { home, stdin: `${operator}\n` });
    assert.deepEqual(
      [login.code, login.stdout],
      [0, `Logged in to ${url} as operator-1, with the role operator.\n`],
    );
    assert.ok(!login.stderr.includes(operator));
    const state = stateOf(home);
    assert.deepEqual(await readdir(state), ["login.json"]);
    assert.deepEqual(JSON.parse(await readFile(join(state, "login.json"), "utf8")), {
      url,
      token: operator,
    });
    assert.equal((await stat(join(state, "login.json"))).mode & 0o777, 0o600);
    assert.equal((await stat(state)).mode & 0o777, 0o700);
    const listed = await run(["list", "--json"], { home });
    assert.deepEqual(listed, { code: 0, stdout: '{"stacks": []}\n', stderr: "" });
  });

  test("HEAT_SPREADER_TOKEN goes before stdin, and a reader is told that it is one", async (t) => {
    const { home, url } = await cliAndApi(t);
    const environment = { HEAT_SPREADER_TOKEN: reader };
    const { code, stdout } = await run(["login", url], { home, environment, stdin: operator });
    assert.equal(code, 0);
    assert.match(stdout, /as reader-1, with the role reader/);
  });

  test("a token that is not known, or only votes, is not kept; a login from before stays", async (t) => {
    const { home, url } = await cliAndApi(t);
    await run(["login", url], { home, stdin: reader });
    const wrong = await run(["login", url], { home, stdin: "wrong-secret" });
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /does not know that token; nothing was kept/);
    assert.ok(!wrong.stderr.includes("wrong-secret"));
    const votes = await run(["login", url], { home, stdin: vantage });
    assert.equal(votes.code, 1);
    assert.match(
      votes.stderr,
      /only votes, so nothing was kept\. Log in with one of the role reader or operator/,
    );
    const kept = JSON.parse(await readFile(join(stateOf(home), "login.json"), "utf8"));
    assert.deepEqual(kept, { url, token: reader });
  });

  test("without a token, without an answer, with something that is no token", async (t) => {
    const { home, url } = await cliAndApi(t);
    const none = await run(["login", url], { home });
    assert.equal(none.code, 1);
    assert.match(none.stderr, /No token was given. Type it when asked, put it on stdin/);
    const odd = await run(["login", url], { home, stdin: "two words" });
    assert.equal(odd.code, 1);
    assert.match(odd.stderr, /The token has spaces/);
    const nowhere = await run(["login", "https://hs.invalid"], { home, stdin: "x" });
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.stderr, /https:\/\/hs.invalid cannot be reached: .* Check the address/);
    assert.deepEqual(await readdir(home), []);
  });

  test("an address that is none, has a password in it, or would show the token", async (t) => {
    const home = await emptyHome(t);
    for (const address of ["hs.example", "ftp://hs.example", "https://me:secret@hs.example"]) {
      const { code, stderr } = await run(["login", address], { home, stdin: "x" });
      assert.equal(code, 2);
      assert.match(stderr, /login needs the whole address, such as https:/);
      assert.ok(!stderr.includes("secret"));
    }
    const plain = await run(["login", "http://hs.example"], { home, stdin: "x" });
    assert.equal(plain.code, 2);
    assert.match(plain.stderr, /would send the token in clear. Give the https:/);
    assert.match((await run(["login"], { home })).stderr, /login needs URL/);
  });

  test("a state directory that cannot be made: one sentence", async (t) => {
    const { home, url } = await cliAndApi(t);
    await mkdir(join(home, ".local"));
    await writeFile(join(home, ".local/state"), "a file");
    const { code, stdout, stderr } = await run(["login", url], { home, stdin: operator });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^Cannot use .*state.*: a part of the path is a file/);
    assert.ok(!stderr.includes(operator));
  });

  test("the token is asked for on a terminal, and not shown", { skip: noTerminal() }, async (t) => {
    const { home, url } = await cliAndApi(t);
    const { code, screen } = await onTerminal(home, `login ${url}`, `${operator}\n`);
    assert.equal(code, 0);
    assert.match(screen, /^Token for http.*: \r\nLogged in to .* with the role operator\./);
    assert.ok(!screen.includes(operator));
  });

  test("Ctrl-C instead of a token", { skip: noTerminal() }, async (t) => {
    const { home, url } = await cliAndApi(t);
    const { code, screen } = await onTerminal(home, `login ${url}`, "\u0003");
    assert.deepEqual([code, screen], [130, `Token for ${url}: \r\n`]);
    assert.deepEqual(await readdir(home), []);
  });
});

describe("what a login goes before, and what goes before it", { concurrency: 4 }, () => {
  test("a backend of sqlite is for run; of a file that the environment names it goes first", async (t) => {
    const { home, url } = await cliAndApi(t);
    const text = "# ours\nbackend: { type: sqlite, database: '~/hs.db' }\n";
    await mkdir(join(home, ".config/openstack"), { recursive: true });
    const path = join(home, ".config/openstack/heat-spreader.yaml");
    await writeFile(path, text);
    assert.equal((await run(["login", url], { home, stdin: operator })).code, 0);
    assert.equal(await readFile(path, "utf8"), text);
    assert.equal((await run(["list", "--json"], { home })).stdout, '{"stacks": []}\n');
    const environment = { HEAT_SPREADER_CONFIG_FILE: path };
    const named = await run(["list"], { home, environment });
    assert.match(named.stderr, /No Heat Spreader of this user is running on .*hs.db/);
    const again = await run(["login", url], { home, environment, stdin: operator });
    assert.equal(again.code, 1);
    assert.match(again.stderr, /`backend` goes before a login. Take it out/);
  });

  test("a remote backend goes first; the login's token serves it where it has none", async (t) => {
    const { home, url } = await cliAndApi(t);
    const yaml = (more: string) => writeConfig(home, `backend: { type: remote, ${more} }`);
    const environment = { HEAT_SPREADER_CONFIG_FILE: await yaml(`url: '${url}/'`) };
    assert.equal((await run(["login", url], { home, environment, stdin: operator })).code, 0);
    assert.equal((await run(["list", "--json"], { home, environment })).stdout, '{"stacks": []}\n');
    await yaml("url: 'https://other.invalid'");
    const other = await run(["list"], { home, environment });
    assert.match(other.stderr, /https:\/\/other.invalid cannot be reached/);
    const refused = await run(["login", url], { home, environment, stdin: operator });
    assert.match(refused.stderr, /`backend` goes before a login/);
  });

  test("HEAT_SPREADER_URL goes first, without the login's token unless it is its url", async (t) => {
    const { home, url } = await cliAndApi(t);
    const second = await cliAndApi(t);
    await run(["login", url], { home, stdin: operator });
    const there = await run(["list"], { home, environment: { HEAT_SPREADER_URL: second.url } });
    assert.match(there.stderr, /needs a token. Log in with/);
    const environment = { HEAT_SPREADER_URL: `${url}/v1/` };
    assert.equal((await run(["list", "--json"], { home, environment })).stdout, '{"stacks": []}\n');
    const told = await run(["login", second.url], { home, environment, stdin: operator });
    assert.match(told.stderr, /But HEAT_SPREADER_URL names another address/);
  });

  test("a token that was taken back: log in again, and logout forgets it", async (t) => {
    const { home, url } = await cliAndApi(t);
    await run(["login", url], { home, stdin: operator });
    const path = join(stateOf(home), "login.json");
    await writeFile(path, JSON.stringify({ url, token: "taken-back" }));
    const refused = await run(["list"], { home });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /does not know the token of your login .* Log in again with/);
    await writeFile(path, '{"url": "secret');
    const broken = await run(["list"], { home });
    assert.match(broken.stderr, /login.json: this is no login. Log in again, or remove it/);
    assert.ok(!broken.stderr.includes("secret"));
    assert.equal((await run(["logout"], { home })).stdout, "Logged out.\n");
    assert.deepEqual(await readdir(stateOf(home)), []);
    assert.equal((await run(["logout"], { home })).stdout, "You were not logged in.\n");
  });
});

describe("making a token", () => {
  test("the entry lets the token in, and the commands that deploy it are printed", async (t) => {
    const home = await emptyHome(t);
    const made = await run(["token", "new", "alice", "--role", "reader", "-f", "json"], { home });
    const { token, entry } = JSON.parse(made.stdout) as { token: string; entry: string };
    assert.deepEqual([made.code, made.stderr], [0, ""]);
    const { call } = testApi({ apiTokens: `bob:operator:${"0".repeat(64)}\n${entry}\n` });
    const { status, body } = await call("GET", "/v1/whoami", { token });
    assert.deepEqual([status, body], [200, { name: "alice", role: "reader" }]);
    const table = await run(["token", "new", "alice"], { home });
    assert.match(table.stderr, /echo 'alice:operator:[0-9a-f]{64}' >> api-tokens.txt\n/);
    assert.match(
      table.stderr,
      /npx sst secret set ApiTokens --stage production < api-tokens.txt\n/,
    );
  });
});

function stateOf(home: string): string {
  return join(home, ".local/state/heat-spreader");
}

/** A terminal is made by util-linux's script; BSD's knows other options. */
function noTerminal(): string | false {
  const { status } = spawnSync("script", ["--version"]);
  return status === 0 ? false : "there is no script of util-linux here";
}

/** Types at the first thing that is on the screen; answers all that was on it. */
async function onTerminal(home: string, line: string, typed: string) {
  const command = `${process.execPath} ${bin} ${line}`;
  const child = spawn("script", ["-qefc", command, "/dev/null"], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home },
    timeout: 60_000,
  });
  let screen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (screen === "") child.stdin.write(typed);
    screen += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, screen };
}
