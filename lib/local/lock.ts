import { rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Files, makeDirectory, unusable } from "./files.ts";
import { type DatabaseProcess, Note, readNote, writeNote } from "./note.ts";
import { processOf } from "./process.ts";

export type Lock = {
  /** The database process of a runtime that was killed; perhaps it still runs. */
  orphan: DatabaseProcess | undefined;
  /** Adds to what the file says; undefined takes away. */
  write: (change: { database?: DatabaseProcess | undefined; url?: string }) => void;
  /** Also a second time. */
  release: () => void;
};

/**
 * Takes the database for this process, or throws saying who holds it. What excludes is the
 * operating system's lock on the guard file: it ends with its process, even on kill -9, and holds
 * across containers that share a directory. The lock file only says who it is, and which database
 * process a killed runtime left behind; that is kept until it is replaced.
 */
export function takeLock(files: Files): Lock {
  const guard = takeGuard(files);
  const orphan = readNote(files)?.database;
  let note: Note = {
    runtime: processOf(process.pid),
    since: new Date().toISOString(),
    ...(orphan === undefined ? {} : { database: orphan }),
  };
  const write: Lock["write"] = (change) => {
    note = Note.parse({ ...note, ...change });
    writeNote(files, note);
  };
  try {
    write({});
  } catch (error) {
    guard.close();
    throw error;
  }
  return {
    orphan,
    write,
    release: () => {
      // Who could not end an orphan leaves its name to the next one.
      const isLeft = orphan !== undefined && note.database?.pid === orphan.pid;
      if (!guard.isOpen) return;
      if (!isLeft) rmSync(files.lock, { force: true });
      removeGuard(files);
      guard.close();
    },
  };
}

/** SQLite's exclusive lock on an empty file; no journal, as nothing is ever written. */
function takeGuard(files: Files): DatabaseSync {
  makeDirectory(dirname(files.guard));
  try {
    for (;;) {
      writeFileSync(files.guard, "", { flag: "a", mode: 0o600 });
      const { ino } = statSync(files.guard);
      const guard = new DatabaseSync(files.guard, { timeout: 0 });
      guard.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
      if (statSync(files.guard, { throwIfNoEntry: false })?.ino === ino) return guard;
      // Who held it before has removed it meanwhile: a lock that nobody else would meet.
      guard.close();
    }
  } catch (error) {
    if ((error as { errcode?: number }).errcode !== 5) throw unusable(files.guard, error);
    throw new Error(heldBy(files), { cause: error });
  }
}

/** A system that lets nobody remove an open file (Windows) keeps it: it is empty. */
function removeGuard({ guard }: Files): void {
  try {
    rmSync(guard, { force: true });
  } catch (error) {
    if (process.platform !== "win32") throw error;
  }
}

function heldBy(files: Files): string {
  const note = readNote(files);
  const what = files.database ?? "The :memory: database of this state directory";
  const who =
    note === undefined
      ? "another process"
      : `process ${note.runtime.pid} since ${note.since}${note.url === undefined ? "" : `, at ${note.url}`}`;
  return `${what} is held by another heat-spreader: ${who}. Stop that one first, or name another database.`;
}
