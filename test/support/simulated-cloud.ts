import type { CloudClient, HeatStackRef } from "../../lib/cloud/client.ts";
import type { Fault, Outcome } from "../../lib/cloud/faults.ts";
import type { HeatStack, HeatStackDetail } from "../../lib/cloud/schema.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

/**
 * How the cloud answers: `hang` takes requests and carries them out once it is back; `errors` is a
 * 500 of everything; `lost_answers` carries a PATCH out, and its answer never comes; `rejects` is a
 * wrong password; `limits` a 429.
 */
export type Network = "up" | "refused" | "hang" | "errors" | "lost_answers" | "rejects" | "limits";
/** How updates end; `never` as after the death of an engine. */
export type UpdateEnd = "completes" | "fails" | "rolls_back" | "never";

type Update = { from: number; to: number; endsAt: number; end: UpdateEnd; isOvertaken: boolean };
type SimulatedStack = {
  id: string;
  name: string;
  parameters: Map<string, string>;
  status: string;
  reason: string;
  created: string;
  updated: string | null;
  /** Members that surely run. */
  runs: number;
  update?: Update;
};
type Patch = { ref: HeatStackRef; parameter: string; count: number };

export type SimulatedCloud = ReturnType<typeof simulatedCloud>;

/** A Heat in memory that does to its stacks what the real one was seen to do, in virtual time. */
export function simulatedCloud(name: string, scheduler: Scheduler, options: { updateMs: number }) {
  const stacks = new Map<string, SimulatedStack>();
  const late: (Patch & { at: number })[] = [];
  let nextId = 0;
  const cloud = {
    name,
    network: "up" as Network,
    updates: "completes" as UpdateEnd,
    updateMs: options.updateMs,
    project: `project-of-${name}`,
    /** A PATCH with more than this is a 400. */
    limit: 1_000_000,
    /** Every PATCH that Heat received, in order. */
    patches: [] as { stack_name: string; count: number; at: string }[],
    /** PATCHes that came while an update was under way, which real Heat ends in UPDATE_FAILED. */
    overtaken: 0,
    /** Told after each change of what runs. */
    onChange: () => {},

    add(stackName: string, count: number, parameter = "count") {
      nextId += 1;
      const id = `${name}-${nextId}`;
      stacks.set(id, {
        id,
        name: stackName,
        parameters: new Map([[parameter, String(count)]]),
        status: "CREATE_COMPLETE",
        reason: "Stack CREATE completed successfully",
        created: heatTime(scheduler.now()),
        updated: null,
        runs: count,
      });
    },
    find(stackName: string): SimulatedStack | undefined {
      settle();
      return [...stacks.values()].find((one) => one.name === stackName && !isDeleted(one));
    },
    remove(stackName: string) {
      const found = cloud.find(stackName);
      if (!found) return;
      Object.assign(found, { status: "DELETE_COMPLETE", runs: 0 });
      delete found.update;
      cloud.onChange();
    },
    /** Somebody else's own update. */
    change(stackName: string, count: number, parameter = "count") {
      const found = cloud.find(stackName);
      if (found) patched(found, parameter, count);
    },
    suspend(stackName: string) {
      const found = cloud.find(stackName);
      if (found) found.status = "SUSPEND_COMPLETE";
    },
    resume(stackName: string) {
      const found = cloud.find(stackName);
      if (found) found.status = "RESUME_COMPLETE";
    },
    /** What the parameter says; undefined: no such heat stack. */
    count(stackName: string, parameter = "count"): number | undefined {
      const found = cloud.find(stackName);
      return found && Number(found.parameters.get(parameter));
    },
    runs: (stackName: string): number => cloud.find(stackName)?.runs ?? 0,
    /** Back again; what it took while it hung is carried out within the minute. */
    heal() {
      cloud.network = "up";
      cloud.updates = "completes";
      for (const each of late) {
        each.at = scheduler.now().getTime() + Math.floor(scheduler.random() * 60_000);
      }
    },
    /** The engine dies: what it was at stays IN_PROGRESS for good. */
    die() {
      cloud.network = "refused";
      settle();
      for (const { update } of stacks.values()) {
        if (update) Object.assign(update, { end: "never", endsAt: Number.POSITIVE_INFINITY });
      }
    },
    client: (owner: Owner): CloudClient => clientOf(owner),
  };

  function settle() {
    const nowMs = scheduler.now().getTime();
    if (cloud.network !== "hang") {
      for (const due of late.filter(({ at }) => at <= nowMs)) {
        late.splice(late.indexOf(due), 1);
        receive(due);
      }
    }
    for (const stack of stacks.values()) {
      if (stack.update && stack.update.endsAt <= nowMs) ended(stack, stack.update);
    }
  }

  function patched(stack: SimulatedStack, parameter: string, count: number) {
    const nowMs = scheduler.now().getTime();
    // One that the death of an engine left behind is freed by the next PATCH.
    const isOvertaken = stack.update !== undefined && stack.update.end !== "never";
    if (isOvertaken) cloud.overtaken += 1;
    const from = stack.runs;
    // A parameter that the template lacks is accepted and ignored.
    const isKnown = stack.parameters.has(parameter);
    const to = isKnown ? count : from;
    if (isKnown) stack.parameters.set(parameter, String(count));
    stack.update = {
      from,
      to,
      endsAt: nowMs + cloud.updateMs,
      end: cloud.updates,
      isOvertaken,
    };
    if (cloud.updates === "never") stack.update.endsAt = Number.POSITIVE_INFINITY;
    stack.runs = Math.min(from, to);
    stack.status = "UPDATE_IN_PROGRESS";
    stack.updated = heatTime(scheduler.now());
    cloud.onChange();
  }

  function ended(stack: SimulatedStack, { from, to, end, isOvertaken }: Update) {
    delete stack.update;
    const parameter = [...stack.parameters.keys()][0] ?? "count";
    if (end === "rolls_back") {
      stack.parameters.set(parameter, String(from));
      Object.assign(stack, { status: "ROLLBACK_COMPLETE", runs: from, reason: "rolled back" });
    } else if (end === "fails" || isOvertaken) {
      const reason = isOvertaken ? "Stack UPDATE cancelled" : "No valid host was found";
      Object.assign(stack, { status: "UPDATE_FAILED", reason });
    } else Object.assign(stack, { status: "UPDATE_COMPLETE", runs: to, reason: "completed" });
    cloud.onChange();
  }

  /** A PATCH that reached Heat. */
  function receive({ ref, parameter, count }: Patch): Outcome<void> {
    const { stack_name } = ref;
    cloud.patches.push({ stack_name, count, at: scheduler.now().toISOString() });
    const stack = stacks.get(ref.heat_stack_id);
    if (!stack || isDeleted(stack)) return refused(404, "no_such_heat_stack", "not found");
    if (stack.status.startsWith("SUSPEND_")) return refused(400, "not_supported", "suspended");
    if (count > cloud.limit) {
      return refused(400, "invalid_parameter", `count must be between 0 and ${cloud.limit}`);
    }
    patched(stack, parameter, count);
    return { ok: true, value: undefined };
  }

  /** What stands between a request and its answer; undefined: it got through. */
  async function reached(owner: Owner): Promise<Fault | undefined> {
    await scheduler.turn(owner);
    settle();
    if (cloud.network === "refused") {
      return fault("path", "refused", { unsent: true });
    }
    if (cloud.network === "hang") {
      await scheduler.sleep(owner, 5_000);
      return fault("service", "timeout");
    }
    await scheduler.sleep(owner, 20);
    settle();
    if (cloud.network === "errors") return fault("service", "http_500", { status: 500 });
    if (cloud.network === "limits") return fault("answer", "http_429", { status: 429 });
    if (cloud.network === "rejects") return fault("credentials", "unauthorized", { status: 401 });
    return undefined;
  }

  function clientOf(owner: Owner): CloudClient {
    const asked = async <T>(answer: () => Outcome<T>): Promise<Outcome<T>> => {
      const wrong = await reached(owner);
      return wrong ? { ok: false, fault: wrong } : answer();
    };
    const there = () => [...stacks.values()].filter((stack) => !isDeleted(stack));
    return {
      credential_hash: "hash",
      listStacks: () =>
        asked(() => {
          const value = { project_id: cloud.project, stacks: there().map(entry), complete: true };
          return { ok: true, value };
        }),
      askVersion: () => asked(() => ({ ok: true, value: undefined })),
      findStack: (stackName) =>
        asked(() => {
          const found = there().find((stack) => stack.name === stackName);
          const stack = found ? { stack: entry(found) } : {};
          return { ok: true, value: { project_id: cloud.project, ...stack } };
        }),
      showStack: (ref) =>
        asked(() => {
          const found = stacks.get(ref.heat_stack_id);
          return { ok: true, value: found && detail(found, cloud.project) };
        }),
      newestEvent: (ref) =>
        asked(() => {
          const found = stacks.get(ref.heat_stack_id);
          return { ok: true, value: found?.updated ?? found?.created };
        }),
      patchCount: async (ref, parameter, count) => {
        if (cloud.network === "hang") {
          late.push({ ref, parameter, count, at: Number.POSITIVE_INFINITY });
        }
        return asked(() => {
          const answer = receive({ ref, parameter, count });
          return cloud.network === "lost_answers"
            ? { ok: false, fault: fault("path", "reset") }
            : answer;
        });
      },
    };
  }

  return cloud;
}

function isDeleted({ status }: SimulatedStack): boolean {
  return status === "DELETE_COMPLETE";
}

function entry(stack: SimulatedStack): HeatStack {
  return {
    heat_stack_id: stack.id,
    stack_name: stack.name,
    heat_status: stack.status,
    reason: stack.reason,
    creation_time: stack.created,
    updated_time: stack.updated,
  };
}

function detail(stack: SimulatedStack, project_id: string): HeatStackDetail {
  return { ...entry(stack), parameters: new Map(stack.parameters), timeout_mins: 5, project_id };
}

/** Heat's own: whole seconds. */
function heatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

function fault(faultClass: Fault["class"], code: string, more: Partial<Fault> = {}): Fault {
  return { class: faultClass, code, message: `${code}.`, ...more };
}

function refused(status: number, code: string, message: string): { ok: false; fault: Fault } {
  return { ok: false, fault: fault("stack", code, { status, message }) };
}
