import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import type { CloudClient } from "../../lib/cloud/client.ts";
import { clientFor } from "../support/cloud-client.ts";
import { type Call, cloudServer, json, PASSWORD } from "../support/cloud-server.ts";

const server = await cloudServer();
after(server.close);

/** Whatever a cloud was told, it gives back: in bodies of every shape, headers, redirects. */
type Echo = { status: number; shape: string; whenLoggedIn: boolean };

function echo({ status, shape }: Echo, call: Call): void {
  const secret = `${call.token ?? ""} ${call.body} ${PASSWORD}`;
  const headers = {
    location: `http://127.0.0.1:1/${encodeURIComponent(secret)}`,
    "x-echo": PASSWORD,
  };
  const error = { type: shape, message: secret, traceback: secret };
  if (shape === "text") call.response.writeHead(status, headers).end(secret);
  else if (shape === "cut") {
    call.response.writeHead(status, { ...headers, "content-length": "9999" });
    call.response.write(secret, () => call.response.destroy());
  } else if (shape === "token") {
    json(
      call,
      status,
      { token: { [secret]: secret, catalog: [secret] } },
      { "x-subject-token": secret },
    );
  } else
    json(
      call,
      status,
      { code: status, title: secret, explanation: secret, error, [secret]: 1 },
      headers,
    );
}

const ref = { stack_name: "web", heat_stack_id: "id-1" };
const calls: ((client: CloudClient) => Promise<unknown>)[] = [
  (client) => client.listStacks({ limit: 1, pages: "all", login: true }),
  (client) => client.askVersion(),
  (client) => client.findStack("web"),
  (client) => client.showStack(ref),
  (client) => client.newestEvent(ref),
  (client) => client.patchCount(ref, "count", 3),
];

test("no outcome holds a password, a token, or what a cloud echoes of them", async () => {
  const anyEcho = fc.record({
    status: fc.constantFrom(
      200,
      201,
      202,
      300,
      302,
      400,
      401,
      403,
      404,
      409,
      429,
      500,
      502,
      503,
      504,
    ),
    shape: fc.constantFrom(
      "text",
      "cut",
      "token",
      "StackValidationFailed",
      "Forbidden",
      "RemoteError",
      "MessagingTimeout",
    ),
    whenLoggedIn: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(anyEcho, fc.constantFrom(...calls), async (answer, ask) => {
      server.answers(
        "POST /v3/auth/tokens",
        answer.whenLoggedIn ? undefined : (call) => echo(answer, call),
      );
      server.answers("GET /v3", (call) => echo(answer, call));
      server.answers("GET /v1*", (call) => echo(answer, call));
      server.answers("PATCH /v1*", (call) => echo(answer, call));
      const { client, close } = clientFor(server);
      const outcome = JSON.stringify(await ask(client));
      await close();
      for (const token of server.cloud.tokens) assert.ok(!outcome.includes(token), outcome);
      assert.ok(!outcome.includes(PASSWORD), outcome);
    }),
    { numRuns: 300 },
  );
});
