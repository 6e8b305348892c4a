import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { config } from "../../lib/cli/config.ts";
import { emptyHome, run, writeConfig } from "../support/cli.ts";

describe("heat-spreader.yaml", () => {
  test("without one, everything has its default", async (t) => {
    const home = await emptyHome(t);
    const stateDirectory = join(home, ".local/state/heat-spreader");
    assert.deepEqual(await config({ HOME: home }), {
      path: join(home, ".config/openstack/heat-spreader.yaml"),
      exists: false,
      backend: { type: "sqlite", database: join(stateDirectory, "heat-spreader.db") },
      backendIsFirst: false,
      clouds: undefined,
      server: {
        address: "127.0.0.1",
        port: 8080,
        shutdownTimeoutMs: 30_000,
        insecure: false,
        names: [],
      },
      webhook: undefined,
      privateWitnesses: undefined,
      stateDirectory,
    });
  });

  const webhooks: [yaml: string, url: string, headers: Record<string, string>][] = [
    ["url: 'https://alerts.example/a?b=c'", "https://alerts.example/a?b=c", {}],
    ["url: 'http://127.0.0.1:9000'", "http://127.0.0.1:9000", {}],
    ["url: 'http://[::1]:9000'", "http://[::1]:9000", {}],
    ["url: 'http://in.house', insecure: true", "http://in.house", {}],
    ["url: 'https://a.example', token: t0", "https://a.example", { authorization: "Bearer t0" }],
    [
      "url: 'https://a.example', token: t0, header: { name: X-Api-Key, value: k }",
      "https://a.example",
      { authorization: "Bearer t0", "x-api-key": "k" },
    ],
  ];
  for (const [yaml, url, headers] of webhooks) {
    test(`a webhook: ${yaml}`, async (t) => {
      const path = await writeConfig(await emptyHome(t), `notifications: { webhook: { ${yaml} } }`);
      const { webhook } = await config({ HEAT_SPREADER_CONFIG_FILE: path });
      assert.deepEqual(webhook, { url, headers });
    });
  }

  test("the original's server file", async (t) => {
    const home = await emptyHome(t);
    const path = join(home, ".config/openstack/heat-spreader.yaml");
    await mkdir(join(home, ".config/openstack"), { recursive: true });
    await writeFile(
      path,
      [
        "backend: { type: sqlite, database: /var/lib/heat-spreader.db }",
        "clouds: [athens, manchester]",
        "server: { address: 0.0.0.0, port: 0, shutdown_timeout: 5, names: [heat.example.org] }",
      ].join("\n"),
    );
    const { backend, clouds, server } = await config({ HOME: home, XDG_STATE_HOME: "/state" });
    assert.deepEqual(backend, { type: "sqlite", database: "/var/lib/heat-spreader.db" });
    assert.deepEqual(clouds, ["athens", "manchester"]);
    assert.deepEqual(server, {
      address: "0.0.0.0",
      port: 0,
      shutdownTimeoutMs: 5000,
      insecure: false,
      names: ["heat.example.org"],
    });
  });

  const remotes: [yaml: string, environment: Record<string, string>, url: string][] = [
    ["{ type: remote, host: localhost, port: 8080 }", {}, "http://localhost:8080"],
    ["{ type: remote, host: localhost }", {}, "http://localhost:8080"],
    ["{ type: remote, host: '::1', port: 1 }", {}, "http://[::1]:1"],
    ["{ type: remote, url: 'https://hs.example' }", {}, "https://hs.example"],
    [
      "{ type: remote, host: localhost, port: 0 }",
      { HEAT_SPREADER_BACKEND_REMOTE_PORT: "1234" },
      "http://localhost:1234",
    ],
  ];
  for (const [yaml, environment, url] of remotes) {
    test(`backend ${yaml} is at ${url}`, async (t) => {
      const home = await emptyHome(t);
      const path = await writeConfig(home, `backend: ${yaml}`);
      const { backend } = await config({ ...environment, HEAT_SPREADER_CONFIG_FILE: path });
      assert.deepEqual(backend, { type: "remote", url, token: undefined, timeoutMs: 10_000 });
    });
  }

  test("a database in the home or in memory", async (t) => {
    const home = await emptyHome(t);
    const database = async (yaml: string) => {
      const path = await writeConfig(home, `backend: { type: sqlite, database: '${yaml}' }`);
      const { backend } = await config({ HOME: home, HEAT_SPREADER_CONFIG_FILE: path });
      return backend.type === "sqlite" && backend.database;
    };
    assert.equal(await database("~/hs.db"), join(home, "hs.db"));
    assert.equal(await database(":memory:"), ":memory:");
  });
});

const hook = (yaml: string) => `notifications: { webhook: { ${yaml} } }`;

describe("a configuration that is wrong", { concurrency: 4 }, () => {
  const wrong: [yaml: string, said: RegExp][] = [
    ["just words", /the file: it must be a map of settings/],
    ["- a\n- b", /the file: it must be a map of settings/],
    ["clouds: [a", /line 1, column \d+: not YAML/],
    ["a: 1\na: 2", /line 2, column 1: not YAML \(duplicate key\)/],
    ["clouds: *nowhere", /not YAML/],
    ["servr: {}", /servr: there is no such setting. Did you mean server\?/],
    ["server: { adress: x }", /server\.adress: there is no such setting. Did you mean address\?/],
    ["witnesses: { private: yes }", /witnesses\.private: it must be refuse or allow/],
    ["witnesses: { privat: allow }", /witnesses\.privat: .* Did you mean private\?/],
    ["server: { port: 99999 }", /server\.port: a port is a whole number from 0 to 65535/],
    ["server: { port: '80' }", /server\.port: a port is a whole number/],
    [
      "server: { names: ['https://heat.example'] }",
      /server\.names.*: it must be a host name alone, such as heat\.example\.org/,
    ],
    ["server: { names: heat.example }", /server\.names: it must be a list of host names/],
    ["server: { insecure: maybe }", /server\.insecure: it must be true or false/],
    ["server: { shutdown_timeout: -1 }", /server\.shutdown_timeout: it must be more than 0/],
    ["'a\\nb': 1", /: \?: there is no such setting/],
    ["backend: { type: remote, token: {{ hunter2 }} }", /backend\.token: it must be text/],
    ["backend: {{ hunter2 }}", /backend\.type: it must be sqlite or remote/],
    ["{{ hunter2 }}: 1", /: \?: there is no such setting\. Known here: [^{]*$/],
    ["server: 7", /server: it must be a map of settings/],
    ["backend: { type: memory }", /backend\.type: it must be sqlite or remote/],
    ["backend: { type: sqlite }", /backend\.database: it is missing/],
    ["backend: { type: sqlite, databse: x }", /backend\.databse: .* Did you mean database\?/],
    ["backend: { type: remote }", /backend: a remote backend has either a host .* or a url/],
    ["backend: { type: remote, host: a, url: 'https://b' }", /either a host .* or a url/],
    ["notifications: { webhok: {} }", /notifications\.webhok: .* Did you mean webhook\?/],
    ["notifications: { webhook: {} }", /notifications\.webhook\.url: it is missing/],
    [hook("url: ftp://hunter2"), /webhook\.url: it must be like https:/],
    [hook("url: 'https://u:hunter2@a.example'"), /webhook\.url: it holds a user or password/],
    [hook("url: 'http://a.example/hunter2'"), /webhook\.url: over http .* `insecure: true`/],
    [hook("url: 'https://a.example', tokn: hunter2"), /webhook\.tokn: .* Did you mean token\?/],
    [hook("url: 'https://a.example', token: \"hunter2\\n\""), /webhook\.token: it has characters/],
    [
      hook("url: 'https://a.example', header: { name: 'a b', value: c }"),
      /it is no name of a header/,
    ],
    [
      hook("url: 'https://a.example', token: t, header: { name: authorization, value: v }"),
      /webhook\.header: `token` is sent as Authorization already/,
    ],
    ["clouds: athens", /clouds: it must be a list of names/],
    ["clouds: []", /clouds: it is empty/],
    ["clouds: [a/b]", /clouds\.0: a cloud name is 1 to 63/],
  ];
  for (const [yaml, said] of wrong) {
    test(JSON.stringify(yaml), async (t) => {
      const path = await writeConfig(await emptyHome(t), yaml);
      await assert.rejects(config({ HEAT_SPREADER_CONFIG_FILE: path }), ({ message }: Error) => {
        assert.ok(message.startsWith(`${path}: `));
        assert.match(message, said);
        assert.ok(!message.includes("hunter2"));
        return true;
      });
    });
  }

  test("is told in one line, with exit code 1 and without what it holds", async (t) => {
    const home = await emptyHome(t);
    const path = await writeConfig(home, "backend: { type: remote, token: hunter2\n  x: y: z");
    const environment = { HEAT_SPREADER_CONFIG_FILE: path };
    const { code, stdout, stderr } = await run(["list"], { home, environment });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^\S+heat-spreader.yaml: line \d+, column \d+: not YAML/);
    assert.ok(!stderr.includes("hunter2"));
    assert.equal(stderr.trim().split("\n").length, 1);
  });

  test("that is missing where it was named", async (t) => {
    const home = await emptyHome(t);
    const environment = { HEAT_SPREADER_CONFIG_FILE: join(home, "nothing.yaml") };
    const { code, stderr } = await run(["list"], { home, environment });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /nothing.yaml: the configuration file does not exist. Correct HEAT_SPREADER_CONFIG_FILE/,
    );
  });

  test("that is a directory, or may not be read", async (t) => {
    const home = await emptyHome(t);
    await assert.rejects(config({ HEAT_SPREADER_CONFIG_FILE: home }), /is a directory, not a file/);
    const path = await writeConfig(home, "clouds: [a]");
    await chmod(path, 0);
    if (process.getuid?.() === 0) return; // root reads it all the same
    await assert.rejects(
      config({ HEAT_SPREADER_CONFIG_FILE: path }),
      /may not be read by this user/,
    );
  });

  test("HEAT_SPREADER_BACKEND_REMOTE_PORT that is no port", async (t) => {
    const path = await writeConfig(await emptyHome(t), "backend: { type: remote, host: a }");
    await assert.rejects(
      config({ HEAT_SPREADER_CONFIG_FILE: path, HEAT_SPREADER_BACKEND_REMOTE_PORT: "http" }),
      /HEAT_SPREADER_BACKEND_REMOTE_PORT: a port is a whole number/,
    );
  });
});
