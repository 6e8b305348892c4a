import {
  existsSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
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

/**
 * Writes the whole file or nothing of it, whatever happens meanwhile, for this user's eyes only; for
 * the holder of the lock. Throws one sentence when it cannot.
 */
export function writeWhole(path: string, text: string): void {
  const draft = `${path}.new`;
  try {
    // Left by somebody who was killed, or put there by somebody else, who could read on.
    rmSync(draft, { force: true });
    writeFileSync(draft, text, { mode: 0o600, flag: "wx", flush: true });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw unusable(path, error);
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
  // An extended code has the plain one in its lowest byte.
  const isErrcode = (plain: number) => errcode !== undefined && (errcode & 0xff) === plain;
  const reasons: [boolean, string][] = [
    [code === "ENOSPC" || isErrcode(13), "the disk is full: free some space"],
    [code === "EDQUOT", "your disk quota is used up: free some space"],
    [
      code === "EACCES" || code === "EPERM",
      "permission denied: name a place that you may write to",
    ],
    [code === "EROFS" || isErrcode(8), "it is read-only: name a place that you may write to"],
    [code === "ENOENT", "nothing can be made there: name another place"],
    [code === "ENOTDIR" || code === "EEXIST", "a part of the path is a file: name another place"],
    [code === "EISDIR", "it is a directory: name a file"],
    [isErrcode(14), "it cannot be opened: name a file in a directory that you may write to"],
    [isErrcode(10), "reading or writing it failed: see whether its disk is full, or broken"],
    [isErrcode(26), "it is a file of another kind: name another file"],
  ];
  const [, reason = message ?? String(cause)] = reasons.find(([is]) => is) ?? [];
  return new Error(`Cannot use ${path}: ${reason}`, { cause });
}
