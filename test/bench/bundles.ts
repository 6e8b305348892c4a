import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Row, row } from "./measure.ts";
import { bundle } from "./shipped.ts";

const bars = { api: 600, probe: 1300, reconcile: 1300 };
const INITS = 20;

/** Size of each function as SST bundles it, and how long a fresh process takes to load it. */
export async function bundleRows(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), "heat-spreader-bench-"));
  try {
    const rows: Row[] = [];
    for (const [name, bar] of Object.entries(bars)) {
      const file = await bundle(name, directory);
      const values = [statSync(file).size / 1000];
      rows.push(
        row({ what: "bundle, minified, without map", size: name, unit: "kB", values, bar }),
      );
      const inits = Array.from({ length: INITS }, () => initMs(file));
      const what = "init: import in a fresh process";
      rows.push(row({ what, size: name, unit: "ms", values: inits, bar: 150 }));
    }
    return rows;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function initMs(file: string): number {
  const script = `const from = performance.now();
    const { handler } = await import(${JSON.stringify(pathToFileURL(file).href)});
    if (typeof handler !== "function") throw new Error("no handler");
    process.stdout.write(String(performance.now() - from), () => process.exit());`;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
    env: {
      ...{ TABLE_NAME: "heat-spreader", BUS_NAME: "facts", AWS_REGION: "eu-west-1" },
      ...{ AWS_ACCESS_KEY_ID: "nobody", AWS_SECRET_ACCESS_KEY: "nobody" },
      CLOUDS_YAML: JSON.stringify({ clouds }),
      LOG_LEVEL: "ERROR",
    },
  });
  return Number(output);
}

const names = ["athens", "manchester", "stockholm"];
const clouds = Object.fromEntries(
  names.map((name) => {
    const who = { username: "u", password: "p", project_name: "p" };
    const domains = { user_domain_name: "Default", project_domain_name: "Default" };
    return [name, { auth: { auth_url: `https://${name}.example:5000/v3`, ...who, ...domains } }];
  }),
);
