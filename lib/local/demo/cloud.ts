import { randomBytes } from "node:crypto";
import { heat } from "./heat.ts";
import { running, type UpdateTime } from "./heat-stack.ts";
import { keystone } from "./keystone.ts";
import { type Load, noLoad, type Service, service } from "./service.ts";

export type CloudOptions = {
  name: string;
  /** Added to every answer. */
  latencyMs?: number;
  /** How long an update takes; by default 2 s, and 0.3 s more for every instance that comes or goes. */
  updateMs?: number | UpdateTime;
  /** Heat stacks that are there from the start, by name, with their count. */
  stacks?: Record<string, number>;
  tokenLifetimeMs?: number;
};

/** What one heat stack is: the wish (`count`), and how many instances run. */
export type StackState = { id: string; count: string; running: number; status: string };

export type SimulatedCloud = {
  name: string;
  /** Its entry in clouds.yaml. */
  entry: Record<string, unknown>;
  /** The same, with an application credential. */
  applicationEntry: Record<string, unknown>;
  keystone: Service;
  heat: Service;
  /** Of both services together. */
  requests: () => Load;
  /** Both services refuse connections; running updates go on, as after the loss of a network. */
  down: () => Promise<void>;
  /** Both accept connections and never answer. */
  freeze: () => void;
  up: () => Promise<void>;
  stop: () => Promise<void>;
  stack: (name: string) => StackState | undefined;
  addStack: (name: string, count: number) => void;
  /** Every PATCH that was accepted, oldest first. */
  patches: { at: number; stack_name: string; count: number }[];
  /** The password that it takes from now on. */
  setPassword: (password: string) => void;
  /** Updates to more instances than this fail, as under a quota. */
  setMost: (most: number) => void;
};

const updateByDefault: UpdateTime = (changed) => 2000 + 300 * changed;

/** One OpenStack cloud in this process: Keystone and Heat over real HTTP on two loopback ports. */
export async function simulatedCloud(options: CloudOptions): Promise<SimulatedCloud> {
  const { name, latencyMs = 0, updateMs = updateByDefault, stacks = {} } = options;
  const project = { id: randomBytes(16).toString("hex"), name: "demo" };
  const user = { id: randomBytes(16).toString("hex"), name: "demo", password: secret() };
  const applicationCredential = { id: randomBytes(16).toString("hex"), secret: secret() };
  const patches: SimulatedCloud["patches"] = [];
  const origins = { keystone: "", heat: "" };
  const identity = keystone({
    ...{ project, user, applicationCredential },
    tokenLifetimeMs: options.tokenLifetimeMs ?? 3_600_000,
    endpoints: () => origins,
  });
  const orchestration = heat({
    projectId: project.id,
    origin: () => origins.heat,
    isValid: identity.isValid,
    updateTime: typeof updateMs === "number" ? () => updateMs : updateMs,
    onPatch: (stack_name, count) => patches.push({ at: Date.now(), stack_name, count }),
  });
  for (const [stack, count] of Object.entries(stacks)) orchestration.add(stack, count);
  const load = noLoad();
  const services = {
    keystone: await service({ answer: identity.answer, latencyMs, loads: [load] }),
    heat: await service({ answer: orchestration.answer, latencyMs, loads: [load] }),
  };
  origins.keystone = services.keystone.origin;
  origins.heat = services.heat.origin;
  const both = Object.values(services);
  const down = async () => void (await Promise.all(both.map((each) => each.down())));
  return {
    name,
    ...entriesOf({ user, project, applicationCredential, keystoneOrigin: origins.keystone }),
    ...services,
    requests: () => ({ ...load }),
    down,
    freeze: () => {
      for (const each of both) each.freeze();
    },
    up: async () => void (await Promise.all(both.map((each) => each.up()))),
    stop: down,
    stack: (stackName) => {
      const stack = orchestration.find(stackName);
      if (!stack) return undefined;
      const { id, status, parameters } = stack;
      return {
        id,
        status,
        count: parameters.get("count") ?? "",
        running: running(stack, Date.now()),
      };
    },
    addStack: orchestration.add,
    patches,
    setPassword: identity.setPassword,
    setMost: orchestration.setMost,
  };
}

/** What clouds.yaml says of it: with a password, and with an application credential. */
function entriesOf(of: {
  user: { name: string; password: string };
  project: { name: string };
  applicationCredential: { id: string; secret: string };
  keystoneOrigin: string;
}): Pick<SimulatedCloud, "entry" | "applicationEntry"> {
  const { user, project, applicationCredential } = of;
  const auth_url = `${of.keystoneOrigin}/v3`;
  const domain = { user_domain_name: "Default", project_domain_name: "Default" };
  const place = { region_name: "RegionOne", interface: "public", identity_api_version: "3" };
  return {
    entry: {
      auth: {
        ...{ auth_url, username: user.name, password: user.password, project_name: project.name },
        ...domain,
      },
      ...place,
    },
    applicationEntry: {
      auth_type: "v3applicationcredential",
      auth: {
        auth_url,
        application_credential_id: applicationCredential.id,
        application_credential_secret: applicationCredential.secret,
      },
      ...place,
    },
  };
}

function secret(): string {
  return randomBytes(18).toString("base64url");
}
