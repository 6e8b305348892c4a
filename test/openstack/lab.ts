import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const script = join(import.meta.dirname, "lab");

type Region = { region: string; heat_port: number; heat_url: string };
type LabCloud = {
  keystone_url: string;
  password: string;
  project_id: string;
  regions: Record<string, Region>;
};

/** Real Keystones and Heats on loopback (test/openstack/lab), in a state folder of their own. */
export type Lab = {
  cloudsFile: string;
  /** Runs the lab's command line: `stop athens`, `freeze cyprus-two`, `heal` ... */
  do: (...words: string[]) => Promise<void>;
  /** A person's own client of one cloud, beside ours: logs in by password as the same user. */
  heat: (cloud: string) => Promise<OwnHeat>;
};

export type OwnHeat = {
  /** The members of the ResourceGroup that really are there, by name. */
  members: (stack: string) => Promise<string[]>;
  show: (stack: string) => Promise<{ stack_status: string; parameters: Record<string, string> }>;
  /** Changes one parameter as a person would. */
  patch: (stack: string, parameters: Record<string, string>) => Promise<void>;
};

/** Brings up three clouds and a pair of regions that share a Keystone; the first time it installs packages. */
export async function labUp(directory: string, basePort: number): Promise<Lab> {
  const env = { ...process.env, LAB_DIR: directory, LAB_BASE_PORT: String(basePort) };
  const lab = async (...words: string[]) => {
    await run(script, words, { env, maxBuffer: 16 * 1024 * 1024 });
  };
  await lab("up", "3");
  const state = JSON.parse(await readFile(join(directory, "lab.json"), "utf8")) as {
    clouds: Record<string, LabCloud>;
  };
  return {
    cloudsFile: join(directory, "clouds.yaml"),
    do: lab,
    heat: (name) => ownHeat(state.clouds, name),
  };
}

async function ownHeat(clouds: Record<string, LabCloud>, name: string): Promise<OwnHeat> {
  const found = Object.values(clouds).find(({ regions }) => Object.hasOwn(regions, name));
  const region = found?.regions[name];
  if (!found || !region) throw new Error(`the lab has no cloud ${name}`);
  const token = await login(found);
  const base = `${region.heat_url}/${found.project_id}/stacks`;
  const headers = {
    "X-Auth-Token": token,
    Accept: "application/json",
    "Content-Type": "application/json",
  };
  const call = async (path: string, init: RequestInit = {}) => {
    const reply = await fetch(`${base}/${path}`, {
      ...init,
      headers,
      signal: AbortSignal.timeout(20_000),
    });
    if (reply.status >= 400)
      throw new Error(`${name}: ${init.method ?? "GET"} ${path}: ${reply.status}`);
    return reply;
  };
  type Shown = {
    stack: {
      stack_status: string;
      parameters: Record<string, string>;
      outputs: { output_key: string; output_value: unknown }[];
    };
  };
  const show = async (stack: string) => ((await (await call(stack)).json()) as Shown).stack;
  return {
    show,
    members: async (stack) => {
      const servers = (await show(stack)).outputs.find(
        ({ output_key }) => output_key === "servers",
      );
      const names = Array.isArray(servers?.output_value) ? servers.output_value : [];
      return names.filter((member): member is string => typeof member === "string");
    },
    patch: async (stack, parameters) => {
      await call(stack, { method: "PATCH", body: JSON.stringify({ parameters }) });
    },
  };
}

async function login({ keystone_url, password }: LabCloud): Promise<string> {
  const domain = { name: "Default" };
  const reply = await fetch(`${keystone_url}/auth/tokens`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      auth: {
        identity: { methods: ["password"], password: { user: { name: "demo", domain, password } } },
        scope: { project: { name: "demo", domain } },
      },
    }),
    signal: AbortSignal.timeout(20_000),
  });
  const token = reply.headers.get("X-Subject-Token");
  if (!token) throw new Error(`Keystone answered the lab's own login with ${reply.status}`);
  return token;
}
