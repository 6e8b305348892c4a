import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "../..");

/** The command as it is shipped (bin/build.ts), built to a directory from which packages resolve. */
export function shippedCommand(): string {
  const cache = join(root, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, "heat-spreader-bench-"));
  execFileSync(process.execPath, [join(root, "bin/build.ts"), directory], { stdio: "inherit" });
  return join(directory, "heat-spreader.js");
}

/** One function bundled as SST bundles it with `minify`, its source map left out. Answers the file. */
export async function bundle(name: string, directory: string): Promise<string> {
  const outfile = join(directory, name, "bundle.mjs");
  await build({
    absWorkingDir: root,
    entryPoints: [`functions/${name}.ts`],
    outfile,
    bundle: true,
    minify: true,
    keepNames: true,
    platform: "node",
    format: "esm",
    target: "es2024",
    mainFields: ["module", "main"],
    external: ["sharp", "pg-native"],
    banner: {
      js: [
        'import { createRequire as topLevelCreateRequire } from "module";',
        "const require = topLevelCreateRequire(import.meta.url);",
        'import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url";',
        "const __filename = topLevelFileUrlToPath(import.meta.url);",
        'const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url));',
      ].join("\n"),
    },
    logLevel: "warning",
  });
  return outfile;
}
