import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { glob, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { type Change, copyOf } from "./engine/copy.ts";
import type { Plan } from "./engine/planned.ts";
import { sst } from "./engine/sst.ts";
import { everything, existing, fixedAddresses, LONGEST } from "./everything.ts";

type Wanted = { stage: string; changes?: Change[]; secrets?: Record<string, string> };

const cloud = {
  auth_type: "v3applicationcredential",
  auth: {
    auth_url: "https://keystone.infra-suite.example.com/v3",
    application_credential_id: "infra-suite-credential-id",
    application_credential_secret: "infra-suite-credential-secret",
  },
};
const CloudsYaml = stringify({ clouds: { athens: cloud, manchester: cloud } });

/** Values that would be recognised anywhere. */
export const secrets = {
  CloudsYaml,
  ApiTokens: `infra-suite-name:operator:${sha256("infra-suite-token")}`,
  WebhookToken: "infra-suite-webhook-token",
};

/** The deployments that the suite looks at. */
const scenarios = {
  production: { stage: "production" },
  dev: { stage: "dev" },
  // An issuer says who may call: no tokens are asked for.
  everything: {
    stage: "production",
    changes: everything,
    secrets: { CloudsYaml, WebhookToken: secrets.WebhookToken },
  },
  fixedAddresses: { stage: "production", changes: fixedAddresses },
  existing: { stage: LONGEST, changes: existing },
} satisfies Record<string, Wanted>;
export type Scenario = keyof typeof scenarios;

/** What came of one `sst deploy`. */
export type Deployment = {
  code: number;
  printed: string;
  /** A copy of the project, with what SST left in it. */
  directory: string;
  /** None where the program did not start. */
  plan: Plan | undefined;
};

const root = join(import.meta.dirname, "../..");
const offline = join(root, ".offline");

/**
 * The plan of a deployment that ended well: made now, or by an earlier call from the very same files.
 * Test files may ask at the same time: one of them makes it, and the others wait.
 */
export async function plan(scenario: Scenario): Promise<Plan> {
  const { code, printed, plan } = await deployment(scenario);
  if (code !== 0 || plan === undefined)
    throw new Error(`${scenario} was not deployed.\n${printed}`);
  return plan;
}

/** As `plan`, with all else that the deployment left. */
export function deployment(scenario: Scenario): Promise<Deployment> {
  const asked = deployments.get(scenario) ?? deployed(scenario);
  deployments.set(scenario, asked);
  return asked;
}
const deployments = new Map<Scenario, Promise<Deployment>>();

async function deployed(scenario: Scenario): Promise<Deployment> {
  mkdirSync(join(offline, "plans"), { recursive: true });
  const release = await exclusively(join(offline, "lock"));
  try {
    const file = join(offline, "plans", `${scenario}.json`);
    const madeFrom = await fingerprint();
    const known = existsSync(file) ? JSON.parse(await readFile(file, "utf8")) : {};
    if (known.madeFrom === madeFrom) return { ...known, directory: join(offline, scenario) };
    install();
    const { directory, ...made } = await deploy(scenario, scenarios[scenario]);
    if (made.code === 0) await writeFile(file, JSON.stringify({ madeFrom, ...made }, null, 1));
    return { ...made, directory };
  } finally {
    release();
  }
}

/** Deploys the project with these changes from a copy of that name; the deployment may fail. */
export async function deploy(name: string, given: Wanted): Promise<Deployment> {
  const directory = join(offline, name);
  await copyOf(root, directory, { changes: given.changes });
  const file = join(directory, "plan.json");
  const ended = await sst(["deploy", "--stage", given.stage], {
    directory,
    secrets: given.secrets ?? secrets,
    plan: file,
  });
  const plan = existsSync(file) ? JSON.parse(await readFile(file, "utf8")) : undefined;
  await rm(file, { force: true });
  return { ...ended, directory, plan };
}

/** The zip of a function, as SST would upload it. */
export async function zip(scenario: Scenario, name: string): Promise<string> {
  const { directory } = await deployment(scenario);
  return join(directory, ".sst/artifacts", name, "code.zip");
}

/** SST's own sources and providers, where they are not there yet. */
function install(): void {
  execFileSync(process.execPath, ["infra/platform.ts"], { cwd: root, stdio: "inherit" });
}

/** Waits for its turn. The lock is the operating system's, and ends with its process. */
async function exclusively(file: string): Promise<() => void> {
  for (;;) {
    const lock = new DatabaseSync(file, { timeout: 0 });
    try {
      lock.exec("BEGIN EXCLUSIVE");
      return () => lock.close();
    } catch (error) {
      lock.close();
      if ((error as { errcode?: number }).errcode !== 5) throw error;
      await sleep(50); // "database is locked"
    }
  }
}

/** Of every file that a plan is made from. */
async function fingerprint(): Promise<string> {
  const hash = createHash("sha256");
  const sources = [
    "sst.config.ts",
    "package-lock.json",
    "{infra,functions,lib,test/infra/engine}/**/*.ts",
    "test/infra/{plan,everything}.ts",
  ];
  const files = await Array.fromAsync(glob(sources, { cwd: root }));
  for (const file of files.sort()) hash.update(file).update(await readFile(join(root, file)));
  return hash.digest("hex");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
