import { readFileSync } from "node:fs";
import * as z from "zod";
import { type Files, writeWhole } from "./files.ts";
import { Process } from "./process.ts";

/** The database process, which outlives a killed runtime. */
export const DatabaseProcess = Process.extend({
  address: z.string(),
  port: z.int(),
  /** The directory of a ":memory:" database, to be removed with it. */
  scratch: z.string().optional(),
});
export type DatabaseProcess = z.infer<typeof DatabaseProcess>;

/** What the lock file says: who holds the database, and where its API is. */
export const Note = z.object({
  runtime: Process,
  since: z.string(),
  database: DatabaseProcess.optional(),
  /** Of the API, once it listens. */
  url: z.string().optional(),
});
export type Note = z.infer<typeof Note>;

/** Who holds the database, or held it last. Undefined: nobody, or it says nothing sensible. */
export function readNote(files: Pick<Files, "lock">): Note | undefined {
  try {
    return Note.parse(JSON.parse(readFileSync(files.lock, "utf8")));
  } catch {
    return undefined;
  }
}

/** Writes all of it or nothing, for this user's eyes only. For the holder of the lock. */
export function writeNote({ lock }: Pick<Files, "lock">, note: Note): void {
  writeWhole(lock, `${JSON.stringify(note, null, 2)}\n`);
}
