import type { CloudClient, HeatStackRef } from "../../lib/cloud/client.ts";
import type { Fault, Outcome } from "../../lib/cloud/faults.ts";
import type { HeatStack, HeatStackDetail } from "../../lib/cloud/schema.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

/**
 * How the cloud answers: `slow` within 2 s; `hang` takes requests and carries them out once it is back; `errors` is a
 * 500 of everything; `lost_answers` carries a PATCH out, and its answer never comes; `late_patches`
 * carries it out minutes after the client gave up; `rejects` is a wrong password; `forbids` a 403 of
 * Heat; `limits` a 429; `broken_patches` a 500 of each PATCH, of which nothing comes.
 */
export type Network =
  | "up"
  | "refused"
  | "hang"
  | "errors"
  | "lost_answers"
  | "late_patches"
  | "broken_patches"
  | "rejects"
  | "forbids"
  | "limits"
  | "slow";
/** How updates end; `never` as after the death of an engine. */
export type UpdateEnd = "completes" | "fails" | "rolls_back" | "never";

type Update = {
  from: number;
  to: number;
  startedAt: number;
  endsAt: number;
  end: UpdateEnd;
  /** Updates that came while this one's forerunners were under way. */
  overtook: number;
};
export type SimulatedStack = {
  id: string;
  name: string;
  parameters: Map<string, string>;
  status: string;
  reason: string;
  created: string;
  updated: string | null;
  /** Members that surely run. */
  runs: number;
  /** No more than so many run. */
  most: number;
  update?: Update;
  /** When anybody but us last touched it; a PATCH carried out late counts as such. */
  touchedAt: number;
  /** When anybody but us last touched it, our late PATCHes left out. */
  foreignAt: number;
  /** When its last update began. */
  startedAt: number;
};
export type Patch = { ref: HeatStackRef; parameter: string; count: number };

/** What a spectator is told; the product never sees it. */
export type CloudWatch = {
  /** Before a PATCH is carried out; without an owner it is one that was given up on. */
  onPatch: (owner: Owner | undefined, patch: Patch, stack: SimulatedStack | undefined) => void;
  onCall: (owner: Owner, call: string) => void;
  onAnswer: (owner: Owner, call: string, fault: Fault | undefined) => void;
  onWitness: (owner: Owner, answers: boolean) => void;
};
const nobody: CloudWatch = {
  onPatch: () => {},
  onCall: () => {},
  onAnswer: () => {},
  onWitness: () => {},
};

/** What stands between somebody and a cloud that is well: nothing arrives there. */
export type Cut = "refused" | "hang";

export type SimulatedCloud = ReturnType<typeof simulatedCloud>;

/** A Heat in memory that does to its stacks what the real one was seen to do, in virtual time. */
export function simulatedCloud(
  name: string,
  scheduler: Scheduler,
  options: {
    updateMs: number;
    watch?: CloudWatch;
    cutOff?: (owner: Owner) => Cut | undefined;
  },
) {
  const { watch = nobody, cutOff = () => undefined } = options;
  const stacks = new Map<string, SimulatedStack>();
  const late: (Patch & { at: number })[] = [];
  let nextId = 0;
  let lateAt = 0;
  let hasToken = true;
  let credentials = 1;
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
    /** Its instances died with it, and are back when it is. */
    isDark: false,
    /** Whether clouds.yaml has an entry for it that can be read. */
    isConfigured: true,
    /** What it serves, whatever becomes of its Heat; `unknown` is a name that does not resolve. */
    workload: "answers" as "answers" | "silent" | "hangs" | "unknown",
    /** PATCHes that came while an update was under way, which real Heat may end in UPDATE_FAILED. */
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
        most: count,
        touchedAt: scheduler.now().getTime(),
        foreignAt: scheduler.now().getTime(),
        startedAt: scheduler.now().getTime(),
      });
    },
    find(stackName: string): SimulatedStack | undefined {
      settle();
      return [...stacks.values()].find((one) => one.name === stackName && !isDeleted(one));
    },
    remove(stackName: string) {
      const found = cloud.find(stackName);
      if (!found) return;
      touch(found, { status: "DELETE_COMPLETE", runs: 0, most: 0 });
      delete found.update;
      cloud.onChange();
    },
    /** Somebody else's own update. */
    change(stackName: string, count: number, parameter = "count") {
      const found = cloud.find(stackName);
      if (!found) return;
      touch(found, {});
      patched(found, parameter, count);
    },
    suspend(stackName: string) {
      const found = cloud.find(stackName);
      if (found && !found.update) touch(found, { status: "SUSPEND_COMPLETE" });
    },
    resume(stackName: string) {
      const found = cloud.find(stackName);
      if (found?.status.startsWith("SUSPEND_")) touch(found, { status: "RESUME_COMPLETE" });
    },
    /** Somebody's new template, in which the count has another name. */
    rename(stackName: string, parameter: string) {
      const found = cloud.find(stackName);
      if (!found || found.update) return;
      const [count = "0"] = found.parameters.values();
      touch(found, {
        parameters: new Map([[parameter, count]]),
        updated: heatTime(scheduler.now()),
      });
    },
    /** The name of its first parameter. */
    parameter: (stackName: string): string =>
      [...(cloud.find(stackName)?.parameters.keys() ?? [])][0] ?? "count",
    /** What the parameter says; undefined: no such heat stack. */
    count(stackName: string, parameter = "count"): number | undefined {
      const found = cloud.find(stackName);
      return found && Number(found.parameters.get(parameter));
    },
    runs: (stackName: string): number => cloud.find(stackName)?.runs ?? 0,
    /** Whether what it serves answers a witness. */
    async answers(owner: Owner): Promise<Outcome<void>> {
      await scheduler.turn(owner);
      const isHung = cutOff(owner) === "hang" || cloud.workload === "hangs";
      await scheduler.sleep(owner, isHung ? 3_000 : 20);
      const isAnswered = cutOff(owner) === undefined && cloud.workload === "answers";
      watch.onWitness(owner, isAnswered);
      if (isAnswered) return { ok: true, value: undefined };
      if (cloud.workload === "unknown")
        return { ok: false, fault: fault("config", "no_such_name") };
      return { ok: false, fault: fault("path", "refused", { unsent: true }) };
    },
    /** By its id, even when it is deleted. */
    byId: (id: string): SimulatedStack | undefined => stacks.get(id),
    /** Back again; what it took while it hung is carried out within minutes. */
    heal() {
      cloud.network = "up";
      cloud.updates = "completes";
      cloud.isDark = false;
      for (const each of late.filter(({ at }) => at === Number.POSITIVE_INFINITY)) {
        each.at = scheduler.now().getTime() + Math.floor(scheduler.random() * 4 * 60_000);
      }
    },
    /** When something next happens by itself. */
    nextChange: (): number =>
      Math.min(
        ...late.map(({ at }) => at),
        ...[...stacks.values()].map(({ update }) => update?.endsAt ?? Number.POSITIVE_INFINITY),
      ),
    /** All of it dies: what its engine was at stays IN_PROGRESS for good. */
    die() {
      cloud.network = "refused";
      cloud.isDark = true;
      settle();
      for (const { update } of stacks.values()) {
        if (update) Object.assign(update, { end: "never", endsAt: Number.POSITIVE_INFINITY });
      }
    },
    /** Somebody gives us another password. */
    changeCredentials() {
      credentials += 1;
    },
    client: (owner: Owner): CloudClient => clientOf(owner),
  };

  function settle() {
    const nowMs = scheduler.now().getTime();
    if (cloud.network !== "hang") {
      // No two things happen at one moment.
      const due = nowMs > lateAt ? late.find(({ at }) => at <= nowMs) : undefined;
      if (due) {
        lateAt = nowMs;
        late.splice(late.indexOf(due), 1);
        receive(undefined, due);
      }
    }
    for (const stack of stacks.values()) {
      if (stack.update && stack.update.endsAt <= nowMs) ended(stack, stack.update);
    }
  }

  function touch(stack: SimulatedStack, change: Partial<SimulatedStack>) {
    const nowMs = scheduler.now().getTime();
    Object.assign(stack, { touchedAt: nowMs, foreignAt: nowMs }, change);
    cloud.onChange();
  }

  function patched(stack: SimulatedStack, parameter: string, count: number) {
    const nowMs = scheduler.now().getTime();
    // One that the death of an engine left behind is freed by the next PATCH.
    const overtaken = stack.update?.end === "never" ? undefined : stack.update;
    if (overtaken) cloud.overtaken += 1;
    const from = stack.runs;
    // A parameter that the template lacks is accepted and ignored: the others are applied once more.
    const isKnown = stack.parameters.has(parameter);
    const [wish = from] = stack.parameters.values();
    const to = isKnown ? count : Number(wish);
    if (isKnown) stack.parameters.set(parameter, String(count));
    stack.update = {
      from,
      to,
      startedAt: nowMs,
      endsAt: cloud.updates === "never" ? Number.POSITIVE_INFINITY : nowMs + cloud.updateMs,
      end: cloud.updates,
      overtook: overtaken ? overtaken.overtook + 1 : 0,
    };
    stack.startedAt = nowMs;
    stack.runs = Math.min(from, to);
    stack.most = Math.max(stack.most, from, to);
    stack.status = "UPDATE_IN_PROGRESS";
    stack.reason = "Stack UPDATE started";
    stack.updated = heatTime(scheduler.now());
    cloud.onChange();
  }

  function ended(stack: SimulatedStack, { from, to, end, overtook }: Update) {
    delete stack.update;
    const parameter = [...stack.parameters.keys()][0] ?? "count";
    // One that overtakes another mostly wins; two of them end in a failure.
    const isCancelled = overtook > 1 || (overtook === 1 && scheduler.random() < 0.3);
    if (isCancelled) {
      Object.assign(stack, { status: "UPDATE_FAILED", reason: "Stack UPDATE cancelled" });
    } else if (end === "rolls_back") {
      stack.parameters.set(parameter, String(from));
      Object.assign(stack, {
        status: "ROLLBACK_COMPLETE",
        ...{ runs: from, most: from, reason: "rolled back" },
      });
    } else if (end === "fails") {
      const reason = "No valid host was found";
      Object.assign(stack, { status: "UPDATE_FAILED", reason });
    } else {
      const all = { runs: to, most: to };
      Object.assign(stack, { status: "UPDATE_COMPLETE", ...all, reason: "completed" });
    }
    cloud.onChange();
  }

  /** A PATCH that reached Heat. */
  function receive(owner: Owner | undefined, patch: Patch): Outcome<void> {
    const { ref, parameter, count } = patch;
    const { stack_name } = ref;
    cloud.patches.push({ stack_name, count, at: scheduler.now().toISOString() });
    const stack = stacks.get(ref.heat_stack_id);
    watch.onPatch(owner, patch, stack);
    if (!stack || isDeleted(stack)) return refused(404, "no_such_heat_stack", "not found");
    if (stack.status.startsWith("SUSPEND_")) return refused(400, "not_supported", "suspended");
    if (count > cloud.limit) {
      return refused(400, "invalid_parameter", `count must be between 0 and ${cloud.limit}`);
    }
    patched(stack, parameter, count);
    // A late one is ours all the same.
    if (!owner) touch(stack, { foreignAt: stack.foreignAt });
    return { ok: true, value: undefined };
  }

  /** What stands between a request and its answer; undefined: it got through. */
  async function reached(owner: Owner): Promise<Fault | undefined> {
    await scheduler.turn(owner);
    settle();
    const way = cutOff(owner) ?? cloud.network;
    if (way === "refused") {
      return fault("path", "refused", { unsent: true });
    }
    if (way === "hang") {
      await scheduler.sleep(owner, 5_000);
      return fault("service", "timeout");
    }
    await scheduler.sleep(owner, cloud.network === "slow" ? 2_000 : 20);
    settle();
    switch (cloud.network) {
      case "errors":
        return fault("service", "http_500", { status: 500 });
      case "limits":
        return fault("answer", "http_429", { status: 429 });
      case "rejects":
        return fault("credentials", "login_rejected", { status: 401, unsent: true });
      case "forbids":
        return fault("credentials", "forbidden", { status: 403 });
      default:
        return undefined;
    }
  }

  function clientOf(owner: Owner): CloudClient {
    const asked = async <T>(call: string, answer: () => Outcome<T>): Promise<Outcome<T>> => {
      watch.onCall(owner, call);
      const wrong = await reached(owner);
      const outcome: Outcome<T> = wrong ? { ok: false, fault: wrong } : answer();
      watch.onAnswer(owner, call, outcome.ok ? undefined : outcome.fault);
      return outcome;
    };
    const there = () => [...stacks.values()].filter((stack) => !isDeleted(stack));
    return {
      credential_hash: `hash-${credentials}`,
      listStacks: async ({ login }) => {
        if (cloud.network === "rejects" && !cutOff(owner)) hasToken = false;
        // What a pause is for: nothing is sent.
        if (!login && !hasToken) return { ok: false, fault: fault("credentials", "login_paused") };
        return asked("list", () => {
          hasToken = true;
          const value = { project_id: cloud.project, stacks: there().map(entry), complete: true };
          return { ok: true, value };
        });
      },
      askVersion: async () => {
        const answer = await asked<void>("version", () => ({ ok: true, value: undefined }));
        // Whoever answers a rejection answers this.
        if (answer.ok || answer.fault.code !== "login_rejected") return answer;
        return { ok: true, value: undefined };
      },
      findStack: (stackName) =>
        asked(`find ${stackName}`, () => {
          const found = there().find((stack) => stack.name === stackName);
          const stack = found ? { stack: entry(found) } : {};
          return { ok: true, value: { project_id: cloud.project, ...stack } };
        }),
      showStack: (ref) =>
        asked(`show ${ref.heat_stack_id}`, () => {
          const found = stacks.get(ref.heat_stack_id);
          return { ok: true, value: found && detail(found, cloud.project) };
        }),
      newestEvent: (ref) =>
        asked(`events ${ref.heat_stack_id}`, () => {
          const found = stacks.get(ref.heat_stack_id);
          return { ok: true, value: found?.updated ?? found?.created };
        }),
      patchCount: async (ref, parameter, count) => {
        const patch = { ref, parameter, count };
        const way = cutOff(owner) ?? cloud.network;
        if (way === "hang" && !cutOff(owner)) late.push({ ...patch, at: Number.POSITIVE_INFINITY });
        if (way === "late_patches") {
          const at = scheduler.now().getTime() + 5_000 + scheduler.random() * 4 * 60_000;
          late.push({ ...patch, at });
          await scheduler.sleep(owner, 5_000);
          return { ok: false, fault: fault("service", "timeout") };
        }
        return asked(`patch ${ref.heat_stack_id}`, () => {
          if (cloud.network === "broken_patches") {
            return { ok: false, fault: fault("stack", "http_500", { status: 500 }) };
          }
          const answer = receive(owner, patch);
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
