import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { dynamo, dynamoClient } from "../../lib/table/dynamo.ts";
import { makeTable } from "../../lib/table/make.ts";
import { openEmbeddedTable } from "../support/embedded-table.ts";

const bin = fileURLToPath(new URL("../../bin/copy-table.ts", import.meta.url));
let embedded: Awaited<ReturnType<typeof openEmbeddedTable>>;
before(async () => {
  embedded = await openEmbeddedTable();
});
after(() => embedded.close());

test("a restored table is put in place: all but events, over what is there", async () => {
  const { table: live, endpoint, tableName } = embedded;
  const client = dynamoClient({ endpoint });
  await makeTable(client, "restored");
  const restored = dynamo({ tableName: "restored", client });
  const names = Array.from({ length: 60 }, (_, i) => `stack-${i}`);
  for (const sk of names) await restored.write({ put: { pk: "STACK", sk, count: 10 } });
  await restored.write({ put: { pk: "STACK#stack-1", sk: "EVENT#01", message: "old" } });
  await live.write({ put: { pk: "STACK", sk: "stack-1", count: 0 } });
  await live.write({ put: { pk: "STACK", sk: "younger", count: 3 } });

  const { code, stdout } = await copyTable("restored", tableName);
  client.destroy();
  assert.deepEqual([code, stdout], [0, `Copied 60 items from restored to ${tableName}.\n`]);
  const stacks = await live.query({ pk: "STACK" });
  assert.deepEqual(
    new Map(stacks.map(({ sk, count }) => [sk, count])),
    new Map([...names.map((name): [string, number] => [name, 10]), ["younger", 3]]),
  );
  assert.deepEqual(await live.query({ pk: "STACK#stack-1" }), []);
});

test("without two tables it says what it needs", async () => {
  for (const names of [[], ["one"], ["one", "one"]]) {
    const { code, stderr } = await copyTable(...names);
    assert.equal(code, 2);
    assert.match(stderr, /^Usage: /);
  }
});

async function copyTable(...names: string[]) {
  const environment = { ...process.env, AWS_ENDPOINT_URL_DYNAMODB: embedded.endpoint };
  const child = spawn(process.execPath, [bin, ...names], { env: environment });
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.on("close", resolve)),
  ]);
  return { code, stdout, stderr };
}
