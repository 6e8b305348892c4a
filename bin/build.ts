import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Bundles the command line, and the functions that `run` imports, for Node 22.19: to dist/, or the directory named. */
const root = fileURLToPath(new URL("..", import.meta.url));
const outdir = process.argv[2] ?? `${root}dist`;

await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ["bin/heat-spreader.ts"],
  outdir,
  bundle: true,
  // `version` must not wait for what only `run` needs.
  splitting: true,
  platform: "node",
  format: "esm",
  target: "node22",
  // Dependencies are installed beside it, each in its own version.
  packages: "external",
  logLevel: "warning",
});
