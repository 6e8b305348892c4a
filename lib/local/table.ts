import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Log } from "../log.ts";
import { dynamo, dynamoClient } from "../table/dynamo.ts";
import { makeTable } from "../table/make.ts";
import { startDynoxide } from "./dynoxide.ts";
import { filesOf, type Place, unusable } from "./files.ts";
import { type Lock, takeLock } from "./lock.ts";
import { end, processOf } from "./process.ts";
import { indexStream, sweeper, trimmer } from "./upkeep.ts";

/** Dynoxide refuses names under three letters. */
export const TABLE_NAME = "heat-spreader";
const SWEEP_MS = 3_600_000;
/** Dynoxide checks no signature, but the client insists on making one. */
const nobody = { accessKeyId: "local", secretAccessKey: "local" };

export type EmbeddedTable = {
  endpoint: string;
  tableName: string;
  /**
   * Removes the stream records up to this one: without that, the file grows for ever. The newest
   * stays, as the next one's number is counted from it. Best effort: what it leaves, a later call takes.
   */
  trim: (sequenceNumber: string) => Promise<void>;
  /** Says in the lock file where the API listens, for the command line of the same user. */
  publish: (where: { url: string }) => void;
  /** Ends the database and lets go of the lock. */
  stop: () => Promise<void>;
};

type Database = Omit<EmbeddedTable, "publish">;
type Watchers = { onExit: (reason: Error) => void; log?: Log };

/**
 * The table of the embedded runtime, made and ready: on a database of its own at `database`, a
 * passing one for ":memory:", or the DynamoDB at `endpoint`. Takes the lock, unless it is given one;
 * throws saying who has it. Ends the database process that a killed runtime left behind. `onExit` is
 * called when the database ends by itself: nothing can be written from then on.
 */
export async function embeddedTable(
  options: Place & Watchers & { endpoint?: string | undefined; lock?: Lock },
): Promise<EmbeddedTable> {
  const files = filesOf(options);
  const lock = options.lock ?? takeLock(files);
  try {
    await clearOrphan(lock);
    const table =
      options.endpoint === undefined
        ? await embedded(files.database, lock, options)
        : await elsewhere(options.endpoint);
    return {
      ...table,
      publish: lock.write,
      stop: async () => {
        await table.stop();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Only what the lock names by pid and start is ended: numbers of processes are used again. */
async function clearOrphan(lock: Lock): Promise<void> {
  const { orphan } = lock;
  if (orphan === undefined) return;
  await end(orphan);
  if (orphan.scratch !== undefined) rmSync(orphan.scratch, { recursive: true, force: true });
  lock.write({ database: undefined });
}

async function elsewhere(endpoint: string): Promise<Database> {
  const client = dynamoClient({ endpoint });
  await makeTable(client, TABLE_NAME).finally(() => client.destroy());
  return {
    endpoint,
    tableName: TABLE_NAME,
    // A stream that is not ours trims itself.
    trim: async () => {},
    stop: async () => {},
  };
}

async function embedded(
  database: string | undefined,
  lock: Lock,
  { onExit, log }: Watchers,
): Promise<Database> {
  // Dynoxide's own memory mode cannot be given the index: a passing file is faster.
  const scratch =
    database === undefined ? mkdtempSync(join(tmpdir(), "heat-spreader-")) : undefined;
  const file = database ?? join(scratch ?? "", "memory.db");
  const endings: (() => unknown)[] = [];
  let isStopping = false;
  const stop = async () => {
    isStopping = true;
    for (const ending of endings.toReversed()) await ending();
  };
  try {
    if (scratch !== undefined) endings.push(() => rmSync(scratch, { recursive: true }));
    const sqlite = openFile(file);
    endings.push(() => sqlite.close());
    const dynoxide = await startDynoxide(file, ({ pid, ...where }) => {
      const whereElse = scratch === undefined ? {} : { scratch };
      lock.write({ database: { ...processOf(pid), ...where, ...whereElse } });
    });
    endings.push(dynoxide.stop);
    const { address, port } = dynoxide;
    await dynoxide.ready();
    const endpoint = `http://${address}:${port}`;
    const client = dynamoClient({ endpoint, region: "local", credentials: nobody });
    endings.push(() => client.destroy());
    await makeTable(client, TABLE_NAME);
    indexStream(sqlite);
    // Dynoxide waits for us up to 5 s, we for it only a moment: this is the runtime's one thread.
    sqlite.exec("PRAGMA busy_timeout = 50");
    const table = dynamo({ tableName: TABLE_NAME, client });
    const sweep = sweeper({ sqlite, tableName: TABLE_NAME, table });
    const failed = (error: unknown) => log?.warning("expired items not removed", { error });
    const timer = setInterval(() => sweep(new Date()).catch(failed), SWEEP_MS).unref();
    endings.push(() => clearInterval(timer));
    void dynoxide.ended.then((said) => {
      if (!isStopping) onExit(new Error(`The embedded database ended by itself: ${said}`));
    });
    return { endpoint, tableName: TABLE_NAME, trim: trimmer(sqlite, TABLE_NAME), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Makes the file, for this user's eyes only, and sees whether it is a database that can be written. */
function openFile(file: string): DatabaseSync {
  try {
    writeFileSync(file, "", { flag: "a", mode: 0o600 });
    const sqlite = new DatabaseSync(file, { timeout: 5_000 });
    if (isForeign(sqlite)) {
      sqlite.close();
      throw new Error(
        "it is another program's database (that of the Python tool cannot be taken over): name a new file",
      );
    }
    sqlite.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; COMMIT");
    return sqlite;
  } catch (error) {
    throw unusable(file, error);
  }
}

/** Whether it has tables, and none of those that Dynoxide makes first. */
function isForeign(sqlite: DatabaseSync): boolean {
  const rows = sqlite.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  return rows.length > 0 && !rows.some(({ name }) => name === "_config" || name === "_tables");
}
