import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import type { CloudClient } from "../../lib/cloud/client.ts";
import { clientFor } from "../support/cloud-client.ts";
import { cloudServer, PASSWORD } from "../support/cloud-server.ts";
import { anyEcho, echo } from "../support/echo.ts";

const server = await cloudServer();
after(server.close);

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
