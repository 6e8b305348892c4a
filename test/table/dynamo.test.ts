import { after, before } from "node:test";
import { dynamo } from "../../lib/table/dynamo.ts";
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
