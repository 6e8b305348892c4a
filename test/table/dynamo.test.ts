import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { dynamo, dynamoClient } from "../../lib/table/dynamo.ts";
import type { Table } from "../../lib/table/item.ts";
import { storesContract } from "../contract/stores.ts";
import { tableContract } from "../contract/table.ts";
import { openEmbeddedTable } from "../support/embedded-table.ts";

// On AWS when a table is named: TABLE_NAME=... node --test test/table/dynamo.test.ts
const { TABLE_NAME } = process.env;
let table: Table;
let close = async () => {};

before(async () => {
  if (TABLE_NAME === undefined) ({ table, close } = await openEmbeddedTable());
  else table = dynamo({ tableName: TABLE_NAME });
});
after(() => close());

tableContract(async () => table);
storesContract(async () => table);

test("a database that does not answer is told from a bug", async () => {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = dynamoClient({ endpoint: "http://127.0.0.1:1", region: "local", credentials });
  const nobody = dynamo({ tableName: "nobody", client });
  await assert.rejects(nobody.get({ pk: "STACK", sk: "web" }), {
    code: "table.unavailable",
    message: /cannot be used now \(.*ECONNREFUSED/,
  });
  client.destroy();
});
