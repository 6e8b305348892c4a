import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { filesOf, makeDirectory, type Place, unusable, writeWhole } from "./files.ts";
import { readNote } from "./note.ts";
import { isRunning } from "./process.ts";

/**
 * The operator's token: the given one (HEAT_SPREADER_TOKEN), which is never written down, or the
 * one made at the first start, in a file that only this user can read. For the holder of the lock.
 */
export function operatorToken(options: Place & { token?: string | undefined }): string {
  if (options.token !== undefined && options.token !== "") return options.token;
  const files = filesOf(options);
  const path = files.token;
  const known = readToken(path);
  if (known !== undefined) return known;
  makeDirectory(dirname(path));
  const made = randomBytes(32).toString("base64url");
  writeWhole(path, `${made}\n`);
  return made;
}

/**
 * The runtime of this user on that database, for the command line: where its API listens, and the
 * token if it made one. Undefined: none runs, or it does not listen yet.
 */
export function findRuntime(place: Place): { url: string; token: string | undefined } | undefined {
  const files = filesOf(place);
  const note = readNote(files);
  if (note?.url === undefined || !isRunning(note.runtime)) return undefined;
  return { url: note.url, token: readToken(files.token) };
}

function readToken(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unusable(path, error);
  }
}
