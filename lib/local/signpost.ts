import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { makeDirectory } from "./files.ts";

const Signpost = z.object({ database: z.string() });

/**
 * Leaves in the state directory, for this user's eyes only, which database is behind the API at this
 * url: a command line that knows the url alone then finds the token. Answers what takes it away.
 */
export function putUpSignpost(options: {
  stateDirectory: string;
  url: string;
  database: string;
}): () => void {
  const { stateDirectory, url, database } = options;
  const path = fileOf(stateDirectory, url);
  makeDirectory(stateDirectory);
  removeStale(stateDirectory, database);
  rmSync(path, { force: true });
  writeFileSync(path, `${JSON.stringify({ database })}\n`, { mode: 0o600, flag: "wx" });
  return () => {
    // Another runtime may have the port by now.
    if (databaseAt({ stateDirectory, url }) === database) rmSync(path, { force: true });
  };
}

/** A database has one runtime at a time: what else points to it was left by one that was killed. */
function removeStale(stateDirectory: string, database: string): void {
  const paths = readdirSync(stateDirectory)
    .filter((name) => /^port-\d+\.json$/.test(name))
    .map((name) => join(stateDirectory, name));
  for (const path of paths) if (databaseIn(path) === database) rmSync(path, { force: true });
}

/** Which database this user's runtime at the url works on, or did; undefined: none is known there. */
export function databaseAt(options: { stateDirectory: string; url: string }): string | undefined {
  return databaseIn(fileOf(options.stateDirectory, options.url));
}

function databaseIn(path: string): string | undefined {
  try {
    const text = readFileSync(path, "utf8");
    return Signpost.parse(JSON.parse(text)).database;
  } catch {
    return undefined;
  }
}

function fileOf(stateDirectory: string, url: string): string {
  const { port, protocol } = new URL(url);
  return join(stateDirectory, `port-${port || (protocol === "https:" ? 443 : 80)}.json`);
}
