import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { Event } from "../../lib/event/schema.ts";
import { outbox } from "../../lib/local/outbox.ts";
import { type LogLine, log } from "../../lib/log.ts";
import { dynamoClient } from "../../lib/table/dynamo.ts";
import { openEmbeddedTable } from "../support/embedded-table.ts";

let opened: Awaited<ReturnType<typeof openEmbeddedTable>>;
before(async () => {
  opened = await openEmbeddedTable();
});
after(() => opened.close());

function eventOf(n: number): Event {
  return Event.parse({
    id: `01K${String(n).padStart(23, "0")}`,
    at: "2026-11-20T16:17:50.123Z",
    type: "cloud.suspected",
    cloud: "athens",
    message: `athens is suspected, ${n} ${"x".repeat(4000)}`,
    changes: [],
    cause: "c",
    alarm: true,
  });
}

test("the outbox gives back what was put, the oldest first, until it is removed", async (t) => {
  const dynamo = dynamoClient({ endpoint: opened.endpoint });
  t.after(() => dynamo.destroy());
  const lines: LogLine[] = [];
  const own = {
    tableName: "outbox-local",
    log: log({ level: "DEBUG", write: (line) => lines.push(line) }),
  };
  const box = await outbox({ dynamo, ...own });
  assert.deepEqual(await box.read(), []);
  // More than DynamoDB's page of 1 MB.
  const events = Array.from({ length: 300 }, (_, n) => eventOf(n));
  for (const event of [...events].reverse()) await box.put(event);
  await box.put(eventOf(7));
  assert.deepEqual(await (await outbox({ dynamo, ...own })).read(), events);
  for (const { id } of events.slice(2)) await box.remove(id);
  assert.deepEqual(await box.read(), events.slice(0, 2));

  const Item = { pk: { S: "OUTBOX" }, sk: { S: "0" }, event: { S: '{"of another": "version"}' } };
  await dynamo.send(new PutItemCommand({ TableName: "outbox-local", Item }));
  assert.deepEqual(await box.read(), events.slice(0, 2));
  assert.deepEqual(
    lines.map(({ level, event }) => [level, event]),
    [["WARNING", "0"]],
  );
});
