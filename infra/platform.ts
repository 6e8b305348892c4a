import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Installs what sst.config.ts and infra are type-checked against (.sst/platform), unless it is there
 * in the version of the package `sst`. Needs npm and its registry only: no AWS, no account.
 */
const root = join(import.meta.dirname, "..");
const installed = join(root, ".sst/platform/version");
/** Written last: without it, an installation was interrupted. */
const complete = join(root, ".sst/provider-lock.json");
const { version } = JSON.parse(readFileSync(join(root, "node_modules/sst/package.json"), "utf8"));

if (
  ![installed, complete].every(existsSync) ||
  readFileSync(installed, "utf8").trim() !== version
) {
  const { status, error } = spawnSync("sst", ["install", "--stage", "ci"], {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}`,
      // By npm, and without the tools that only a deploy needs.
      ...{ SST_NO_BUN: "1", SST_SKIP_DEPENDENCY_CHECK: "1", SST_TELEMETRY_DISABLED: "1" },
    },
  });
  if (error) throw error;
  process.exitCode = status ?? 1;
}
