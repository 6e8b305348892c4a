import type { CloudClient } from "../../lib/cloud/client.ts";
import type { Fault, FaultClass, Outcome } from "../../lib/cloud/faults.ts";
import type { HeatStackDetail } from "../../lib/cloud/schema.ts";

/** A cloud as a plain object that answers at once: what it holds, how it is, and what it was asked. */
export type PlainCloud = {
  client: CloudClient;
  /** By id, in the order in which Heat lists them. */
  heatStacks: Map<string, HeatStackDetail>;
  /** When the newest event of a heat stack happened, by its id. */
  events: Map<string, string>;
  project_id: string;
  /** Every call that needs Heat ends in it. */
  fault?: Fault | undefined;
  /** The same, for single heat stacks by name. */
  stackFaults: Map<string, Fault>;
  /** Keystone's version document ends in it. */
  versionFault?: Fault | undefined;
  takesLogin: boolean;
  /** The list breaks off after so many. */
  listBreaksAfter?: number | undefined;
  /** A bug of ours: a call throws. */
  bug?: Error | undefined;
  /** The same, for single heat stacks by name. */
  stackBugs: Map<string, Error>;
  /** In order: `list 1 first login`, `version`, `find web`, `show web`, `events web`. */
  calls: string[];
};

/** A fault as the client gives it. */
export function fault(faultClass: FaultClass, code: string, status?: number): Fault {
  const message = `GET heat.test: ${code}`;
  return { class: faultClass, code, message, ...(status === undefined ? {} : { status }) };
}

export const silences: Fault[] = [
  fault("path", "refused"),
  fault("path", "dns"),
  fault("path", "reset"),
  fault("service", "timeout"),
  fault("service", "http_503", 503),
];

export const otherFaults: Fault[] = [
  fault("credentials", "login_rejected", 401),
  fault("credentials", "forbidden", 403),
  fault("answer", "http_429", 429),
  fault("answer", "not_json", 200),
  fault("config", "certificate_expired"),
  fault("stack", "update_failed"),
];

/** A healthy cloud without a heat stack. */
export function plainCloud(): PlainCloud {
  const answer = async <T>(call: string, value: () => T): Promise<Outcome<T>> => {
    cloud.calls.push(call);
    if (cloud.bug) throw cloud.bug;
    return cloud.fault ? { ok: false, fault: cloud.fault } : { ok: true, value: value() };
  };
  const ofStack = async <T>(call: string, name: string, value: () => T): Promise<Outcome<T>> => {
    const own = cloud.stackFaults.get(name);
    const bug = cloud.stackBugs.get(name);
    if (bug) throw bug;
    if (!own) return answer(`${call} ${name}`, value);
    cloud.calls.push(`${call} ${name}`);
    return { ok: false, fault: own };
  };
  const present = () =>
    [...cloud.heatStacks.values()]
      .filter(({ heat_status }) => heat_status !== "DELETE_COMPLETE")
      .map(({ parameters: _, timeout_mins: __, project_id: ___, ...entry }) => entry);
  const client: CloudClient = {
    credential_hash: "credential-1",
    listStacks: async ({ limit, pages, login }) => {
      const call = `list ${limit} ${pages}${login ? " login" : ""}`;
      if (!cloud.takesLogin) {
        cloud.calls.push(call);
        const code = login ? "login_rejected" : "login_paused";
        return { ok: false, fault: fault("credentials", code, 401) };
      }
      return answer(call, () => {
        const { project_id, listBreaksAfter } = cloud;
        const most = listBreaksAfter ?? (pages === "first" ? limit : undefined);
        const stacks = present().slice(0, most);
        return { project_id, stacks, complete: stacks.length === present().length };
      });
    },
    askVersion: async () => {
      cloud.calls.push("version");
      const silent = cloud.versionFault ?? cloud.fault;
      return silent ? { ok: false, fault: silent } : { ok: true, value: undefined };
    },
    findStack: (name) =>
      ofStack("find", name, () => {
        const stack = present().find(({ stack_name }) => stack_name === name);
        return { project_id: cloud.project_id, ...(stack ? { stack } : {}) };
      }),
    showStack: ({ stack_name, heat_stack_id }) =>
      ofStack("show", stack_name, () => {
        const found = cloud.heatStacks.get(heat_stack_id);
        return found?.project_id === cloud.project_id ? structuredClone(found) : undefined;
      }),
    newestEvent: ({ stack_name, heat_stack_id }) =>
      ofStack("events", stack_name, () => cloud.events.get(heat_stack_id)),
    patchCount: ({ stack_name }, _, count) =>
      ofStack(`patch ${count}`, stack_name, () => undefined),
  };
  const cloud: PlainCloud = {
    client,
    heatStacks: new Map(),
    events: new Map(),
    project_id: "project-1",
    stackFaults: new Map(),
    stackBugs: new Map(),
    takesLogin: true,
    calls: [],
  };
  return cloud;
}

type Put = Partial<Omit<HeatStackDetail, "parameters">> & { count?: string | number };

/** Puts a heat stack into a cloud; one of the same id keeps what is not named. */
export function putHeatStack(cloud: PlainCloud, { count, ...rest }: Put = {}): HeatStackDetail {
  const id = rest.heat_stack_id ?? "id-1";
  const before: HeatStackDetail = cloud.heatStacks.get(id) ?? {
    heat_stack_id: id,
    stack_name: "web",
    heat_status: "UPDATE_COMPLETE",
    reason: "Stack UPDATE completed successfully",
    creation_time: "2025-12-01T00:00:00Z",
    updated_time: "2025-12-31T12:00:00Z",
    timeout_mins: 60,
    project_id: cloud.project_id,
    parameters: new Map([["count", "4"]]),
  };
  const parameters = count === undefined ? before.parameters : new Map([["count", String(count)]]);
  const detail = { ...before, ...rest, parameters };
  cloud.heatStacks.set(id, detail);
  return detail;
}
