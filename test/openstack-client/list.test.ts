import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { clientFor, theValue } from "../support/cloud-client.ts";
import { cloudServer, PROJECT, type TestStack } from "../support/cloud-server.ts";

const server = await cloudServer();
const { client, close } = clientFor(server);
after(async () => {
  await close();
  await server.close();
});
const LIST = `GET /v1/${PROJECT}/stacks`;

function stacks(count: number): TestStack[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `id-${index}`,
    stack_name: `web${index}`,
    stack_status: "CREATE_COMPLETE",
    parameters: {},
    updated_time: null,
  }));
}

test("a list in pages of any size is every stack once, in Heat's order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(30), fc.integer({ min: 1, max: 12 }), async (count, limit) => {
      server.cloud.stacks = stacks(count);
      const list = theValue(await client.listStacks({ limit, pages: "all", login: true }));
      assert.equal(list.complete, true);
      assert.equal(list.project_id, PROJECT);
      assert.deepEqual(
        list.stacks.map((stack) => stack.heat_stack_id),
        server.cloud.stacks.map((stack) => stack.id),
      );
    }),
    { numRuns: 30 },
  );
});

test("the first page is one request, and complete only if it is all", async () => {
  server.cloud.stacks = stacks(3);
  const before = server.callsOf(LIST).length;
  const one = theValue(await client.listStacks({ limit: 1, pages: "first", login: true }));
  assert.equal(server.callsOf(LIST).length, before + 1);
  assert.deepEqual([one.stacks.length, one.complete], [1, false]);
  const all = theValue(await client.listStacks({ limit: 5, pages: "first", login: true }));
  assert.deepEqual([all.stacks.length, all.complete], [3, true]);
});

test("a marker that vanished ends the list, incomplete, instead of going round", async () => {
  server.cloud.stacks = stacks(6);
  let asked = 0;
  server.answers(LIST, (call) => {
    if (++asked > 1) call.query.set("marker", "vanished");
    server.answers(LIST, undefined);
    const { stacks: page } = server.cloud;
    const items = page
      .slice(0, 2)
      .map((stack) => ({ ...stack, creation_time: "2026-11-20T16:17:50Z" }));
    call.response.end(
      JSON.stringify({
        stacks: items,
        links: [{ rel: "next", href: "http://x/?marker=vanished" }],
      }),
    );
  });
  const list = theValue(await client.listStacks({ limit: 2, pages: "all", login: true }));
  assert.deepEqual(
    list.stacks.map((stack) => stack.heat_stack_id),
    ["id-0", "id-1"],
  );
  assert.equal(list.complete, false);
});

test("a later page that fails leaves what was read, incomplete", async () => {
  server.cloud.stacks = stacks(6);
  server.answers(LIST, (call) => {
    server.answers(LIST, (second) => second.response.writeHead(500).end());
    const items = stacks(2).map((stack) => ({ ...stack, creation_time: "2026-11-20T16:17:50Z" }));
    call.response.end(
      JSON.stringify({ stacks: items, links: [{ rel: "next", href: "?limit=2&marker=id-1" }] }),
    );
  });
  const list = theValue(await client.listStacks({ limit: 2, pages: "all", login: true }));
  server.answers(LIST, undefined);
  assert.deepEqual([list.stacks.length, list.complete], [2, false]);
});

test("the next page is asked of the cloud's own address, whatever the link says", async () => {
  server.answers(LIST, (call) => {
    if (call.query.has("marker")) {
      call.response.end('{"stacks": []}');
      return;
    }
    const items = stacks(1).map((stack) => ({ ...stack, creation_time: "2026-11-20T16:17:50Z" }));
    const href = "http://169.254.169.254/v1/stacks?marker=id-0";
    call.response.end(JSON.stringify({ stacks: items, links: [{ rel: "next", href }] }));
  });
  const list = theValue(await client.listStacks({ limit: 1, pages: "all", login: true }));
  server.answers(LIST, undefined);
  assert.equal(list.complete, true);
});

test("a stack is found by exactly its name, or not", async () => {
  server.cloud.stacks = stacks(3);
  const found = theValue(await client.findStack("web1"));
  assert.equal(found.stack?.heat_stack_id, "id-1");
  assert.deepEqual(theValue(await client.findStack("WEB1")), { project_id: PROJECT });
  server.answers(LIST, (call) => {
    const items = stacks(2).map((stack) => ({ ...stack, creation_time: "2026-11-20T16:17:50Z" }));
    call.response.end(JSON.stringify({ stacks: items }));
  });
  assert.deepEqual(theValue(await client.findStack("WEB1")), { project_id: PROJECT });
  server.answers(LIST, undefined);
});
