import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { clientFor, faultOf, kindOf, theValue } from "../support/cloud-client.ts";
import {
  type Call,
  cloudServer,
  json,
  keystoneError,
  PASSWORD,
  PROJECT,
} from "../support/cloud-server.ts";
import { until } from "../support/until.ts";

const server = await cloudServer();
const closing: (() => Promise<void>)[] = [];
after(server.close);
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  for (const route of [LIST, LOGIN]) server.answers(route, undefined);
  Object.assign(server.cloud, { password: PASSWORD, tokenLifetimeMs: 3_600_000 });
  server.calls.length = 0;
});

const LIST = `GET /v1/${PROJECT}/stacks`;
const LOGIN = "POST /v3/auth/tokens";
const first = { limit: 1, pages: "first", login: true } as const;
const ref = { stack_name: "web", heat_stack_id: "id-1" };

function athens(changes: object = {}, options = {}) {
  const { client, close } = clientFor(server, changes, options);
  closing.push(close);
  return client;
}

/** A clock that a test moves. */
function clock() {
  let ahead = 0;
  return {
    now: () => Date.now() + ahead,
    pass: (ms: number) => {
      ahead += ms;
    },
  };
}

const logins = () => server.callsOf(LOGIN).length;

test("ten concurrent calls share one login", async () => {
  const client = athens();
  const calls = Array.from({ length: 10 }, () => client.listStacks(first));
  for (const outcome of await Promise.all(calls)) theValue(outcome);
  assert.equal(logins(), 1);
});

test("ten concurrent calls whose token was revoked share one more", async () => {
  const client = athens();
  theValue(await client.listStacks(first));
  server.cloud.tokens.clear();
  const calls = Array.from({ length: 10 }, () => client.listStacks(first));
  for (const outcome of await Promise.all(calls)) theValue(outcome);
  assert.equal(logins(), 2);
});

test("a call whose token is not taken is made once more, with a fresh one", async () => {
  const client = athens();
  theValue(await client.listStacks(first));
  server.answers(LIST, (call) => keystoneError(call, 401));
  assert.equal(kindOf(await client.listStacks(first)), "credentials unauthorized");
  assert.equal(server.callsOf(LIST).length, 3);
  assert.equal(logins(), 2);
});

test("a 401 to a token that is fresh already is not tried again", async () => {
  server.answers(LIST, (call) => keystoneError(call, 401));
  assert.equal(kindOf(await athens().listStacks(first)), "credentials unauthorized");
  assert.equal(server.callsOf(LIST).length, 1);
});

test("a token is used until 60 s before its end", async () => {
  const time = clock();
  const client = athens({}, { now: time.now });
  theValue(await client.listStacks(first));
  time.pass(3_530_000);
  theValue(await client.listStacks(first));
  assert.equal(logins(), 1);
  time.pass(15_000);
  theValue(await client.listStacks(first));
  assert.equal(logins(), 2);
});

test("tokens of five seconds work, each for most of its time", async () => {
  server.cloud.tokenLifetimeMs = 5000;
  const time = clock();
  const client = athens({}, { now: time.now });
  for (let second = 0; second < 20; second++) {
    theValue(await client.listStacks(first));
    time.pass(1000);
  }
  assert.equal(logins(), 4);
});

test("a Keystone whose clock is wrong by hours is no trouble", async () => {
  server.answers(LOGIN, (call) => {
    const at = Date.now() - 7_200_000;
    const token = {
      issued_at: new Date(at).toISOString(),
      expires_at: new Date(at + 3_600_000).toISOString(),
      project: { id: PROJECT },
      catalog: server.cloud.catalog,
    };
    server.cloud.tokens.add("skewed");
    json(call, 201, { token }, { "x-subject-token": "skewed" });
  });
  const client = athens();
  theValue(await client.listStacks(first));
  theValue(await client.listStacks(first));
  assert.equal(logins(), 1);
});

test("without leave to log in, nothing is sent; with a token, the list is", async () => {
  const client = athens();
  const paused = { ...first, login: false };
  assert.equal(kindOf(await client.listStacks(paused)), "credentials login_paused unsent");
  assert.deepEqual(server.calls, []);
  theValue(await client.listStacks(first));
  theValue(await client.listStacks(paused));
  server.cloud.tokens.clear();
  assert.equal(kindOf(await client.listStacks(paused)), "credentials login_paused unsent");
  assert.equal(logins(), 1);
});

test("each way that Keystone answers a login has one class", async (t) => {
  const project = { id: PROJECT };
  const times = {
    issued_at: "2026-11-20T16:00:00.000000Z",
    expires_at: "2026-11-20T17:00:00.000000Z",
  };
  const token = { "x-subject-token": "gAAAA" };
  const cases: [string, (call: Call) => void, string][] = [
    ["401", (call) => keystoneError(call, 401), "credentials login_rejected"],
    ["403", (call) => keystoneError(call, 403), "credentials login_rejected"],
    [
      "404 of an application credential",
      (call) => keystoneError(call, 404),
      "credentials login_rejected",
    ],
    [
      "404 of no Keystone",
      (call) => call.response.writeHead(404).end("<html>"),
      "config bad_auth_url",
    ],
    ["400", (call) => keystoneError(call, 400), "config login_invalid"],
    ["429", (call) => call.response.writeHead(429).end(), "answer http_429"],
    ["300", (call) => json(call, 300, {}), "answer http_300"],
    ["500", (call) => keystoneError(call, 500), "service http_500"],
    ["503", (call) => call.response.writeHead(503).end("<html>"), "service http_503"],
    ["HTML", (call) => call.response.writeHead(201).end("<html>"), "answer not_json"],
    ["no times", (call) => json(call, 201, { token: { project } }, token), "answer unexpected"],
    ["no token", (call) => json(call, 201, { token: { ...times, project } }), "answer unexpected"],
    ["no project", (call) => json(call, 201, { token: times }, token), "credentials no_project"],
    [
      "a project that would leave its path",
      (call) => json(call, 201, { token: { ...times, project: { id: "../.." } } }, token),
      "answer unexpected",
    ],
    [
      "no catalog",
      (call) => json(call, 201, { token: { ...times, project } }, token),
      "credentials no_endpoint",
    ],
  ];
  for (const [name, answer, expected] of cases) {
    await t.test(name, async () => {
      server.answers(LOGIN, answer);
      const client = athens();
      assert.equal(kindOf(await client.listStacks(first)), `${expected} unsent`);
      assert.equal(kindOf(await client.patchCount(ref, "count", 3)), `${expected} unsent`);
      assert.deepEqual(server.callsOf(LIST), []);
    });
  }
});

test("a rejected login is not repeated for every stack of a batch, but when the probe asks", async () => {
  const time = clock();
  const client = athens({}, { now: time.now });
  server.cloud.password = "changed";
  for (let stack = 0; stack < 50; stack++) {
    assert.equal(kindOf(await client.findStack("web")), "credentials login_rejected unsent");
  }
  assert.equal(logins(), 1);
  assert.equal(kindOf(await client.listStacks(first)), "credentials login_rejected unsent");
  assert.equal(logins(), 2);
  time.pass(10_001);
  server.cloud.password = PASSWORD;
  theValue(await client.findStack("web"));
});

test("who waits for another's login waits no longer than its own deadline", async () => {
  const held: Call[] = [];
  server.answers(LOGIN, (call) => held.push(call));
  const client = athens({}, { deadlineMs: 300 });
  const kinds = (await Promise.all([client.listStacks(first), client.findStack("web")])).map(
    kindOf,
  );
  assert.deepEqual(kinds, ["service timeout unsent", "service timeout unsent"]);
  assert.equal(held.length, 1);
});

test("a call that outlives its client ends as such, and no new one is begun", async () => {
  const { client, close } = clientFor(server);
  let held: Call | undefined;
  theValue(await client.listStacks(first));
  server.answers(LIST, (call) => {
    held = call;
  });
  const underWay = client.listStacks(first);
  const { response } = await until("the call", () => held);
  const closed = close();
  assert.equal(kindOf(await client.findStack("web")), "answer closed unsent");
  response.end('{"stacks": []}');
  theValue(await underWay);
  await closed;
});

test("a login is what openstacksdk would send", async (t) => {
  const auth_url = `${server.origin}/v3`;
  const named = { name: "demo", domain: { id: "default" } };
  const project = { scope: { project: named } };
  const password = (user: object) => ({ methods: ["password"], password: { user } });
  const cases: [string, object, object][] = [
    [
      "password, domains of its own",
      {
        auth: {
          auth_url,
          username: "demo",
          password: PASSWORD,
          project_name: "demo",
          user_domain_name: "Users",
          project_domain_id: "p1",
        },
      },
      {
        identity: password({ name: "demo", domain: { name: "Users" }, password: PASSWORD }),
        scope: { project: { name: "demo", domain: { id: "p1" } } },
      },
    ],
    [
      "ids",
      {
        auth_type: "v3password",
        auth: { auth_url, user_id: "u1", password: PASSWORD, project_id: PROJECT },
      },
      { identity: password({ id: "u1", password: PASSWORD }), scope: { project: { id: PROJECT } } },
    ],
    [
      "tenant, one domain for both, hyphens, and some of it beside auth",
      {
        auth: {
          "auth-url": auth_url,
          "tenant-name": "demo",
          domain_name: "Both",
          "user-name": "demo",
        },
        password: PASSWORD,
      },
      {
        identity: password({ name: "demo", domain: { name: "Both" }, password: PASSWORD }),
        scope: { project: { name: "demo", domain: { name: "Both" } } },
      },
    ],
    [
      "no project: the user's own",
      { auth: { auth_url, username: "demo", password: PASSWORD } },
      { identity: password({ ...named, password: PASSWORD }) },
    ],
    [
      "token",
      { auth_type: "token", auth: { auth_url, token: PASSWORD, project_name: "demo" } },
      { identity: { methods: ["token"], token: { id: PASSWORD } }, ...project },
    ],
    [
      "application credential, without a scope",
      {
        auth_type: "v3applicationcredential",
        auth: {
          auth_url,
          application_credential_id: "a1",
          application_credential_secret: PASSWORD,
          project_name: "demo",
        },
      },
      {
        identity: {
          methods: ["application_credential"],
          application_credential: { id: "a1", secret: PASSWORD },
        },
      },
    ],
    [
      "application credential by name",
      {
        auth_type: "v3applicationcredential",
        auth: {
          auth_url,
          application_credential_name: "spreader",
          application_credential_secret: PASSWORD,
          username: "demo",
        },
      },
      {
        identity: {
          methods: ["application_credential"],
          application_credential: { name: "spreader", user: named, secret: PASSWORD },
        },
      },
    ],
    [
      "without /v3",
      {
        auth: {
          auth_url: `${server.origin}/`,
          username: "demo",
          password: PASSWORD,
          project_name: "demo",
        },
      },
      { identity: password({ ...named, password: PASSWORD }), ...project },
    ],
  ];
  for (const [name, changes, expected] of cases) {
    await t.test(name, async () => {
      theValue(await athens(changes).listStacks(first));
      assert.deepEqual(JSON.parse(server.callsOf(LOGIN).at(-1)?.body ?? ""), { auth: expected });
    });
  }
});

test("the hash of a credential moves with address, user, project and secret, and holds none", () => {
  const hash = (auth: object) =>
    athens({
      auth: { auth_url: "http://a/v3", username: "u", password: "s", project_name: "p", ...auth },
    }).credential_hash;
  const changes = [
    {},
    { auth_url: "http://b/v3" },
    { username: "v" },
    { password: "t" },
    { project_name: "q" },
  ];
  assert.equal(new Set(changes.map(hash)).size, changes.length);
  assert.equal(hash({}), hash({}));
  assert.match(hash({}), /^[0-9a-f]{64}$/);
});

test("a fault of a login says which address", async () => {
  server.cloud.password = "changed";
  assert.equal(
    faultOf(await athens().listStacks(first)).message,
    `POST ${server.origin}/v3/auth/tokens: answered 401: the login was rejected.`,
  );
});
