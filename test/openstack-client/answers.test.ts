import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { clientFor, faultOf, kindOf, theValue } from "../support/cloud-client.ts";
import {
  type Answer,
  type Call,
  cloudServer,
  heatError,
  json,
  keystoneError,
  PROJECT,
} from "../support/cloud-server.ts";

const server = await cloudServer();
const elsewhere = await cloudServer();
const { client, close } = clientFor(server);
after(async () => {
  await close();
  await server.close();
  await elsewhere.close();
});

const ref = { stack_name: "web", heat_stack_id: "id-1" };
const first = { limit: 1, pages: "first", login: true } as const;
const LIST = `GET /v1/${PROJECT}/stacks`;
const STACK = `/v1/${PROJECT}/stacks/web/id-1`;

const text = (status: number, body: string, headers = {}): Answer => {
  return ({ response }) => {
    response.writeHead(status, headers);
    response.end(body);
  };
};
const heat = (status: number, type: string, message?: string): Answer => {
  return (call) => heatError(call, status, type, message);
};
const html = (status: number) => text(status, "<html>Oops</html>", { "content-type": "text/html" });
const redirect = (location: string) => text(302, "", { location });

beforeEach(() => {
  for (const route of [LIST, `GET ${STACK}`, `GET ${STACK}/events`, `PATCH ${STACK}`, "GET /v3"]) {
    server.answers(route, undefined);
  }
  server.cloud.stacks = [];
});

test("every answer to a list has one class", async (t) => {
  const cases: [string, Answer, string][] = [
    ["401 twice", (call) => keystoneError(call, 401), "credentials unauthorized"],
    ["403", heat(403, "Forbidden", "You are not authorized."), "credentials forbidden"],
    ["400", heat(400, "HTTPBadRequest"), "answer http_400"],
    ["404 of a list", heat(404, "HTTPNotFound"), "answer http_404"],
    ["418", html(418), "answer http_418"],
    ["429", html(429), "answer http_429"],
    ["500", html(500), "service http_500"],
    ["a dead engine", heat(500, "MessagingTimeout"), "service http_500"],
    ["501", html(501), "service http_501"],
    ["502", html(502), "service http_502"],
    [
      "503 of the token middleware",
      (call) => json(call, 503, { code: "503 S" }),
      "service http_503",
    ],
    ["504", html(504), "service http_504"],
    ["520 of a network in front", html(520), "service http_520"],
    ["600", html(600), "answer http_600"],
    ["204", text(204, ""), "answer http_204"],
    ["a redirect to another cloud", redirect(`${elsewhere.origin}/v1/stacks`), "answer http_302"],
    ["a redirect without end", redirect(`/v1/${PROJECT}/stacks`), "answer http_302"],
    ["HTML at 200", html(200), "answer not_json"],
    ["half a JSON", text(200, '{"stacks": [{"id": "a'), "answer not_json"],
    ["nothing", text(200, ""), "answer not_json"],
    ["another shape", text(200, '{"servers": []}'), "answer unexpected"],
    [
      "an id that would leave its path",
      text(200, '{"stacks": [{"id": "../x"}]}'),
      "answer unexpected",
    ],
    ["JSON without an end", text(200, "[".repeat(9 * 1024 * 1024)), "answer too_large"],
    ["compressed", text(200, "x", { "content-encoding": "gzip" }), "answer encoded"],
    ["headers without an end", text(200, "", { "x-long": "x".repeat(70_000) }), "answer too_large"],
  ];
  for (const [name, answer, expected] of cases) {
    await t.test(name, async () => {
      server.answers(LIST, answer);
      assert.equal(kindOf(await client.listStacks(first)), expected);
    });
  }
});

test("no request follows a redirect to another origin, with the token or without", async () => {
  server.answers(LIST, redirect(`${elsewhere.origin}/v1/stacks`));
  await client.listStacks(first);
  assert.deepEqual(elsewhere.calls, []);
});

test("a redirect within the cloud is followed", async () => {
  server.cloud.stacks = [stack()];
  server.answers(LIST, (call) =>
    call.query.has("again")
      ? json(call, 200, { stacks: [] })
      : redirect(`${server.origin}${call.path}?again=1`)(call),
  );
  assert.deepEqual(theValue(await client.listStacks(first)).stacks, []);
});

test("gzip is never asked for, JSON always", async () => {
  await client.listStacks(first);
  const { headers } = last(server.callsOf(LIST));
  assert.equal(headers["accept-encoding"], undefined);
  assert.equal(headers.accept, "application/json");
});

test("what Heat says of one stack on a PATCH is class stack, what a proxy says is not", async (t) => {
  const cases: [string, Answer, string][] = [
    [
      "404",
      heat(404, "EntityNotFound", "The Stack (web) could not be found."),
      "stack no_such_heat_stack",
    ],
    [
      "400",
      heat(400, "StackValidationFailed", "Parameter 'count' is invalid"),
      "stack invalid_parameter",
    ],
    [
      "unknown parameter",
      heat(400, "UnknownUserParameter", "no 'count'"),
      "stack no_such_parameter",
    ],
    ["suspended", heat(400, "NotSupported", "Updating a stack ..."), "stack not_supported"],
    ["another 400", heat(400, "ValueError"), "stack rejected"],
    ["409", heat(409, "ActionInProgress", "already in progress"), "stack conflict"],
    ["quota", heat(403, "StackResourceLimitExceeded", "exceeded"), "stack quota"],
    ["quota, by its words", heat(400, "Invalid", "Quota exceeded for cores"), "stack quota"],
    ["a trust that cannot be made", heat(500, "RemoteError"), "stack remote_error"],
    ["a dead engine", heat(500, "MessagingTimeout"), "service http_500"],
    ["a dead database", heat(500, "DBConnectionError"), "service http_500"],
    ["500 of a proxy", html(500), "service http_500"],
    ["404 of a proxy", html(404), "answer http_404"],
    ["409 of a proxy", html(409), "answer http_409"],
    ["502", html(502), "service http_502"],
    ["503", html(503), "service http_503"],
    ["504", html(504), "service http_504"],
    ["401 twice", (call) => keystoneError(call, 401), "credentials unauthorized"],
    ["403", heat(403, "Forbidden", "not authorized"), "credentials forbidden"],
    ["429", html(429), "answer http_429"],
    [
      "a redirect, even within the cloud",
      redirect(`/v1/${PROJECT}/stacks/web/id-2`),
      "answer http_302",
    ],
    ["200", html(200), "answer http_200"],
  ];
  for (const [name, answer, expected] of cases) {
    await t.test(name, async () => {
      server.answers(`PATCH ${STACK}`, answer);
      assert.equal(kindOf(await client.patchCount(ref, "count", 3)), expected);
    });
  }
});

test("a fault of a stack tells which parameter, in 300 printable characters and no more", async () => {
  const said = `Parameter 'count' is\u0000 \u001b[31minvalid\n: ${"x".repeat(1000)}`;
  server.answers(`PATCH ${STACK}`, heat(400, "StackValidationFailed", said));
  const { message } = faultOf(await client.patchCount(ref, "count", 99));
  assert.match(message, /answered 400: Parameter 'count' is \[31minvalid : x+$/);
  assert.equal(message.length, message.indexOf("Parameter") + 300);
});

test("a RemoteError, which Heat does not explain, says what a person can do", async () => {
  server.answers(`PATCH ${STACK}`, heat(500, "RemoteError"));
  const { message } = faultOf(await client.patchCount(ref, "count", 3));
  assert.match(message, /another user updated the stack.* must update the stack once by password$/);
});

test("a fault names method, host and path, and not the query", async () => {
  server.answers(LIST, html(502));
  const { message } = faultOf(await client.findStack("web"));
  assert.equal(message, `GET ${server.origin}/v1/${PROJECT}/stacks: answered 502.`);
});

test("a PATCH sends one parameter, and does not read the body of a 202", async () => {
  server.cloud.stacks = [stack()];
  assert.ok((await client.patchCount(ref, "count", 3)).ok);
  const { body, headers } = last(server.callsOf(`PATCH ${STACK}`));
  assert.equal(body, '{"parameters":{"count":"3"}}');
  assert.equal(headers["content-type"], "application/json");
  assert.equal(server.cloud.stacks[0]?.parameters.count, "3");
  assert.ok((await client.patchCount(ref, "constructor", 3)).ok);
});

test("a stack is read in full, with its parameters as they are", async () => {
  server.cloud.stacks = [stack()];
  const shown = theValue(await client.showStack(ref));
  assert.deepEqual(shown, {
    heat_stack_id: "id-1",
    stack_name: "web",
    heat_status: "CREATE_COMPLETE",
    reason: "Stack CREATE completed successfully",
    creation_time: "2026-11-20T16:17:50Z",
    updated_time: null,
    parameters: new Map([
      ["count", "1"],
      ["__proto__", "x"],
    ]),
    timeout_mins: 5,
    project_id: PROJECT,
  });
  assert.equal(last(server.callsOf(`GET ${STACK}`)).query.get("resolve_outputs"), "false");
});

test("a reason ends where Python's call stack begins", async () => {
  const reason = "Resource UPDATE failed: resources.servers: The Stack (web-1) could not be found.";
  const stack_status_reason = `${reason}\nTraceback (most recent call last):\n\n  File "/x.py"\n`;
  server.cloud.stacks = [{ ...stack(), stack_status_reason }];
  assert.equal(theValue(await client.showStack(ref))?.reason, reason);
});

test("only Heat's own 404 says that there is no such stack", async () => {
  assert.equal(theValue(await client.showStack(ref)), undefined);
  assert.equal(theValue(await client.newestEvent(ref)), undefined);
  server.answers(`GET ${STACK}`, html(404));
  assert.equal(kindOf(await client.showStack(ref)), "answer http_404");
});

test("a stack that Heat cannot read is that stack's fault, a dead engine the service's", async () => {
  server.answers(`GET ${STACK}`, heat(500, "InvalidEncryptionKey"));
  assert.equal(kindOf(await client.showStack(ref)), "stack rejected");
  server.answers(`GET ${STACK}`, heat(500, "MessagingTimeout"));
  assert.equal(kindOf(await client.showStack(ref)), "service http_500");
});

test("the newest event is asked for alone; a stack without events has none", async () => {
  server.cloud.stacks = [stack()];
  assert.equal(theValue(await client.newestEvent(ref)), "2026-11-20T16:17:50Z");
  const { query } = last(server.callsOf(`GET ${STACK}/events`));
  assert.equal(query.toString(), "sort_dir=desc&limit=1");
  server.answers(`GET ${STACK}/events`, text(200, '{"events": []}'));
  assert.equal(theValue(await client.newestEvent(ref)), undefined);
});

test("Keystone's version document answers without a login", async (t) => {
  assert.ok((await client.askVersion()).ok);
  assert.equal(last(server.callsOf("GET /v3")).token, undefined);
  const cases: [string, Answer, string][] = [
    ["503", html(503), "service http_503"],
    ["HTML", html(200), "answer not_json"],
    ["429", html(429), "answer http_429"],
  ];
  for (const [name, answer, expected] of cases) {
    await t.test(name, async () => {
      server.answers("GET /v3", answer);
      assert.equal(kindOf(await client.askVersion()), expected);
    });
  }
});

function stack() {
  return {
    id: "id-1",
    stack_name: "web",
    stack_status: "CREATE_COMPLETE",
    parameters: JSON.parse('{"count": "1", "__proto__": "x"}'),
    updated_time: null,
  };
}

function last(calls: Call[]): Call {
  return calls.at(-1) ?? assert.fail("no such call");
}
