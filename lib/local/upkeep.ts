import type { DatabaseSync } from "node:sqlite";
import { setImmediate as breathe } from "node:timers/promises";
import type { Table } from "../table/item.ts";

/*
 * What DynamoDB does by itself and Dynoxide 1.2 does not: its file is SQLite's in WAL mode, so that
 * this process may work on it beside Dynoxide, in steps of some 10 ms, as nothing else runs here
 * meanwhile.
 */

const STEP_ROWS = 1_000;
const SQLITE_BUSY = 5;

/**
 * Dynoxide numbers each write with a MAX over all stream records; without an index for that
 * expression a write costs as much as there are records (measured: 1,800 puts/s fall to 300 after
 * 10,000). With it they stay at 2,000 to 2,800.
 */
export function indexStream(sqlite: DatabaseSync): void {
  sqlite.exec(
    "CREATE INDEX IF NOT EXISTS heat_spreader_stream ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
  );
}

/**
 * Removes a table's stream records up to a sequence number, which Dynoxide never does. The newest
 * stays: the next one's number is counted from it. What a busy database prevents, a later call does.
 */
export function trimmer(
  sqlite: DatabaseSync,
  tableName: string,
): (sequenceNumber: string) => Promise<void> {
  const statement = sqlite.prepare(
    `DELETE FROM _stream_records WHERE id IN (SELECT id FROM _stream_records
       WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) <= CAST(?2 AS INTEGER)
         AND CAST(sequence_number AS INTEGER) <
           (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1)
       ORDER BY CAST(sequence_number AS INTEGER) LIMIT ${STEP_ROWS})`,
  );
  return async (sequenceNumber) => {
    try {
      while (sqlite.isOpen && statement.run(tableName, sequenceNumber).changes === STEP_ROWS) {
        await breathe();
      }
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    }
  };
}

/**
 * Removes the items whose `expires_at` has passed, which Dynoxide does only when asked over MCP. It
 * finds them in the file, and removes them as anybody would, so that stream and index learn of it.
 */
export function sweeper(options: {
  sqlite: DatabaseSync;
  tableName: string;
  table: Table;
}): (now: Date) => Promise<void> {
  const { sqlite, tableName, table } = options;
  const statement = sqlite.prepare(
    `SELECT rowid AS id, json_extract(item_json, '$.pk.S') AS pk, json_extract(item_json, '$.sk.S') AS sk,
       CAST(json_extract(item_json, '$.expires_at.N') AS INTEGER) AS expires_at
     FROM "${tableName}" WHERE rowid > ? ORDER BY rowid LIMIT ${STEP_ROWS}`,
  );
  return async (now) => {
    let last: unknown = 0;
    while (sqlite.isOpen) {
      const rows = statement.all(last as number) as ItemRow[];
      for (const { pk, sk, expires_at } of rows) {
        if (expires_at === null || expires_at * 1000 > now.getTime()) continue;
        await table.write({ remove: { pk, sk }, when: { equals: { expires_at } } });
      }
      if (rows.length < STEP_ROWS) return;
      last = rows.at(-1)?.id;
      await breathe();
    }
  };
}

type ItemRow = { id: number; pk: string; sk: string; expires_at: number | null };
