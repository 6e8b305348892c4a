import { randomUUID } from "node:crypto";

/** How long an update takes that changes so many instances. */
export type UpdateTime = (changed: number) => number;

export type HeatEvent = { id: string; at: number; status: string; reason: string };

type Update = {
  action: "UPDATE" | "DELETE";
  from: number;
  to: number;
  beganAt: number;
  endsAt: number;
  /** PATCHes that came while it ran. */
  overtaken: number;
  /** What it will end with, if not well. */
  fault?: string;
};

/** A heat stack whose `count` parameter is its number of instances. Times are the caller's milliseconds. */
export type SimulatedStack = {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  updatedAt: number | null;
  /** As Heat keeps them: the wish, not what runs. */
  parameters: Map<string, string>;
  status: string;
  reason: string;
  /** Instances, once nothing is at work. */
  settled: number;
  update: Update | undefined;
  events: HeatEvent[];
};

export function simulatedStack(name: string, count: number, now: number): SimulatedStack {
  const stack: SimulatedStack = {
    id: randomUUID(),
    name,
    createdAt: now,
    updatedAt: null,
    parameters: new Map([
      ["count", String(count)],
      ["flavor", "small"],
    ]),
    status: "",
    reason: "",
    settled: count,
    update: undefined,
    events: [],
  };
  become(stack, now, "CREATE_COMPLETE", "Stack CREATE completed successfully");
  return stack;
}

/** Brings the stack to where it is at this time: an update whose time is over has ended. */
export function settle(stack: SimulatedStack, now: number): void {
  const { update } = stack;
  if (!update || now < update.endsAt) return;
  const { action, fault, from, to, endsAt } = update;
  // A failed update leaves what it had changed by then: some of the new ones, none of the old.
  stack.settled = fault === undefined ? to : Math.min(from, to);
  stack.update = undefined;
  const outcome = fault === undefined ? "COMPLETE" : "FAILED";
  const said = fault ?? `Stack ${action} completed successfully`;
  become(stack, endsAt, `${action}_${outcome}`, said);
}

/** How many instances run: one after the other comes or goes while an update is at work. */
export function running(stack: SimulatedStack, now: number): number {
  settle(stack, now);
  const { update, settled } = stack;
  if (!update) return settled;
  const share = (now - update.beganAt) / (update.endsAt - update.beganAt);
  return update.from + Math.trunc((update.to - update.from) * share);
}

/**
 * Begins an update to what the parameters say. One that overtakes a running update replaces it; a
 * second one to do so has both end in UPDATE_FAILED, as Heat's convergence engine does.
 */
export function beginUpdate(
  stack: SimulatedStack,
  now: number,
  options: { updateTime: UpdateTime; most: number },
): void {
  const from = running(stack, now);
  const to = Math.trunc(Number(stack.parameters.get("count")));
  const overtaken = stack.update ? stack.update.overtaken + 1 : 0;
  const fault =
    overtaken > 1
      ? "Resource UPDATE failed: resources.servers: Stack UPDATE cancelled"
      : to > options.most
        ? "Resource UPDATE failed: resources.servers: Resource CREATE failed: Forbidden: Quota exceeded for instances"
        : undefined;
  const endsAt = now + options.updateTime(Math.abs(to - from));
  const at = { action: "UPDATE", beganAt: now, endsAt } as const;
  stack.update = { ...at, from, to, overtaken, ...(fault === undefined ? {} : { fault }) };
  stack.updatedAt = now;
  become(stack, now, "UPDATE_IN_PROGRESS", "Stack UPDATE started");
}

export function beginDelete(stack: SimulatedStack, now: number, updateTime: UpdateTime): void {
  const from = running(stack, now);
  const endsAt = now + updateTime(from);
  stack.update = { action: "DELETE", from, to: 0, beganAt: now, endsAt, overtaken: 0 };
  become(stack, now, "DELETE_IN_PROGRESS", "Stack DELETE started");
}

function become(stack: SimulatedStack, at: number, status: string, reason: string): void {
  stack.status = status;
  stack.reason = reason;
  stack.events.push({ id: randomUUID(), at, status, reason });
}
