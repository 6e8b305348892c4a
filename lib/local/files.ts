import { existsSync, mkdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Which database a runtime works on: a path or ":memory:"; the latter's files are in the state directory. */
export type Place = { database: string; stateDirectory: string };

/** What lies beside a database. Two names of one file (a link) give the same. */
export type Files = {
  /** Absent for ":memory:". */
  database?: string;
  lock: string;
  guard: string;
  token: string;
  /** Stream records that were given up on. */
  letters: string;
};

/** The files of a runtime; makes none, nor their directory. */
export function filesOf({ database, stateDirectory }: Place): Files {
  const isMemory = database === ":memory:";
  const base = isMemory ? join(resolve(stateDirectory), "memory") : resolve(database);
  const real = existsSync(base) ? realpathSync(base) : base;
  return {
    ...(isMemory ? {} : { database: real }),
    lock: `${real}.lock`,
    guard: `${real}.guard`,
    token: `${real}.token`,
    letters: `${real}.dead-letters`,
  };
}

/** Makes a directory, and those above it, for this user's eyes only. Throws one sentence when it cannot. */
export function makeDirectory(directory: string): void {
  try {
    ensure(directory);
  } catch (error) {
    throw unusable(directory, error);
  }
}

/** Not `recursive`: where the system says ENOENT to every attempt (/proc), Node 24 tries for ever. */
function ensure(directory: string): void {
  const isThere = () => statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isThere()) return;
  if (dirname(directory) !== directory) ensure(dirname(directory));
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!isThere()) throw error;
  }
}

/** Removes what a ":memory:" database leaves in the state directory: nobody can use it any more. */
export function removePassing(place: Place): void {
  const { database, token, letters } = filesOf(place);
  if (database === undefined) for (const path of [token, letters]) rmSync(path, { force: true });
}

/** Why a path cannot be used, and what to do, from what the system or SQLite said. */
export function unusable(path: string, cause: unknown): Error {
  const { code, errcode, message } = cause as { code?: string; errcode?: number; message?: string };
  const reasons: [boolean, string][] = [
    [code === "ENOSPC" || errcode === 13, "the disk is full: free some space"],
    [code === "EDQUOT", "your disk quota is used up: free some space"],
    [
      code === "EACCES" || code === "EPERM",
      "permission denied: name a place that you may write to",
    ],
    [code === "EROFS" || errcode === 8, "it is read-only: name a place that you may write to"],
    [code === "ENOENT", "nothing can be made there: name another place"],
    [code === "ENOTDIR" || code === "EEXIST", "a part of the path is a file: name another place"],
    [code === "EISDIR", "it is a directory: name a file"],
    [errcode === 14, "it cannot be opened: name a file in a directory that you may write to"],
    [errcode === 26, "it is a file of another kind: name another file"],
  ];
  const [, reason = message ?? String(cause)] = reasons.find(([is]) => is) ?? [];
  return new Error(`Cannot use ${path}: ${reason}`, { cause });
}
