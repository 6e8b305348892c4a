import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { stringify } from "yaml";
import type { Event } from "../../lib/event/schema.ts";
import { type SimulatedCloud, simulatedCloud } from "../../lib/local/demo/cloud.ts";
import { filesOf } from "../../lib/local/files.ts";
import { readNote } from "../../lib/local/note.ts";
import { end } from "../../lib/local/process.ts";
import { databaseAt } from "../../lib/local/signpost.ts";
import { StackName, Weights } from "../../lib/stack/schema.ts";
import { type RuntimeProcess, runtimeProcess } from "../support/runtime-process.ts";
import { until } from "../support/until.ts";

const web = StackName.parse("web");
const weights = Weights.parse({ athens: 0.6, manchester: 0.2, stockholm: 0.2 });

describe("the embedded runtime", () => {
  let directory: string;
  let clouds: SimulatedCloud[];
  let place: { database: string; stateDirectory: string };
  let settings: Record<string, string>;
  const running = new Set<RuntimeProcess>();

  before(async () => {
    clouds = await Promise.all(
      Object.keys(weights).map((name) =>
        simulatedCloud({ name, updateMs: 100, stacks: { web: 1, db: 1 } }),
      ),
    );
  });
  after(() => Promise.all(clouds.map((cloud) => cloud.stop())));
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "heat-spreader-"));
    place = { database: join(directory, "test.db"), stateDirectory: directory };
    const path = join(directory, "clouds.yaml");
    const entries = Object.fromEntries(clouds.map(({ name, entry }) => [name, entry]));
    writeFileSync(path, stringify({ clouds: entries }), { mode: 0o600 });
    settings = { OS_CLIENT_CONFIG_FILE: path, PROBE_INTERVAL: "0.2", PROBE_DEADLINE: "1" };
  });
  afterEach(async () => {
    for (const each of running) each.child.kill("SIGTERM");
    await Promise.all([...running].map((each) => each.ended));
    running.clear();
    // A test that failed between a kill and the next start leaves the database behind.
    const database = readNote(filesOf(place))?.database;
    if (database) await end(database);
    rmSync(directory, { recursive: true });
  });

  async function start(more: Parameters<typeof runtimeProcess>[0] | object = {}) {
    const started = await runtimeProcess({ ...place, settings, ...more });
    running.add(started);
    return started;
  }
  const counts = (name = "web") => clouds.map((cloud) => Number(cloud.stack(name)?.count));
  const declaration = (count: number) => ({ count, count_parameter: "count", weights });

  test("spreads what is declared, and says so", async () => {
    const { api, said } = await start();
    await api.putStack({ stack_name: web, body: declaration(10) });
    await until("6/2/2", () => counts().join() === "6,2,2");
    await until(
      "converged",
      async () => (await api.getStack({ stack_name: web })).state === "converged",
    );
    await until("the fact", () => said().includes("stack.reallocated"));
  });

  test("what was acknowledged before a kill -9 is there after it, and is carried out", async () => {
    const first = await start();
    const acknowledged: string[] = [];
    const writing = (async () => {
      for (let n = 0; ; n++) {
        const name = n === 0 ? web : StackName.parse(`s${n}`);
        await first.api.putStack({ stack_name: name, body: declaration(20) });
        acknowledged.push(name);
      }
    })().catch(() => undefined);
    await until("some writes", () => acknowledged.length >= 30);
    first.child.kill("SIGKILL");
    await first.ended;
    await writing;

    const second = await start();
    const { stacks } = await second.api.listStacks({ query: { limit: 1000 } });
    const there = new Set(stacks.map((stack) => String(stack.stack_name)));
    for (const name of acknowledged) assert.ok(there.has(name), name);
    await until("12/4/4", () => counts().join() === "12,4,4");
  });

  test("a record that was written and not consumed before a kill -9 is consumed after it", async () => {
    const first = await start();
    await first.api.putStack({ stack_name: web, body: declaration(5) });
    await until("3/1/1", () => counts().join() === "3,1,1");
    await first.api.patchStack({ stack_name: web, body: { count: 10 } });
    first.child.kill("SIGKILL");
    await first.ended;
    await start();
    await until("6/2/2", () => counts().join() === "6,2,2");
  });

  test("a fact that the webhook did not take before a kill -9 is sent after it", async () => {
    const taken: string[] = [];
    let status = 500;
    const hook = createServer(async (request, response) => {
      const { "detail-type": type, detail } = (await json(request)) as {
        "detail-type": string;
        detail: Event;
      };
      if (status < 300) taken.push(`${type} ${detail.stack_name ?? detail.cloud}`);
      response.writeHead(status).end();
    });
    hook.listen(0, "127.0.0.1");
    await once(hook, "listening");
    const { port } = hook.address() as AddressInfo;
    const webhook = { url: `http://127.0.0.1:${port}`, headers: {} };
    try {
      const first = await start({ webhook });
      await first.api.putStack({ stack_name: web, body: declaration(5) });
      await until("3/1/1", () => counts().join() === "3,1,1");
      await until("the fact", () => first.said().includes("stack.reallocated"));
      first.child.kill("SIGKILL");
      await first.ended;
      status = 204;
      await start({ webhook });
      const wanted = ["cloud.reachable athens", "stack.declared web", "stack.reallocated web"];
      await until("all of them", () => wanted.every((what) => taken.includes(what)));
    } finally {
      hook.close().closeAllConnections();
    }
  });

  test("a second runtime on the same database refuses, and says who holds it", async () => {
    const first = await start();
    await assert.rejects(start(), (error: Error) => {
      assert.match(error.message, new RegExp(String(first.child.pid)));
      return true;
    });
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`${signal} ends it with 0, and the database with it`, async () => {
      const { child, ended } = await start();
      const database = readNote(filesOf(place))?.database;
      assert.ok(database);
      child.kill(signal);
      assert.equal(await ended, 0);
      assert.throws(() => process.kill(database.pid, 0), { code: "ESRCH" });
    });
  }

  test("a second SIGINT ends it at once with 130", async () => {
    const { child, ended, said } = await start({ settings: { ...settings, PROBE_DEADLINE: "5" } });
    try {
      const asked = () => clouds.reduce((sum, { heat }) => sum + heat.requests().total, 0);
      for (const cloud of clouds) cloud.freeze();
      const before = asked();
      await until("a tick that hangs", () => asked() > before);
      const database = readNote(filesOf(place))?.database;
      child.kill("SIGINT");
      await until("the first to be noticed", () => said().includes("runtime to stop"));
      child.kill("SIGINT");
      assert.equal(await ended, 130);
      assert.ok(database);
      await until("the database's end", () => {
        try {
          process.kill(database.pid, 0);
          return false;
        } catch {
          return true;
        }
      });
    } finally {
      for (const cloud of clouds) await cloud.up();
    }
  });

  test("a database that ends by itself ends it with 1, saying so", async () => {
    const { ended, said } = await start();
    const database = readNote(filesOf(place))?.database;
    assert.ok(database);
    process.kill(database.pid, "SIGKILL");
    assert.equal(await ended, 1);
    assert.match(said(), /The embedded database ended by itself/);
  });

  test("a port in use is said before anything is begun, and nothing stays", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    try {
      await assert.rejects(start({ port }), new RegExp(`127\\.0\\.0\\.1 port ${port} is in use`));
      assert.ok(!existsSync(place.database));
    } finally {
      other.close();
    }
    await start();
  });

  test("an address that is refused is said before anything is begun", async () => {
    await assert.rejects(start({ address: "0.0.0.0" }), /Refusing to listen on 0\.0\.0\.0/);
    assert.ok(!existsSync(place.database));
  });

  test("who holds the database is said even where its port would be taken as well", async () => {
    const first = await start();
    const port = Number(new URL(first.url).port);
    await assert.rejects(start({ port }), new RegExp(`held by.*process ${first.child.pid}`));
  });

  test("a command line that knows the url alone is led to the database, while it runs", async () => {
    const stateDirectory = join(directory, "state");
    const { child, ended, url } = await start({ stateDirectory });
    assert.equal(databaseAt({ stateDirectory, url }), place.database);
    for (const file of readdirSync(stateDirectory)) {
      assert.equal(statSync(join(stateDirectory, file)).mode & 0o077, 0, file);
    }
    child.kill("SIGTERM");
    await ended;
    assert.deepEqual(readdirSync(stateDirectory), []);
  });

  test("a state directory that cannot be made keeps nobody from running", async () => {
    const stateDirectory = join(directory, "clouds.yaml", "state");
    const { said } = await start({ stateDirectory });
    assert.match(said(), /the command line needs HEAT_SPREADER_TOKEN/);
  });

  test("a cloud that clouds.yaml lacks is said, with those that it has", async () => {
    await assert.rejects(
      start({ clouds: ["athens", "oslo"] }),
      /oslo.*athens, manchester, stockholm/,
    );
  });

  test("only the clouds that are named are driven", async () => {
    const { api } = await start({ clouds: ["athens", "stockholm"] });
    const { clouds: known } = await api.listClouds();
    assert.deepEqual(known.map((cloud) => String(cloud.cloud)).toSorted(), ["athens", "stockholm"]);
  });

  test("a clouds.yaml that is not there is said", async () => {
    const missing = join(directory, "nowhere.yaml");
    await assert.rejects(start({ settings: { OS_CLIENT_CONFIG_FILE: missing } }), /nowhere\.yaml/);
  });
});
