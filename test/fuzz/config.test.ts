import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { parseDocument, stringify } from "yaml";
import { config } from "../../lib/cli/config.ts";
import { connection, whereabouts } from "../../lib/cli/connection.ts";
import { Failure } from "../../lib/cli/failure.ts";
import { main } from "../../lib/cli/main.ts";
import { terminal } from "../../lib/cli/terminal.ts";
import { cloudsFile } from "../../lib/openstack/clouds.ts";
import { pem } from "../support/cloud-server.ts";
import { oddNames } from "../support/schema-values.ts";

/** Texts of each kind; RUNS=10000 for a long run, SEED to have one again. */
const RUNS = Number(process.env.RUNS ?? 300);
const seed = process.env.SEED === undefined ? {} : { seed: Number(process.env.SEED) };
const SECRET = "s3cret-that-nothing-may-print";

const home = mkdtempSync(join(tmpdir(), "heat-spreader-fuzz-"));
after(() => rmSync(home, { recursive: true, force: true }));
writeFileSync(join(home, "ca.pem"), pem("ca"));
writeFileSync(join(home, "key.pem"), pem("key"));
writeFileSync(join(home, "nonsense.pem"), SECRET);

const oddScalars = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      null,
      true,
      false,
      0,
      -1,
      1.5,
      Number.POSITIVE_INFINITY,
      -0,
      65_536,
      8080,
      2 ** 53,
      ":memory:",
      "sqlite",
    ],
    ...[
      "remote",
      SECRET,
      `http://user:${SECRET}@127.0.0.1`,
      "http://127.0.0.1:1/v3",
      "https://[::1",
    ],
    ...[
      "file:///etc/passwd",
      "http://169.254.169.254/",
      "http://h/v2.0",
      "{password}",
      "%(token)s",
    ],
    ...[
      "ca.pem",
      "key.pem",
      "nonsense.pem",
      ".",
      "no such file",
      `-----BEGIN ${SECRET}`,
      "~",
      "~/x",
    ],
    ...[
      "v3password",
      "v3applicationcredential",
      "token",
      "none",
      "v3oidcpassword",
      "public",
      "a,b",
    ],
    ...["yes", "off", "0123", "0x10", "1_000", "2001-12-14", "!!js/function", "1:30", ".inf", "\0"],
  ),
  fc.constantFrom<unknown>(
    [],
    {},
    [[]],
    [null],
    [{}],
    { a: 1 },
    ["athens", "athens"],
    [1],
    [SECRET],
  ),
  fc.constantFrom<unknown>(...oddNames),
  fc.string({ unit: "binary", maxLength: 12 }),
);

/** A map of these settings: most as they should be, some not there, some odd. */
function mapOf(settings: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> {
  const fields = Object.entries(settings).map(([name, fine]) =>
    fc
      .oneof(
        { weight: 30, arbitrary: fine.map((value) => [name, value] as const) },
        { weight: 4, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: oddScalars.map((value) => [name, value] as const) },
        { weight: 1, arbitrary: fine.map((value) => [name.replace("_", "-"), value] as const) },
      )
      .map((entry) => (entry === undefined ? [] : [entry])),
  );
  const more = fc.oneof(
    { weight: 6, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(...oddNames), oddScalars).map((odd) => [odd]),
    },
  );
  return fc
    .tuple(fc.tuple(...fields), more)
    .map(([all, odd]) => Object.fromEntries([...all.flat(), ...odd]));
}

const is = (...values: unknown[]) => fc.constantFrom(...values);

const spreader = mapOf({
  backend: fc.oneof(
    mapOf({ type: is("sqlite"), database: is(":memory:", join(home, "x.db")) }),
    mapOf({
      type: is("remote"),
      host: is("127.0.0.1", "::1"),
      port: is(1, 8080),
      timeout: is(1, 0.5),
      token: is(SECRET),
    }),
    mapOf({ type: is("remote"), url: is("http://127.0.0.1:1"), token: is(SECRET) }),
  ),
  clouds: is(["athens"], ["athens", "oslo"]),
  server: mapOf({
    address: is("127.0.0.1", "0.0.0.0"),
    port: is(0, 8080),
    shutdown_timeout: is(1, 30),
    insecure: is(true, false),
  }),
  notifications: mapOf({
    webhook: mapOf({
      url: is("https://alerts.example/hook", "http://127.0.0.1:9", `https://${SECRET}.example`),
      token: is(SECRET),
      header: mapOf({ name: is("X-Api-Key", "Authorization"), value: is(SECRET) }),
      insecure: is(true, false),
    }),
  }),
});

const auth = mapOf({
  auth_url: is("http://127.0.0.1:5000/v3", "https://keystone.example"),
  username: is("demo"),
  password: is(SECRET),
  project_name: is("demo"),
  user_domain_name: is("Default"),
  application_credential_id: is("a1"),
  application_credential_secret: is(SECRET),
  token: is("", SECRET),
});
const cloud = mapOf({
  auth,
  auth_type: is("password", "v3password", "v3applicationcredential"),
  region_name: is("RegionOne", "a,b", ["a", "b"]),
  regions: is([], ["a"], ["a", { name: "b", values: { interface: "internal" } }]),
  interface: is("public", "internal", ["admin", "public"]),
  cacert: is("ca.pem", pem("ca")),
  cert: is("", "", "", "ca.pem"),
  key: is("", "", "", "key.pem"),
  verify: is(true, false),
  api_timeout: is(5, "0.5"),
  orchestration_endpoint_override: is("http://127.0.0.1:8004/v1/%(project_id)s"),
  profile: is("", "", "", "vexxhost"),
});
const openstack = mapOf({
  clouds: fc.dictionary(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom("athens", "oslo", "athens-a", "constructor") },
      { weight: 1, arbitrary: fc.constantFrom(...oddNames) },
    ),
    fc.oneof({ weight: 6, arbitrary: cloud }, { weight: 1, arbitrary: oddScalars }),
    { maxKeys: 3, noNullPrototype: true },
  ),
});

const pieces = fc.oneof(
  fc.constantFrom(
    ...[
      "\t",
      "\n",
      ":",
      ": ",
      "- ",
      "{",
      "}",
      "[",
      "]",
      ",",
      "'",
      '"',
      "#",
      "&a ",
      "*a",
      "*b",
      "|",
    ],
    ...[
      "> ",
      "? ",
      "!!binary ",
      "!!js/function ",
      "!<x> ",
      "%YAML 9.9\n",
      "---\n",
      "...\n",
      "<<: ",
    ],
    ...[
      "<<: *a",
      "\0",
      "\ufeff",
      "\ud800",
      "\r",
      "\u0085",
      "@",
      "`",
      "__proto__: ",
      "  ",
      "\u202e",
    ],
  ),
  fc.string({ unit: "binary", maxLength: 5 }),
);

/** Each alias ten of the last. */
const bomb = ["a0: &a0 x"]
  .concat(Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(10)}]`))
  .join("\n");

/** A value as YAML or JSON, as it is or with something in it that should not be there. */
function textOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const written = fc
    .tuple(value, fc.boolean())
    .map(([what, isJson]) => (isJson ? (JSON.stringify(what) ?? "") : stringify(what)));
  const change = fc.record({ at: fc.noBias(fc.nat(999)), skip: fc.nat(3), piece: pieces });
  const changed = fc
    .tuple(written, fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([text, changes]) =>
      changes.reduce((before, { at, skip, piece }) => {
        const from = Math.floor((at * before.length) / 1_000);
        return before.slice(0, from) + piece + before.slice(from + skip);
      }, text),
    );
  return fc.oneof(
    { weight: 6, arbitrary: written },
    { weight: 6, arbitrary: changed },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ...[
          "",
          "\n",
          "~",
          "clouds:",
          "[]",
          "{}",
          "a",
          "- a",
          "a: *b",
          "\0",
          bomb,
          `${bomb}\nclouds: *a9`,
        ],
        ...[
          "{".repeat(5_000),
          "[".repeat(20_000),
          "- ".repeat(5_000),
          "a: &a [*a]",
          "clouds: &a {x: *a}",
        ],
        ...["a\n---\nb", "&a a: *a", "<<: *a", "clouds: {<<: 1}", "clouds: {athens: {<<: [1, 2]}}"],
      ),
    },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
  );
}

/** A sentence or two for a person: no trace, no secret, nothing that steers a terminal. */
function assertSentence(message: string, text: string): void {
  const said = `${JSON.stringify(message)} of ${JSON.stringify(text)}`;
  assert.ok(message.length > 0 && message.length < Math.max(1_500, 2 * text.length), said);
  assert.doesNotMatch(message, /\n|A bug|\[object|\bat .*:\d+:\d+/, said);
  assert.ok(!message.includes("undefined") || text.includes("undefined"), said);
  if (!namesHold(text)) assert.ok(!message.includes("s3cret"), said);
}

/** Keys and the database are named, whatever they are: a broken text makes them of a secret, too. */
function namesHold(text: string): boolean {
  const holdsSecret = (value: unknown) => String(value).includes("s3cret");
  const holds = (value: unknown): boolean =>
    value instanceof Map
      ? [...value].some(
          ([key, inner]) =>
            holdsSecret(key) || (key === "database" && holdsSecret(inner)) || holds(inner),
        )
      : Array.isArray(value) && value.some(holds);
  try {
    return holds(parseDocument(text, { uniqueKeys: false }).toJS({ mapAsMap: true }));
  } catch {
    return false;
  }
}

test("heat-spreader.yaml, whatever is in it, is read or refused in a sentence", async (t) => {
  const path = join(home, "heat-spreader.yaml");
  const environment = { HOME: home, HEAT_SPREADER_CONFIG_FILE: path };
  const counts = { read: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(textOf(spreader), async (text) => {
      writeFileSync(path, text);
      try {
        const read = await config(environment);
        connection(whereabouts(read, environment, nothingRuns));
        counts.read += 1;
      } catch (error) {
        assert.ok(error instanceof Failure, `${text}\n${error instanceof Error && error.stack}`);
        assertSentence(error.message.replace(path, ""), text);
        counts.refused += 1;
        await assertSaid(environment, error.message);
      }
    }),
    { numRuns: RUNS, ...seed },
  );
  t.diagnostic(JSON.stringify(counts));
});

const nothingRuns = { login: undefined, findRuntime: () => undefined, databaseAt: () => undefined };

/** The command line says the very same, and ends with 1. */
async function assertSaid(environment: Record<string, string>, message: string): Promise<void> {
  let said = "";
  const stderr = {
    write: (text: string) => {
      said += text;
    },
  };
  const code = await main(["list"], {
    environment,
    terminal: terminal({ stdout: { write: () => assert.fail("stdout") }, stderr }, {}),
  });
  assert.equal(code, 1, said);
  assert.equal(said.trim().split("\n").length, message.trim().split("\n").length, said);
}

test("clouds.yaml, whatever is in it, is clouds, problems of clouds, or one sentence", async (t) => {
  const path = join(home, "clouds.yaml");
  const counts = { clouds: 0, problems: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(textOf(openstack), fc.boolean(), async (text, isFile) => {
      if (isFile) writeFileSync(path, text);
      const where = isFile
        ? { environment: { OS_CLIENT_CONFIG_FILE: path } }
        : { text, environment: {} };
      let clouds: ReturnType<typeof cloudsFile>;
      try {
        clouds = cloudsFile({ ...where, cwd: home, home, deadlineMs: 1_000 });
      } catch (error) {
        assert.ok(error instanceof Error && error.constructor === Error, `${text}\n${error}`);
        assert.match(error.message.replace(path, "CLOUDS_YAML"), /^(In )?CLOUDS_YAML/);
        assertSentence(error.message.replace(path, ""), text);
        counts.refused += 1;
        return;
      }
      for (const problem of clouds.problems()) assertSentence(problem.replace(path, ""), text);
      for (const name of [...clouds.names(), "constructor", "nowhere"]) {
        const found = clouds.client(name);
        if (found.ok) counts.clouds += 1;
        else counts.problems += 1;
        const told = JSON.stringify(found);
        assert.ok(namesHold(text) || !told.includes("s3cret"), `${told} of ${text}`);
      }
      await clouds.close();
    }),
    { numRuns: RUNS, ...seed },
  );
  t.diagnostic(JSON.stringify(counts));
});
