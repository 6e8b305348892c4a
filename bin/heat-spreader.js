#!/usr/bin/env node
import { existsSync } from "node:fs";

// Plain JavaScript, so that a Node that is too old can say so. In a checkout the source runs as it
// is; an installed package has dist, because Node strips no types under node_modules.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`heat-spreader needs Node 22.19 or newer; this is ${process.version}.\n`);
  process.exitCode = 1;
} else {
  const source = new URL("heat-spreader.ts", import.meta.url);
  const built = new URL("../dist/heat-spreader.js", import.meta.url);
  await import(existsSync(source) ? source.href : built.href);
}
