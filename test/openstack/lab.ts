import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { until } from "../support/until.ts";

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
  /** The same, with settings of the services that it starts. */
  doWith: (settings: Record<string, string>, ...words: string[]) => Promise<void>;
  /** Where a cloud's Keystone and Heat listen. */
  ports: (cloud: string) => { keystone: number; heat: number };
  /** The processes that are a cloud's Keystone and Heat: each leads a group of its own. */
  processes: (cloud: string) => Promise<number[]>;
  /** A person's own client of one cloud, beside ours: by password, as the user that ours is unless said. */
  heat: (cloud: string, user?: "demo" | "admin") => Promise<OwnHeat>;
};

type HeatStack = {
  id: string;
  stack_status: string;
  parameters: Record<string, string>;
};

/** A resource of the stack, or of the group inside it. */
type HeatResource = { resource_name: string; resource_status: string; parent_resource?: string };

export type OwnHeat = {
  /**
   * The members of the ResourceGroup that really are there, by name. Not from the outputs: Heat keeps
   * those that were read while an update ended, old ones, until the next (heat/engine/service.py).
   */
  members: (stack: string) => Promise<string[]>;
  show: (stack: string) => Promise<HeatStack>;
  /** Times that an update of the stack began, ever. */
  updates: (stack: string) => Promise<number>;
  /** These four return when Heat has taken it on, not when it is done. */
  create: (stack: string, options: CreateOptions) => Promise<void>;
  /** Changes parameters as a person would. */
  patch: (stack: string, parameters: Record<string, string>) => Promise<void>;
  /** Another template, all parameters given anew. */
  replace: (stack: string, options: CreateOptions) => Promise<void>;
  remove: (stack: string) => Promise<void>;
};

export type CreateOptions = {
  template: string;
  parameters: Record<string, string>;
  /** Heat's own default: a failed update stays as it failed. */
  rollback?: boolean;
};

/** A template of test/openstack/templates. */
export function template(name: "servers" | "limited"): Promise<string> {
  return readFile(join(import.meta.dirname, "templates", `${name}.yaml`), "utf8");
}

/** Brings up three clouds and a pair of regions that share a Keystone; the first time it installs packages. */
export async function labUp(directory: string, basePort: number): Promise<Lab> {
  const env = { ...process.env, LAB_DIR: directory, LAB_BASE_PORT: String(basePort) };
  const output = async (settings: Record<string, string>, words: string[]) => {
    const options = { env: { ...env, ...settings }, maxBuffer: 16 * 1024 * 1024 };
    return (await run(script, words, options)).stdout;
  };
  const doWith: Lab["doWith"] = async (settings, ...words) => {
    await output(settings, words);
  };
  const lab: Lab["do"] = (...words) => doWith({}, ...words);
  await lab("up", "3").catch(async (error: unknown) => {
    await lab("down");
    throw error;
  });
  const state = JSON.parse(await readFile(join(directory, "lab.json"), "utf8")) as {
    clouds: Record<string, LabCloud>;
  };
  return {
    cloudsFile: join(directory, "clouds.yaml"),
    do: lab,
    doWith,
    ports: (name) => {
      const { cloud, region } = placeOf(state.clouds, name);
      return { keystone: Number(new URL(cloud.keystone_url).port), heat: region.heat_port };
    },
    processes: async (name) => {
      const { processes } = JSON.parse(await output({}, ["status", "--json"])) as {
        processes: { name: string; pid: number | null }[];
      };
      const own = processes.filter((one) => one.name.startsWith(`${name}.`));
      return own.flatMap(({ pid }) => (pid === null ? [] : [pid]));
    },
    heat: (name, user = "demo") => ownHeat(state.clouds, name, user),
  };
}

function placeOf(clouds: Record<string, LabCloud>, name: string) {
  const cloud = Object.values(clouds).find(({ regions }) => Object.hasOwn(regions, name));
  const region = cloud?.regions[name];
  if (!cloud || !region) throw new Error(`the lab has no cloud ${name}`);
  return { cloud, region };
}

async function ownHeat(
  clouds: Record<string, LabCloud>,
  name: string,
  user: string,
): Promise<OwnHeat> {
  const { cloud, region } = placeOf(clouds, name);
  const token = await login(cloud, user);
  const base = `${region.heat_url}/${cloud.project_id}/stacks`;
  const headers = {
    "X-Auth-Token": token,
    Accept: "application/json",
    "Content-Type": "application/json",
  };
  const call = async (path: string, method = "GET", body?: unknown) => {
    const reply = await fetch(`${base}${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(20_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (reply.status >= 400) throw new Error(`${name}: ${method} ${path}: ${reply.status}`);
    return reply;
  };
  const pathOf = async (stack: string) => {
    const { stacks } = (await (await call(`?name=${stack}`)).json()) as { stacks: HeatStack[] };
    const [found] = stacks;
    if (!found) throw new Error(`${name} has no stack ${stack}`);
    return `/${stack}/${found.id}`;
  };
  const written = ({ template, parameters, rollback = false }: CreateOptions) => {
    return { template, parameters, disable_rollback: !rollback, timeout_mins: 5 };
  };
  return {
    show: async (stack) => {
      const reply = await call(`${await pathOf(stack)}?resolve_outputs=false`);
      return ((await reply.json()) as { stack: HeatStack }).stack;
    },
    members: async (stack) => {
      const reply = await call(`${await pathOf(stack)}/resources?nested_depth=1`);
      const { resources } = (await reply.json()) as { resources: HeatResource[] };
      const there = resources.filter(({ parent_resource, resource_status }) => {
        const isMade = resource_status === "CREATE_COMPLETE" || /^UPDATE_/.test(resource_status);
        return parent_resource === "servers" && isMade;
      });
      return [...new Set(there.map(({ resource_name }) => resource_name))];
    },
    updates: async (stack) => {
      const reply = await call(`${await pathOf(stack)}/events?resource_name=${stack}`);
      const { events } = (await reply.json()) as {
        events: { resource_name: string; resource_status: string }[];
      };
      return events.filter(({ resource_name, resource_status }) => {
        return resource_name === stack && resource_status === "UPDATE_IN_PROGRESS";
      }).length;
    },
    create: async (stack, options) => {
      // A Heat whose Keystone was away answers the first one with a 500, now and then; 409: it was made.
      const taken = async () =>
        call("", "POST", { stack_name: stack, ...written(options) }).then(
          () => true,
          ({ message }: Error) => {
            if (message.endsWith(": 409")) return true;
            if (/: 5\d\d$/.test(message)) return false;
            throw new Error(message);
          },
        );
      await until(`${name} takes on ${stack}`, taken, 60_000, 500);
    },
    patch: async (stack, parameters) => {
      await call(`/${stack}`, "PATCH", { parameters });
    },
    replace: async (stack, options) => {
      await call(`/${stack}`, "PUT", written(options));
    },
    remove: async (stack) => {
      await call(`/${stack}`, "DELETE");
    },
  };
}

async function login({ keystone_url, password }: LabCloud, name: string): Promise<string> {
  const domain = { name: "Default" };
  const reply = await fetch(`${keystone_url}/auth/tokens`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      auth: {
        identity: { methods: ["password"], password: { user: { name, domain, password } } },
        scope: { project: { name: "demo", domain } },
      },
    }),
    signal: AbortSignal.timeout(20_000),
  });
  const token = reply.headers.get("X-Subject-Token");
  if (!token) throw new Error(`Keystone answered the lab's own login with ${reply.status}`);
  return token;
}
