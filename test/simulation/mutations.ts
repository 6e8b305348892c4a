import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mutation, mutated, mutations } from "./broken-rules.ts";

/** `node test/simulation/mutations.ts [part of a rule]`; `SEEDS=` how many to try before giving up. */
const { SEEDS = "3000" } = process.env;
const [wanted = ""] = process.argv.slice(2);
const root = new URL("../../", import.meta.url).pathname;
let survivors = 0;
console.log("| broken rule | caught by | after seeds |\n|---|---|---|");
for (const mutation of mutations.filter(({ rule }) => rule.includes(wanted))) {
  const caught = await outcomeOf(mutation);
  if (!caught) survivors += 1;
  console.log(
    `| ${mutation.rule} | ${caught?.by ?? "nobody"} | ${caught?.after ?? `> ${SEEDS}`} |`,
  );
}
process.exitCode = survivors > 0 ? 1 : 0;

/** Breaks the rule in a copy of the product, and plays seeds there until one fails. */
async function outcomeOf(mutation: Mutation) {
  const copy = await mkdtemp(join(tmpdir(), "mutation-"));
  try {
    for (const part of ["lib", "test/simulation", "test/support", "package.json"]) {
      await cp(join(root, part), join(copy, part), { recursive: true });
    }
    await symlink(join(root, "node_modules"), join(copy, "node_modules"));
    await writeFile(join(copy, mutation.file), await mutated(copy, mutation));
    const output = await printed(join(copy, "test/simulation/simulate.ts"));
    const by = /^SEED=\d+ npm run simulate {3}# ([^:]*):/m.exec(output)?.[1];
    const after = /^(\d+) seeds from/m.exec(output)?.[1];
    return by ? { by, after } : undefined;
  } finally {
    await rm(copy, { recursive: true });
  }
}

function printed(file: string): Promise<string> {
  const env = { ...process.env, SEEDS, PATIENCE: "1" };
  return new Promise((resolve) => {
    execFile(process.execPath, [file], { env, maxBuffer: 1e8 }, (_, stdout) => resolve(stdout));
  });
}
