import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { post } from "../../lib/local/post.ts";

test("an answer without an end is cut off, once its status is there", async (t) => {
  const ended = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200).once("close", ended.resolve);
    pourInto(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const signal = AbortSignal.timeout(60_000);
  const given = { headers: {}, body: "{}", signal };
  assert.equal(await post(`http://127.0.0.1:${port}/`, given), 200);
  await ended.promise;
  assert.ok(!signal.aborted, "by us, and not by the deadline");
});

function pourInto(response: ServerResponse): void {
  if (response.destroyed) return;
  response.write("z".repeat(100_000), () => setImmediate(pourInto, response));
}
