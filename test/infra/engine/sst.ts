import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { text } from "node:stream/consumers";
import { offlineAws } from "./aws.ts";

type Options = {
  /** Where sst.config.ts is. */
  directory: string;
  /** Values of secrets, by name. */
  secrets?: Record<string, string>;
  /** The file that the plan goes to. */
  plan?: string;
};

const root = join(import.meta.dirname, "../../..");

/**
 * Runs the unmodified `sst` with these arguments, with all that it asks of AWS and of Pulumi answered on
 * loopback. Nothing of this environment that could name an account reaches it. Resolves with its exit
 * code and all that it printed.
 */
export async function sst(
  args: string[],
  options: Options,
): Promise<{ code: number; printed: string }> {
  const { directory, secrets = {}, plan } = options;
  const aws = await offlineAws();
  const pulumi = join(import.meta.dirname, "pulumi.ts");
  const child = spawn(join(root, "node_modules/.bin/sst"), args, {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...withoutAccount(process.env),
      PATH: `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH}`,
      XDG_CONFIG_HOME: homeWith(pulumi),
      SST_PULUMI_PATH: pulumi,
      SST_SKIP_DEPENDENCY_CHECK: "1",
      SST_NO_BUN: "1",
      SST_TELEMETRY_DISABLED: "1",
      DO_NOT_TRACK: "1",
      CI: "1",
      AWS_ENDPOINT_URL: aws.url,
      AWS_ACCESS_KEY_ID: "AKIAOFFLINE",
      AWS_SECRET_ACCESS_KEY: "offline",
      AWS_EC2_METADATA_DISABLED: "true",
      ...(plan ? { SST_OFFLINE_PLAN: plan } : {}),
      ...Object.fromEntries(Object.entries(secrets).map(([k, v]) => [`SST_SECRET_${k}`, v])),
    },
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  aws.close();
  return { code: code ?? 1, printed: out + err };
}

/** An environment without anything that could name, or unlock, an account. */
export function withoutAccount(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const theirs = /^(AWS|SST|PULUMI|CLOUDFLARE)_/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !theirs.test(name)));
}

/** SST's own home directory. `sst` starts `pulumi stack init` from there, whatever SST_PULUMI_PATH says. */
function homeWith(pulumi: string): string {
  const home = join(root, ".offline");
  const directory = join(home, "sst/bin");
  mkdirSync(directory, { recursive: true });
  const link = join(directory, "pulumi");
  if (!existsSync(link)) symlinkSync(relative(directory, pulumi), link);
  return home;
}

if (import.meta.main) {
  const { code, printed } = await sst(process.argv.slice(2), { directory: process.cwd() });
  process.stdout.write(printed);
  process.exitCode = code;
}
