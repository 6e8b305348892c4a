import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embeddedTable } from "../../lib/local/table.ts";
import { dynamo, dynamoClient } from "../../lib/table/dynamo.ts";
import type { Table } from "../../lib/table/item.ts";

// DynamoDB's client insists on them; the embedded one looks at none.
process.env.AWS_REGION ??= "us-east-1";
process.env.AWS_ACCESS_KEY_ID ??= "local";
process.env.AWS_SECRET_ACCESS_KEY ??= "local";

/** A table of its own for one test file, gone with `close`. */
export async function openEmbeddedTable(): Promise<{
  table: Table;
  endpoint: string;
  tableName: string;
  close: () => Promise<void>;
}> {
  const stateDirectory = mkdtempSync(join(tmpdir(), "heat-spreader-test-"));
  const { endpoint, tableName, stop } = await embeddedTable({
    database: ":memory:",
    stateDirectory,
    onExit: (reason) => {
      throw reason;
    },
  });
  const client = dynamoClient({ endpoint });
  return {
    table: dynamo({ tableName, client }),
    endpoint,
    tableName,
    close: async () => {
      client.destroy();
      await stop();
      rmSync(stateDirectory, { recursive: true, force: true });
    },
  };
}
