import { readFileSync, writeFileSync } from "node:fs";
import { openapi } from "./openapi.ts";

/** Writes docs/openapi.json; with --check, fails if it is not what the contract says. */
const file = new URL("../../docs/openapi.json", import.meta.url);
const text = `${JSON.stringify(openapi(), null, 2)}\n`;

if (!process.argv.includes("--check")) {
  writeFileSync(file, text);
} else if (readOrNothing() !== text) {
  process.stderr.write("docs/openapi.json is not what the contract says: run `npm run openapi`.\n");
  process.exitCode = 1;
}

function readOrNothing(): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
