import { cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Text of a file of the project that becomes another; what was there must be there exactly once. */
export type Change = { file: string; from: string; to: string };

/** All that a deployment is made from, and which providers `sst install` brought. */
const needed = [
  "sst.config.ts",
  "package.json",
  "tsconfig.json",
  "infra",
  "functions",
  "lib",
  ".sst/provider-lock.json",
];

/**
 * A copy of the project, with these changes, to deploy from: SST works beside its configuration, one
 * command at a time, and overwrites what the one before left. No directory above it may have ".sst" in
 * its name: SST would take the program for its own code, and withhold its globals.
 */
export async function copyOf(
  root: string,
  directory: string,
  { changes = [], parts = [] }: { changes?: Change[] | undefined; parts?: string[] } = {},
): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(join(directory, ".sst"), { recursive: true });
  for (const part of [...needed, ...parts]) {
    await cp(join(root, part), join(directory, part), { recursive: true, verbatimSymlinks: true });
  }
  for (const link of ["node_modules", ".sst/platform"]) {
    await symlink(join(root, link), join(directory, link));
  }
  for (const change of changes) await apply(directory, change);
}

/** Carries a change out in a directory. Throws unless it fits in exactly one place. */
async function apply(directory: string, { file, from, to }: Change): Promise<void> {
  const path = join(directory, file);
  const text = await readFile(path, "utf8");
  const [before, after, ...more] = text.split(from);
  if (after === undefined || more.length > 0) throw new Error(`${file} has not one "${from}".`);
  await writeFile(path, `${before}${to}${after}`);
}
