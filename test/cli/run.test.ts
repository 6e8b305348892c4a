import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { stringify } from "yaml";
import type { Event } from "../../lib/event/schema.ts";
import { simulatedCloud } from "../../lib/local/demo/cloud.ts";
import { bin, emptyHome, run, type Said, writeConfig } from "../support/cli.ts";
import { until } from "../support/until.ts";

describe("run", { concurrency: 2 }, () => {
  test("without clouds.yaml says where it looked, and how to see it without clouds", async (t) => {
    const { code, stdout, stderr } = await run(["run"], { home: await emptyHome(t) });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /There is no clouds.yaml in this directory, ~\/.config\/openstack/);
    assert.match(stderr, /OS_CLIENT_CONFIG_FILE. `heat-spreader run --demo` shows/);
  });

  const wrong: [what: string, yaml: string, environment: Record<string, string>, said: RegExp][] = [
    [
      "a cloud that clouds.yaml lacks",
      "clouds: [athens, mars]",
      {},
      /the cloud mars, which is not in .*clouds.yaml \(it has: athens\)/,
    ],
    [
      "a remote backend",
      "backend: { type: remote, host: a }",
      {},
      /backend.type is remote.* set it to sqlite/,
    ],
    [
      "an address open to all",
      "server: { address: 0.0.0.0 }",
      {},
      /Refusing to listen on 0.0.0.0.*insecure: true/,
    ],
    [
      "a level that there is not",
      "",
      { HEAT_SPREADER_LOG_LEVEL: "loud" },
      /no level "loud". The levels are DEBUG/,
    ],
    [
      "a log file in no directory",
      "",
      { HEAT_SPREADER_LOG_FILE: "/nowhere/log" },
      /\/nowhere\/log cannot be written to/,
    ],
    [
      "a clouds.yaml that is not there",
      "",
      { OS_CLIENT_CONFIG_FILE: "/nowhere/clouds.yaml" },
      /\/nowhere\/clouds.yaml cannot be read/,
    ],
  ];
  for (const [what, yaml, environment, said] of wrong) {
    test(`with ${what}: exit code 1, and what to do`, async (t) => {
      const place = await withCloud(t, yaml);
      const { code, stderr } = await run(["run"], {
        home: place.home,
        environment: { ...place.environment, ...environment },
      });
      assert.equal(code, 1, stderr);
      assert.match(stderr, said);
      assert.ok(!stderr.includes("    at "), "no stack trace");
    });
  }

  test("with a port in use: exit code 1, and what to do", async (t) => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    t.after(() => other.close());
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await run(["run"], await withCloud(t, `server: { port: ${port} }`));
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`127.0.0.1 port ${port} is in use`));
  });

  test("drives the clouds of clouds.yaml, is found by the other commands, and ends on SIGTERM", async (t) => {
    const { home, environment, cloud } = await withCloud(
      t,
      "server: { port: 0 }\nclouds: [athens]",
    );
    const running = start(t, ["run"], { home, environment });
    await until(
      "it says where it is",
      () => running.said.stdout.includes("runtime started"),
      30_000,
    );
    assert.match(
      running.said.stdout,
      /^\S+Z INFO {5}runtime started {2}url=http:\/\/127.0.0.1:\d+ {2}/m,
    );
    const cli = (...args: string[]) => run(args, { home, environment });
    const added = await cli(
      "add",
      "web",
      "--count",
      "4",
      "--parameter",
      "count",
      "--weight",
      "athens=1",
      "--wait",
    );
    assert.equal(added.code, 0, added.stderr);
    assert.match(added.stdout, /\| athens +\| +1 \| +4 \| +4 \| reachable/);
    assert.equal(cloud.stack("web")?.running, 4);

    const [, port = ""] = /url=http:\/\/127.0.0.1:(\d+)/.exec(running.said.stdout) ?? [];
    const clients = `backend: { type: remote, host: localhost, port: ${port} }`;
    const originals = { HEAT_SPREADER_CONFIG_FILE: join(home, "client.yaml") };
    await writeFile(originals.HEAT_SPREADER_CONFIG_FILE, clients);
    const listed = await run(["list", "--json"], { home, environment: originals });
    assert.match(listed.stdout, /^{"stacks": \[{"stack_name": "web"/, listed.stderr);

    const second = await cli("run");
    assert.equal(second.code, 1);
    assert.match(second.stderr, /is held by another heat-spreader: process \d+ since/);

    running.child.kill("SIGTERM");
    assert.equal(await running.ended, 0, running.said.stderr);
    assert.match(running.said.stdout, /runtime stopped/);
    assert.equal(running.said.stderr, "");
    const gone = await cli("list");
    assert.equal(gone.code, 1);
    assert.match(gone.stderr, /No Heat Spreader of this user is running/);
  });

  test("logs JSON from the level on, to the file, and ends on Ctrl-C", async (t) => {
    const { home, environment } = await withCloud(t, "server: { port: 0 }");
    const file = join(home, "log");
    const running = start(t, ["run"], {
      home,
      environment: {
        ...environment,
        HEAT_SPREADER_LOG_JSON: "1",
        HEAT_SPREADER_LOG_LEVEL: "info",
        HEAT_SPREADER_LOG_FILE: file,
      },
    });
    const read = () => readFile(file, "utf8").catch(() => "");
    await until("it is started", async () => (await read()).includes("runtime started"), 30_000);
    running.child.kill("SIGINT");
    assert.equal(await running.ended, 0);
    assert.deepEqual(running.said, { stdout: "", stderr: "" });
    const lines = (await read())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.ok(lines.every(({ at, level, message }) => at && level === "INFO" && message));
  });

  test("sends what happens to the webhook of its configuration, and its token to nobody else", async (t) => {
    const told: string[] = [];
    const hook = createServer(async (request, response) => {
      const { detail } = (await json(request)) as { detail: Event };
      told.push(`${request.headers["x-api-key"]} ${detail.type}`);
      response.writeHead(202).end();
    });
    await new Promise<void>((resolve) => hook.listen(0, "127.0.0.1", resolve));
    t.after(() => hook.close());
    const { port } = hook.address() as AddressInfo;
    const webhook = `{ url: 'http://127.0.0.1:${port}/hunter2', header: { name: X-Api-Key, value: k3y } }`;
    const { home, environment } = await withCloud(
      t,
      `server: { port: 0 }\nnotifications: { webhook: ${webhook} }`,
    );
    const running = start(t, ["run"], { home, environment });
    const isUp = () => running.said.stdout.includes("runtime started");
    await until("it tells", () => isUp() && told.includes("k3y cloud.reachable"), 30_000);
    const explained = await run(["explain", "--cloud", "athens"], { home, environment });
    assert.match(explained.stdout, /athens was found reachable/, explained.stderr);
    running.child.kill("SIGTERM");
    assert.equal(await running.ended, 0, running.said.stderr);
    assert.doesNotMatch(running.said.stdout, /k3y|hunter2/);
  });

  test("the demo: seen, lost, moved, back, over", async (t) => {
    const home = await emptyHome(t);
    const running = start(t, ["run", "--demo-if-no-clouds"], { home });
    await until(
      "the share is in place",
      () => running.said.stdout.includes("web runs: athens 6, manchester 2, stockholm 2"),
      40_000,
    );
    const cli = (...args: string[]) => run(args, { home });
    const settled = await cli("update", "web", "--count", "10", "--wait");
    assert.match(settled.stdout, /State +\| converged/, settled.stderr);
    assert.match(
      (await cli("demo", "down", "mars")).stderr,
      /no cloud "mars". It has: athens, manchester, stockholm/,
    );
    assert.equal((await cli("demo", "down", "stockholm")).code, 0);
    await until(
      "the share has moved",
      () => running.said.stdout.includes("web runs: athens 7, manchester 3"),
      40_000,
    );
    assert.equal((await cli("demo", "up", "stockholm")).code, 0);
    running.child.kill("SIGINT");
    assert.equal(await running.ended, 0);
    assert.equal(running.said.stderr, "");
    const off = await cli("demo", "down", "athens");
    assert.equal(off.code, 1);
    assert.match(off.stderr, /No demo is running. Start it .*heat-spreader run --demo/);
  });

  test("the demo goes by what the user set: private witnesses, the webhook, the pace, the token", async (t) => {
    const told: string[] = [];
    const hook = createServer(async (request, response) => {
      const { detail } = (await json(request)) as { detail: Event };
      told.push(`${request.headers.authorization} ${detail.type}`);
      response.writeHead(202).end();
    });
    const workload = createServer((_, response) => response.end());
    const [hookAt, workloadAt] = await Promise.all([hook, workload].map(urlOf));
    t.after(() => Promise.all([hook.close(), workload.close()]));
    const home = await emptyHome(t);
    const webhook = `{ url: '${hookAt}', token: k3y }`;
    const path = await writeConfig(
      home,
      `server: { port: 0 }\nwitnesses: { private: allow }\nnotifications: { webhook: ${webhook} }`,
    );
    const environment = {
      HEAT_SPREADER_CONFIG_FILE: path,
      HEAT_SPREADER_TOKEN: "of-the-user",
      PROBE_INTERVAL: "1",
    };
    const running = start(t, ["run", "--demo"], { home, environment });
    const isTold = (text: string) => () => running.said.stdout.includes(text);
    await until("it is in place", isTold("web runs: athens 6, manchester 2, stockholm 2"), 40_000);
    assert.match(running.said.stdout, /looks every 1 s; in earnest, every 10.*\n.* the webhook/);
    assert.ok(told.includes("Bearer k3y stack.declared"), told.join());

    const cli = (...args: string[]) => run(args, { home, environment });
    const named = await cli("witness", "set", "web", "stockholm", "--url", workloadAt ?? "");
    assert.equal(named.code, 0, named.stderr);
    await cli("demo", "down", "stockholm");
    await until("it is lost", isTold("stockholm is unreachable"), 40_000);
    await until("its share is kept", async () =>
      (await cli("show", "web")).stdout.includes("workload answers"),
    );
    assert.doesNotMatch(running.said.stdout, /stockholm 2 -> 0/);
    workload.close().closeAllConnections();
    await until("its share moves", isTold("stockholm 2 -> 0"), 40_000);
    running.child.kill("SIGINT");
    assert.equal(await running.ended, 0, running.said.stderr);
  });

  test("dead letters are listed, whether it runs or not", async (t) => {
    const home = await emptyHome(t);
    const none = await run(["dead-letters"], { home });
    assert.deepEqual(none, { code: 0, stdout: "", stderr: "There are no dead letters.\n" });
  });
});

/** Where a server listens from now on. */
async function urlOf(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** A home with a clouds.yaml of one simulated cloud, and this configuration. */
async function withCloud(t: TestContext, yaml: string) {
  const home = await emptyHome(t);
  const cloud = await simulatedCloud({ name: "athens", stacks: { web: 1 }, updateMs: 50 });
  t.after(() => cloud.stop());
  await mkdir(join(home, ".config/openstack"), { recursive: true });
  await writeFile(
    join(home, ".config/openstack/clouds.yaml"),
    stringify({ clouds: { athens: cloud.entry } }),
  );
  const path = await writeConfig(home, yaml);
  return { home, environment: { HEAT_SPREADER_CONFIG_FILE: path }, cloud };
}

/** Starts the command, and leaves it running until the test is over. */
function start(
  t: TestContext,
  args: string[],
  { home, environment }: { home: string; environment?: Record<string, string> },
): { child: ChildProcess; said: Omit<Said, "code">; ended: Promise<number | null> } {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => {
    said.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said.stderr += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  t.after(async () => {
    child.kill("SIGTERM");
    const isOver = await Promise.race([ended, pause(10_000, "late", { ref: false })]);
    if (isOver === "late") child.kill("SIGKILL");
  });
  return { child, said, ended };
}
