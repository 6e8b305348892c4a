import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, test } from "node:test";
import { stringify } from "yaml";
import { client } from "../../lib/api/client.ts";
import type { CloudClient } from "../../lib/cloud/client.ts";
import {
  type CloudOptions,
  type SimulatedCloud,
  simulatedCloud,
} from "../../lib/local/demo/cloud.ts";
import { demoControl } from "../../lib/local/demo/control.ts";
import { demo } from "../../lib/local/demo/demo.ts";
import { findRuntime } from "../../lib/local/token.ts";
import { log } from "../../lib/log.ts";
import { cloudsFile } from "../../lib/openstack/clouds.ts";
import { StackName } from "../../lib/stack/schema.ts";
import { until } from "../support/until.ts";

const quiet = log({ level: "CRITICAL", write: () => undefined });

describe("a simulated cloud, through the client that real ones have", () => {
  let stops: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    await Promise.all(stops.map((stop) => stop()));
    stops = [];
  });

  async function cloud(
    options: Partial<CloudOptions> = {},
    entryOf: (made: SimulatedCloud) => unknown = (made) => made.entry,
  ): Promise<{ made: SimulatedCloud; calls: CloudClient }> {
    const made = await simulatedCloud({
      name: "athens",
      updateMs: 30,
      stacks: { web: 2 },
      ...options,
    });
    const clouds = cloudsFile({
      text: stringify({ clouds: { athens: entryOf(made) } }),
      deadlineMs: 300,
      environment: {},
      cwd: "/",
      home: "/",
    });
    const found = clouds.client("athens");
    assert.ok(found.ok);
    stops.push(clouds.close, made.stop);
    return { made, calls: found.value };
  }

  async function refOf(calls: CloudClient, stack_name = "web") {
    const found = await calls.findStack(stack_name);
    assert.ok(found.ok && found.value.stack);
    return { stack_name, heat_stack_id: found.value.stack.heat_stack_id };
  }

  test("lists, shows and changes a stack, with Heat's statuses and whole seconds", async () => {
    const { made, calls } = await cloud({ updateMs: 1500 });
    const ref = await refOf(calls);
    const before = await calls.showStack(ref);
    assert.ok(before.ok && before.value);
    assert.equal(before.value.heat_status, "CREATE_COMPLETE");
    assert.equal(before.value.updated_time, null);
    assert.equal(before.value.parameters.get("count"), "2");
    assert.ok((await calls.patchCount(ref, "count", 5)).ok);
    const during = await calls.showStack(ref);
    assert.ok(during.ok && during.value);
    assert.equal(during.value.heat_status, "UPDATE_IN_PROGRESS");
    assert.equal(during.value.parameters.get("count"), "5");
    assert.match(during.value.updated_time ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    await until("the update's end", () => made.stack("web")?.status === "UPDATE_COMPLETE");
    assert.equal(made.stack("web")?.running, 5);
    const event = await calls.newestEvent(ref);
    assert.ok(event.ok && event.value);
  });

  test("takes an application credential as well", async () => {
    const { calls } = await cloud({}, (made) => made.applicationEntry);
    assert.ok((await calls.listStacks({ limit: 1, pages: "first", login: true })).ok);
  });

  test("a wrong password is a rejected login", async () => {
    const { made, calls } = await cloud();
    made.setPassword("another");
    const listed = await calls.listStacks({ limit: 1, pages: "first", login: true });
    assert.ok(!listed.ok);
    assert.equal(listed.fault.class, "credentials");
  });

  test("a token that ran out is got anew", async () => {
    const { made, calls } = await cloud({ tokenLifetimeMs: 500 });
    await until("a third login", async () => {
      await calls.listStacks({ limit: 1, pages: "first", login: true });
      return made.keystone.requests().total >= 3;
    });
  });

  test("pages through more stacks than one page holds, newest first", async () => {
    const stacks = Object.fromEntries(Array.from({ length: 7 }, (_, n) => [`s${n}`, n]));
    const { calls } = await cloud({ stacks });
    const listed = await calls.listStacks({ limit: 3, pages: "all", login: true });
    assert.ok(listed.ok);
    assert.ok(listed.value.complete);
    assert.deepEqual(
      listed.value.stacks.map((stack) => stack.stack_name),
      ["s6", "s5", "s4", "s3", "s2", "s1", "s0"],
    );
  });

  test("swallows a parameter that the template lacks, and runs an update all the same", async () => {
    const { made, calls } = await cloud();
    const ref = await refOf(calls);
    assert.ok((await calls.patchCount(ref, "nosuch", 5)).ok);
    await until("the update's end", () => made.stack("web")?.status === "UPDATE_COMPLETE");
    assert.equal(made.stack("web")?.count, "2");
  });

  test("one PATCH that overtakes an update wins; two end in UPDATE_FAILED with the last wish kept", async () => {
    const { made, calls } = await cloud({ updateMs: 200 });
    const ref = await refOf(calls);
    for (const count of [6, 3]) assert.ok((await calls.patchCount(ref, "count", count)).ok);
    await until("the update's end", () => made.stack("web")?.status === "UPDATE_COMPLETE");
    assert.equal(made.stack("web")?.running, 3);
    for (const count of [4, 5, 6]) assert.ok((await calls.patchCount(ref, "count", count)).ok);
    await until("the failure", () => made.stack("web")?.status === "UPDATE_FAILED");
    assert.equal(made.stack("web")?.count, "6");
    assert.ok((made.stack("web")?.running ?? 9) < 6);
  });

  test("an update beyond the quota fails, and the next one is taken", async () => {
    const { made, calls } = await cloud();
    const ref = await refOf(calls);
    made.setMost(4);
    assert.ok((await calls.patchCount(ref, "count", 5)).ok);
    await until("the failure", () => made.stack("web")?.status === "UPDATE_FAILED");
    assert.deepEqual([made.stack("web")?.count, made.stack("web")?.running], ["5", 2]);
    assert.ok((await calls.patchCount(ref, "count", 4)).ok);
    await until("the update's end", () => made.stack("web")?.status === "UPDATE_COMPLETE");
  });

  test("down, it refuses connections; up again, at the same place, it answers", async () => {
    const { made, calls } = await cloud();
    await refOf(calls);
    await made.down();
    const lost = await calls.listStacks({ limit: 1, pages: "first", login: true });
    assert.ok(!lost.ok);
    assert.equal(lost.fault.class, "path");
    await made.up();
    assert.ok((await calls.listStacks({ limit: 1, pages: "first", login: true })).ok);
  });

  test("frozen, it answers nothing; what was asked meanwhile is carried out afterwards", async () => {
    const { made, calls } = await cloud();
    const ref = await refOf(calls);
    made.freeze();
    const pushed = await calls.patchCount(ref, "count", 7);
    assert.ok(!pushed.ok);
    assert.equal(made.stack("web")?.count, "2");
    await made.up();
    await until("the late PATCH", () => made.stack("web")?.count === "7");
  });

  test("a stack by name is elsewhere, a deleted one answers by id only", async () => {
    const { made } = await cloud();
    const { auth } = made.entry as {
      auth: Record<"auth_url" | "username" | "password" | "project_name", string>;
    };
    const login = await fetch(`${auth.auth_url}/auth/tokens`, {
      method: "POST",
      body: JSON.stringify({
        auth: {
          identity: {
            methods: ["password"],
            password: { user: { name: auth.username, password: auth.password } },
          },
          scope: { project: { name: auth.project_name } },
        },
      }),
    });
    const { token } = (await login.json()) as {
      token: { catalog: { type: string; endpoints: { url: string }[] }[] };
    };
    const url = token.catalog.find(({ type }) => type === "orchestration")?.endpoints[0]?.url;
    const headers = { "x-auth-token": login.headers.get("x-subject-token") ?? "" };
    const ask = (path: string, method = "GET") =>
      fetch(path.startsWith("http") ? path : `${url}${path}`, {
        method,
        headers,
        redirect: "manual",
      });

    assert.equal((await fetch(`${url}/stacks`)).status, 401);
    const byName = await ask("/stacks/web");
    assert.equal(byName.status, 302);
    const location = byName.headers.get("location") ?? "";
    assert.equal((await ask(location)).status, 200);
    assert.equal((await ask(location, "DELETE")).status, 204);
    await until("the deletion", async () => {
      const shown = (await (await ask(location)).json()) as { stack: { stack_status: string } };
      return shown.stack.stack_status === "DELETE_COMPLETE";
    });
    assert.deepEqual(await (await ask("/stacks")).json(), { stacks: [] });
    assert.equal((await ask(location, "PATCH")).status, 404);
    assert.equal((await ask("/stacks/nosuch")).status, 404);
  });
});

describe("the demo", () => {
  const stateDirectory = mkdtempSync(join(tmpdir(), "heat-spreader-"));
  after(() => rmSync(stateDirectory, { recursive: true }));

  test("spreads 10 as 6/2/2, moves a lost cloud's share, takes it back, and leaves nothing behind", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const lines: string[] = [];
    const told = (pattern: RegExp) =>
      until(`a line ${pattern}`, () => lines.find((line) => pattern.test(line)), 30_000);
    const running = await demo({
      stateDirectory,
      port,
      shutdownTimeoutMs: 10_000,
      settings: { LOG_LEVEL: "ERROR" },
      print: (line) => lines.push(line),
      log: quiet,
    });
    try {
      assert.notEqual(new URL(running.url).port, String(port), "falls back to a free port");
      assert.equal(findRuntime({ database: ":memory:", stateDirectory })?.url, running.url);
      const introduction = lines.join("\n");
      const clouds = join(stateDirectory, "demo-clouds.yaml");
      const commands = ["show web", "demo down stockholm", "demo up stockholm"];
      for (const hint of [...commands, running.url, clouds]) {
        assert.ok(introduction.includes(hint), hint);
      }
      for (const file of readdirSync(stateDirectory)) {
        assert.equal(statSync(join(stateDirectory, file)).mode & 0o077, 0, file);
      }
      await told(/web runs: athens 6, manchester 2, stockholm 2$/);

      await assert.rejects(demoControl({ stateDirectory }, "down", "oslo"), /athens, manchester/);
      await demoControl({ stateDirectory }, "down", "stockholm");
      await told(/stockholm is unreachable/);
      await told(/web: athens 6 -> 7, manchester 2 -> 3, stockholm 2 -> 0, because stockholm is/);
      await told(/web runs: athens 7, manchester 3, stockholm 2 \(out of reach\)/);

      lines.length = 0;
      await demoControl({ stateDirectory }, "up", "stockholm");
      await told(/web: athens 7 -> 6, manchester 3 -> 2, stockholm 0 -> 2/);
      await told(/web runs: athens 6, manchester 2, stockholm 2$/);
      const stack = await client(running).getStack({ stack_name: StackName.parse("web") });
      await until("converged", async () => {
        const { state } = await client(running).getStack({ stack_name: stack.stack_name });
        return state === "converged";
      });
    } finally {
      taken.close();
      await running.stop();
    }
    assert.equal(findRuntime({ database: ":memory:", stateDirectory }), undefined);
    await assert.rejects(demoControl({ stateDirectory }, "up", "stockholm"), /No demo is running/);
    assert.deepEqual(readdirSync(stateDirectory), []);
  });
});
