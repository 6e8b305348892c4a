import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { withoutAccount } from "./engine/sst.ts";

/**
 * `npm run test:infra [-- --update] [-- FILE...]`: installs what the suite has of its own (AWS's runtime
 * client compiles native code, so the project's own install does without it), then runs the suite.
 * `--update` rewrites the plans in test/infra/plans.
 */
const here = import.meta.dirname;
const root = join(here, "../..");
const [options, files] = [true, false].map((isOption) =>
  process.argv.slice(2).filter((argument) => argument.startsWith("--") === isOption),
);

if (!isInstalled()) run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: here });
const all = globSync("test/infra/*.infra.ts", { cwd: root }).sort();
const chosen = files !== undefined && files.length > 0 ? files : all;
const update = options?.includes("--update") ? { UPDATE_PLANS: "1" } : {};
const env = { ...withoutAccount(process.env), ...update };
run(process.execPath, ["--test", ...chosen], { cwd: root, env });

/** npm leaves a copy of the lock file that it installed from, less the package itself. */
function isInstalled(): boolean {
  const installed = join(here, "node_modules/.package-lock.json");
  if (!existsSync(installed)) return false;
  const { "": _, ...wanted } = packages(join(here, "package-lock.json"));
  return JSON.stringify(wanted) === JSON.stringify(packages(installed));
}

function packages(lock: string): Record<string, unknown> {
  return JSON.parse(readFileSync(lock, "utf8")).packages;
}

function run(command: string, args: string[], options: { cwd: string; env?: NodeJS.ProcessEnv }) {
  const { status } = spawnSync(command, args, { stdio: "inherit", ...options });
  if (status !== 0) process.exit(status ?? 1);
}
