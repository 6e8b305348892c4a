import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { makeDirectory, writeWhole } from "../local/files.ts";
import { Failure } from "./failure.ts";

const Login = z.object({ url: z.string(), token: z.string() });

/** Where `heat-spreader login` said that commands go, and the token that lets them in. */
export type Login = z.infer<typeof Login>;

type Place = { stateDirectory: string };

/** Not heat-spreader.yaml: that one is a person's, often in version control, and says what `run` runs on. */
export function loginFile({ stateDirectory }: Place): string {
  return join(stateDirectory, "login.json");
}

/** Whether there is a login, of whatever state. */
export function isLoggedIn(place: Place): boolean {
  return existsSync(loginFile(place));
}

/** Undefined: nobody is logged in. Throws a Failure when the file is not one of ours. */
export function readLogin(place: Place): Login | undefined {
  const path = loginFile(place);
  const text = read(path);
  if (text === undefined) return undefined;
  const login = Login.safeParse(parsed(text));
  if (login.success) return login.data;
  // Neither the text nor the parser's words: they may hold the token.
  throw new Failure(`${path}: this is no login. Log in again, or remove it: heat-spreader logout.`);
}

/** Writes all of it or nothing, for this user's eyes only. Throws one sentence when it cannot. */
export function saveLogin(place: Place, login: Login): void {
  const path = loginFile(place);
  makeDirectory(dirname(path));
  writeWhole(path, `${JSON.stringify(login, null, 2)}\n`);
}

/** Forgets the login, whatever state it is in. False: there was none. */
export function removeLogin(place: Place): boolean {
  const isThere = isLoggedIn(place);
  rmSync(loginFile(place), { force: true });
  return isThere;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (["ENOENT", "ENOTDIR"].includes(code)) return undefined;
    throw new Failure(`${path}: the login cannot be read (${code}).`, { cause });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
