import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { type Clouds, type CloudsOptions, cloudsFile } from "../../lib/openstack/clouds.ts";
import { cloudsOf, faultOf, kindOf, theValue } from "../support/cloud-client.ts";
import { cloudServer, entryFor, PASSWORD, pem } from "../support/cloud-server.ts";

const server = await cloudServer();
const root = mkdtempSync(join(tmpdir(), "clouds-"));
after(async () => {
  rmSync(root, { recursive: true });
  await server.close();
});

let folders = 0;
/** An empty home and working folder, with these files in them; nothing else of the machine is looked at. */
function machine(
  files: Record<string, string>,
): CloudsOptions & { write: (name: string, text: string) => void } {
  const folder = join(root, String(folders++));
  const write = (name: string, text: string) => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
  for (const place of ["cwd/.keep", "home/.keep"]) write(place, "");
  for (const [name, text] of Object.entries(files)) write(name, text);
  const [cwd, home] = [join(folder, "cwd"), join(folder, "home")];
  return { environment: {}, cwd, home, deadlineMs: 5000, write };
}

/** An entry whose user says where it was found. */
const of = (username: string) => JSON.stringify({ clouds: { [username]: entryFor(server) } });
const first = { limit: 1, pages: "first", login: true } as const;

async function lastLogin(clouds: Clouds, cloud: string) {
  theValue(await theValue(clouds.client(cloud)).listStacks(first));
  const login = server.callsOf("POST /v3/auth/tokens").at(-1);
  await clouds.close();
  return JSON.parse(login?.body ?? "").auth;
}

test("the first file that openstacksdk would find is the one", async (t) => {
  const home = "home/.config/openstack";
  const cases: [string, Record<string, string>, string][] = [
    ["this folder", { "cwd/clouds.yaml": of("cwd"), [`${home}/clouds.yaml`]: of("home") }, "cwd"],
    ["home", { [`${home}/clouds.yaml`]: of("home") }, "home"],
    [".yaml before .yml", { "cwd/clouds.yml": of("yml"), "cwd/clouds.yaml": of("yaml") }, "yaml"],
    [".yml before .json", { "cwd/clouds.yml": of("yml"), "cwd/clouds.json": of("json") }, "yml"],
    ["json", { "cwd/clouds.json": of("json") }, "json"],
    [
      "this folder's json before home",
      { "cwd/clouds.json": of("json"), [`${home}/clouds.yaml`]: of("home") },
      "json",
    ],
    ["secure.yaml alone", { "cwd/secure.yaml": of("secure") }, "secure"],
  ];
  for (const [name, files, expected] of cases) {
    await t.test(name, () => {
      assert.deepEqual(cloudsFile(machine(files)).names(), [expected]);
    });
  }
  await t.test("OS_CLIENT_CONFIG_FILE before all", () => {
    const options = machine({ "cwd/clouds.yaml": of("cwd"), "elsewhere/mine.yaml": of("named") });
    const path = join(options.cwd, "../elsewhere/mine.yaml");
    const clouds = cloudsFile({ ...options, environment: { OS_CLIENT_CONFIG_FILE: path } });
    assert.deepEqual(clouds.names(), ["named"]);
    assert.equal(clouds.source(), path);
  });
  await t.test("XDG_CONFIG_HOME before ~/.config", () => {
    const options = machine({
      "xdg/openstack/clouds.yaml": of("xdg"),
      [`${home}/clouds.yaml`]: of("home"),
    });
    const environment = { XDG_CONFIG_HOME: join(options.home, "../xdg") };
    assert.deepEqual(cloudsFile({ ...options, environment }).names(), ["xdg"]);
  });
  await t.test("text before files", () => {
    const options = machine({ "cwd/clouds.yaml": of("cwd") });
    assert.deepEqual(cloudsFile({ ...options, text: of("text") }).names(), ["text"]);
  });
});

test("a file that is missing, unreadable or no YAML is one error with file and line, and no word of it", async (t) => {
  const secret = "sesame-of-the-vault";
  const cases: [string, Record<string, string>, RegExp][] = [
    ["none", {}, /There is no clouds\.yaml .* OS_CLIENT_CONFIG_FILE/],
    [
      "no YAML",
      { "cwd/clouds.yaml": `clouds:\n  a:\n    password: "${secret}\n` },
      /cwd\/clouds\.yaml is not YAML: line [345]/,
    ],
    [
      "bad indent",
      { "cwd/clouds.yaml": `clouds:\n  a: ${secret}\n    b: c\n` },
      /cwd\/clouds\.yaml is not YAML: line [23]/,
    ],
    [
      "a secret that reads as an alias",
      { "cwd/clouds.yaml": `clouds:\n  a: *${secret}\n` },
      /is not YAML: an alias/,
    ],
    [
      "an alias bomb",
      {
        "cwd/clouds.yaml": `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nclouds: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]`,
      },
      /is not YAML: an alias/,
    ],
    ["two documents", { "cwd/clouds.yaml": `clouds: {}\n---\nclouds: {}` }, /is not YAML/],
    ["empty", { "cwd/clouds.yaml": "" }, /cwd\/clouds\.yaml is empty/],
    ["a list", { "cwd/clouds.yaml": `- ${secret}` }, /is empty, or not a mapping/],
    ["clouds is a list", { "cwd/clouds.yaml": `clouds: [${secret}]` }, /"clouds" is not a mapping/],
    [
      "a broken secure.yaml",
      { "cwd/clouds.yaml": of("a"), "cwd/secure.yaml": `{${secret}` },
      /cwd\/secure\.yaml is not YAML: line 1/,
    ],
    ["a folder", { "cwd/clouds.yaml/x": "" }, /cwd\/clouds\.yaml cannot be read \(EISDIR\)/],
  ];
  for (const [name, files, expected] of cases) {
    await t.test(name, () => {
      const error = errorOf(() => cloudsFile(machine(files)));
      assert.match(error.message, expected);
      assert.doesNotMatch(error.message + error.stack, new RegExp(secret));
    });
  }
  await t.test("OS_CLIENT_CONFIG_FILE names what is not there", () => {
    const options = machine({ "cwd/clouds.yaml": of("cwd") });
    const environment = { OS_CLIENT_CONFIG_FILE: "/nowhere/clouds.yaml" };
    const { message } = errorOf(() => cloudsFile({ ...options, environment }));
    assert.equal(message, "/nowhere/clouds.yaml cannot be read (ENOENT).");
  });
});

test("secure.yaml is merged in, and wins", async () => {
  const { auth } = entryFor(server);
  const { password: _, ...open } = auth;
  const clouds = cloudsFile(
    machine({
      "cwd/clouds.yaml": JSON.stringify({
        clouds: { athens: { auth: { ...open, username: "x" } } },
      }),
      "home/.config/openstack/secure.yaml": JSON.stringify({
        clouds: { athens: { auth: { username: "demo", password: PASSWORD } } },
      }),
    }),
  );
  const { identity } = await lastLogin(clouds, "athens");
  assert.equal(identity.password.user.name, "demo");
  assert.equal(identity.password.user.password, PASSWORD);
});

test("OS_CLIENT_SECURE_FILE is where secure.yaml is looked for first", async () => {
  const { password: _, ...open } = entryFor(server).auth;
  const options = machine({
    "cwd/clouds.yaml": JSON.stringify({ clouds: { athens: { auth: open } } }),
    "cwd/secure.yaml": JSON.stringify({ clouds: { athens: { auth: { password: "wrong" } } } }),
    "vault.yaml": JSON.stringify({ clouds: { athens: { auth: { password: PASSWORD } } } }),
  });
  const environment = { OS_CLIENT_SECURE_FILE: join(options.cwd, "../vault.yaml") };
  await lastLogin(cloudsFile({ ...options, environment }), "athens");
});

test("a profile of clouds-public.yaml lies under the entry", async () => {
  const profile = (text: string) => ({
    "cwd/clouds-public.yaml": text,
    "cwd/clouds.yaml": `
clouds:
  athens:
    profile: acme
    auth: {username: demo, password: ${PASSWORD}, project_name: demo}
    region_name: RegionOne
  sparta:
    cloud: acme
    auth: {username: demo, password: ${PASSWORD}, project_name: demo}
`,
  });
  const clouds = cloudsFile(
    machine(
      profile(`
public-clouds:
  acme:
    auth: {auth_url: '${server.origin}/{region_name}/../v3', username: nobody}
    interface: internal
    regions: [RegionOne, RegionTwo]
`),
    ),
  );
  assert.deepEqual(clouds.names(), ["athens", "sparta-RegionOne", "sparta-RegionTwo"]);
  const { identity } = await lastLogin(clouds, "athens");
  assert.equal(identity.password.user.name, "demo");
});

test("a profile that cannot be resolved is its cloud's fault only", async (t) => {
  for (const profile of ["vexxhost", "https://vexxhost.com", "constructor"]) {
    await t.test(profile, () => {
      const clouds = cloudsOf({
        athens: { profile, ...entryFor(server) },
        sparta: entryFor(server),
      });
      assert.equal(kindOf(clouds.client("athens")), "config profile unsent");
      assert.ok(clouds.client("sparta").ok);
    });
  }
});

test("YAML is PyYAML's, and scalars stay as they are written", async () => {
  const clouds = cloudsFile(
    machine({
      "cwd/clouds.yaml": `
defaults: &defaults
  region_name: RegionOne
  auth: &auth
    auth_url: ${server.origin}/v3
    project_name: 0123
    username: 1e5
    password: ${PASSWORD}
clouds:
  athens:
    <<: *defaults
    verify: no
  sparta:
    <<: *defaults
    auth:
      <<: *auth
      username: 12345678901234567890123456789012
      project_name: yes
`,
    }),
  );
  const athens = theValue(clouds.client("athens"));
  theValue(await athens.listStacks(first));
  const login = JSON.parse(server.callsOf("POST /v3/auth/tokens").at(-1)?.body ?? "").auth;
  assert.equal(login.identity.password.user.name, "1e5");
  assert.equal(login.scope.project.name, "0123");
  const { identity, scope } = await lastLogin(clouds, "sparta");
  assert.equal(identity.password.user.name, "12345678901234567890123456789012");
  assert.equal(scope.project.name, "yes");
});

test("each region of several is a cloud, and of one the cloud itself", async (t) => {
  const cases: [string, object, string[]][] = [
    ["one name", { region_name: "RegionOne" }, ["athens"]],
    ["none", { region_name: undefined }, ["athens"]],
    ["a list of one", { regions: ["RegionOne"] }, ["athens"]],
    ["a list", { regions: ["RegionOne", "RegionTwo"] }, ["athens-RegionOne", "athens-RegionTwo"]],
    ["commas", { region_name: "RegionOne,RegionTwo" }, ["athens-RegionOne", "athens-RegionTwo"]],
    [
      "a list with values",
      { regions: [{ name: "RegionOne", values: { interface: "admin" } }, "RegionTwo"] },
      ["athens-RegionOne", "athens-RegionTwo"],
    ],
  ];
  for (const [name, changes, expected] of cases) {
    await t.test(name, async () => {
      const clouds = cloudsOf({ athens: entryFor(server, changes) });
      assert.deepEqual(clouds.names(), expected);
      theValue(await theValue(clouds.client(expected[0] ?? "")).listStacks(first));
      if (expected.length > 1) {
        assert.equal(
          faultOf(clouds.client("athens")).message,
          "athens has several regions in CLOUDS_YAML: name athens-RegionOne or athens-RegionTwo.",
        );
        const two = await theValue(clouds.client("athens-RegionTwo")).listStacks(first);
        assert.equal(kindOf(two), "credentials no_endpoint unsent");
      }
      await clouds.close();
    });
  }
  await t.test("an entry of that name goes before", () => {
    const clouds = cloudsOf({
      "athens-RegionTwo": "broken",
      athens: entryFor(server, { regions: ["RegionOne", "RegionTwo"] }),
    });
    assert.deepEqual(clouds.names(), ["athens-RegionTwo", "athens-RegionOne"]);
    assert.equal(clouds.client("athens-RegionTwo").ok, false);
  });
});

test("an entry that does not parse is that cloud's fault, names the keys, and holds no value", async (t) => {
  const good = entryFor(server).auth;
  const auth = (changes: object) => ({ auth: { ...good, ...changes } });
  const appcred = { auth_type: "v3applicationcredential" };
  const cases: [string, unknown, RegExp][] = [
    ["nothing", "", /athens: this cloud has no settings/],
    [
      "no auth",
      { auth: "" },
      /auth\.username is missing; auth\.password is missing; auth\.auth_url is missing/,
    ],
    ["auth of text", { auth: PASSWORD }, /auth/],
    ["no auth_url", auth({ auth_url: "" }), /auth\.auth_url is missing/],
    ["no address", auth({ auth_url: PASSWORD }), /auth\.auth_url is not the address/],
    [
      "a password in the address",
      auth({ auth_url: `http://demo:${PASSWORD}@127.0.0.1/v3` }),
      /is not the address/,
    ],
    ["a metadata service", auth({ auth_url: "http://169.254.169.254/v3" }), /is not the address/],
    ["v2.0", auth({ auth_url: "http://127.0.0.1:5000/v2.0" }), /ends in \/v3/],
    ["a password of two parts", auth({ password: [PASSWORD] }), /auth\.password is not one value/],
    ["no password", auth({ password: null }), /auth\.password is missing/],
    ["no user", auth({ username: "" }), /auth\.username is missing/],
    [
      "no secret",
      { ...appcred, auth: { auth_url: good.auth_url, application_credential_id: "a" } },
      /application_credential_secret is missing/,
    ],
    ["no credential", appcred, /application_credential_id is missing/],
    [
      "an application credential as a password",
      { auth: { auth_url: good.auth_url, application_credential_id: "a" } },
      /set auth_type: v3applicationcredential/,
    ],
    ["no token", { ...auth({}), auth_type: "token" }, /auth\.token is missing/],
    [
      "another auth_type",
      { ...auth({}), auth_type: "v3oidcpassword" },
      /auth_type is none of password/,
    ],
    ["system scope", auth({ system_scope: "all" }), /Heat needs a project/],
    [
      "domain scope",
      { auth: { ...good, project_name: undefined, domain_id: "default" } },
      /Heat needs a project/,
    ],
    ["a trust", auth({ trust_id: "t" }), /Heat needs a project/],
    [
      "interface",
      { ...auth({}), interface: "outer" },
      /interface is not public, internal or admin/,
    ],
    ["verify", { ...auth({}), verify: "/etc/ca.pem" }, /verify is not true or false/],
    ["api_timeout", { ...auth({}), api_timeout: "soon" }, /api_timeout is not a number of seconds/],
    ["regions", { ...auth({}), regions: { a: "b" } }, /regions is not a list of names/],
    [
      "override",
      { ...auth({}), orchestration_endpoint_override: "heat" },
      /is not the address of a Heat/,
    ],
    ["cacert is not there", { ...auth({}), cacert: "/nowhere/ca.pem" }, /cacert cannot be read/],
    ["cacert with a NUL", { ...auth({}), cacert: "ca\0.pem" }, /cacert cannot be read/],
    [
      "cacert of 5,000 letters",
      { ...auth({}), cacert: "x".repeat(5_000) },
      /cacert cannot be read/,
    ],
    ["cacert is none", { ...auth({}), cacert: "-----BEGIN NOTHING-----" }, /cacert/],
    ["key of another certificate", { ...auth({}), cert: pem("client") }, /do not belong together/],
  ];
  for (const [name, entry, expected] of cases) {
    await t.test(name, async () => {
      const clouds = cloudsOf({ athens: entry, sparta: entryFor(server) });
      assert.deepEqual(clouds.names(), ["athens", "sparta"]);
      const fault = faultOf(clouds.client("athens"));
      assert.equal(fault.class, "config");
      assert.match(fault.message, expected);
      assert.deepEqual(clouds.problems(), [fault.message]);
      assert.doesNotMatch(JSON.stringify(fault), new RegExp(PASSWORD));
      theValue(await theValue(clouds.client("sparta")).listStacks(first));
      await clouds.close();
    });
  }
});

test("certificates are found by ~ and from the working folder", async () => {
  const secure = await cloudServer({ certificate: "server", clientCa: "ca" });
  const options = machine({
    "cwd/clouds.yaml": JSON.stringify({
      clouds: {
        athens: entryFor(secure, { cacert: "~/pki/ca.pem", cert: "client.pem", key: "key.pem" }),
      },
    }),
    "home/pki/ca.pem": pem("ca"),
    "cwd/client.pem": pem("client"),
    "cwd/key.pem": pem("key"),
  });
  const clouds = cloudsFile(options);
  theValue(await theValue(clouds.client("athens")).listStacks(first));
  await clouds.close();
  await secure.close();
});

test("names that cannot be a cloud's are reported, names of JavaScript's own can", () => {
  const entry = entryFor(server);
  const clouds = cloudsOf(
    Object.fromEntries(
      ["constructor", "toString", "__proto__", "a b", "-a", "x".repeat(64)].map((name) => [
        name,
        entry,
      ]),
    ),
  );
  assert.deepEqual(clouds.names(), ["constructor", "toString"]);
  assert.ok(clouds.client("constructor").ok);
  assert.equal(kindOf(clouds.client("hasOwnProperty")), "config no_such_cloud unsent");
  assert.equal(clouds.problems().length, 4);
  assert.match(clouds.problems()[1] ?? "", /^"a b" in CLOUDS_YAML: a cloud name is/);
});

test("a hole in a flow map is an empty key, and a left-over template a key that is not repeated", async (t) => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  t.after(() => process.off("warning", onWarning));
  const text = `clouds: { athens: { auth: { ? , password: {{ ${PASSWORD} }} } }, {{ ${PASSWORD} }}: {} }`;
  const clouds = cloudsFile({ text, environment: {}, cwd: "/", home: "/", deadlineMs: 5000 });
  assert.deepEqual(clouds.names(), ["athens"]);
  assert.match(clouds.problems().join("\n"), /A key that is no name in CLOUDS_YAML/);
  assert.doesNotMatch(clouds.problems().join("\n"), new RegExp(PASSWORD));
  await new Promise(setImmediate);
  assert.deepEqual(warnings, []);
});

test("a list of clouds leaves the others out, and says which of it there are not", () => {
  const entries = { athens: entryFor(server), sparta: entryFor(server), corinth: "" };
  const clouds = cloudsOf(entries, { only: ["sparta", "thebes"] });
  assert.deepEqual(clouds.names(), ["sparta"]);
  assert.deepEqual(clouds.missing(), ["thebes"]);
  assert.deepEqual(clouds.known(), ["athens", "sparta", "corinth"]);
  assert.deepEqual(clouds.problems(), []);
  assert.match(faultOf(clouds.client("athens")).message, /not among the clouds to be driven/);
  assert.equal(kindOf(clouds.client("thebes")), "config no_such_cloud unsent");
});

test("a change is seen, and what did not change keeps its token", async () => {
  let at = 0;
  const entries = { athens: entryFor(server), sparta: entryFor(server) };
  const options = machine({ "cwd/clouds.yaml": JSON.stringify({ clouds: entries }) });
  const clouds = cloudsFile({ ...options, now: () => Date.now() + at });
  const [athens, sparta] = ["athens", "sparta"].map((name) => theValue(clouds.client(name)));
  options.write(
    "cwd/clouds.yaml",
    JSON.stringify({
      clouds: {
        athens: entries.athens,
        sparta: entryFor(server, { interface: "internal" }),
        thebes: "",
      },
    }),
  );
  assert.equal(theValue(clouds.client("athens")), athens);
  at = 1001;
  assert.deepEqual(clouds.names(), ["athens", "sparta", "thebes"]);
  assert.equal(theValue(clouds.client("athens")), athens);
  assert.notEqual(theValue(clouds.client("sparta")), sparta);
  assert.equal(kindOf(clouds.client("thebes")), "config entry unsent");
  options.write("cwd/clouds.yaml", JSON.stringify({ clouds: { athens: entries.athens } }));
  at = 2002;
  assert.equal(kindOf(clouds.client("sparta")), "config no_such_cloud unsent");
  await clouds.close();
});

test("a secure.yaml that comes later, and a certificate that changes, are seen", async () => {
  let at = 0;
  const entry = entryFor(server, { cacert: "ca.pem" });
  const options = machine({ "cwd/clouds.yaml": JSON.stringify({ clouds: { athens: entry } }) });
  const clouds = cloudsFile({ ...options, now: () => at });
  assert.match(faultOf(clouds.client("athens")).message, /cacert cannot be read/);
  options.write("cwd/ca.pem", pem("ca"));
  at += 1001;
  const before = theValue(clouds.client("athens")).credential_hash;
  options.write(
    "cwd/secure.yaml",
    JSON.stringify({ clouds: { athens: { auth: { password: "new" } } } }),
  );
  at += 1001;
  assert.notEqual(theValue(clouds.client("athens")).credential_hash, before);
});

test("a file that breaks while running is reported once, and the last good one stays", async () => {
  let at = 0;
  const reported: string[] = [];
  const options = machine({ "cwd/clouds.yaml": of("athens") });
  const report = ({ message }: Error) => reported.push(message);
  const clouds = cloudsFile({ ...options, report, now: () => at });
  const athens = theValue(clouds.client("athens"));
  options.write("cwd/clouds.yaml", "clouds: [");
  for (let look = 0; look < 3; look++) {
    at += 1001;
    assert.equal(theValue(clouds.client("athens")), athens);
  }
  assert.equal(reported.length, 1);
  assert.match(reported[0] ?? "", /is not YAML: line 1/);
  rmSync(join(options.cwd, "clouds.yaml"));
  at += 1001;
  assert.deepEqual(clouds.names(), ["athens"]);
  assert.equal(reported.length, 2);
  options.write("cwd/clouds.yaml", of("sparta"));
  at += 1001;
  assert.deepEqual(clouds.names(), ["sparta"]);
});

function errorOf(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  return assert.fail("an error was expected");
}
