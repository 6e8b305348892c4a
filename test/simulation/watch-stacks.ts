import type { Event } from "../../lib/event/schema.ts";
import { totalOf } from "../../lib/stack/allocation.ts";
import { entriesOf, Share, Stack, type Status } from "../../lib/stack/schema.ts";
import type { Committed } from "../support/memory-table.ts";
import type { World } from "../support/world.ts";
import type { Complain, Watcher } from "./monitor.ts";

/** With the clouds that keep what they have, because their workload answers. */
type Allocated = { stack: Stack; desired: Map<string, number>; kept: string[] };

/** Invariants 1, 2 and 10 of stacks: every committed reconcile is exact, stable and explained. */
export function watchStacks(one: World, complain: Complain): Watcher {
  const last = new Map<string, Allocated>();

  function reconciled(changes: Committed[], status: Status, before: Status | undefined): void {
    const name = status.stack_name;
    if (status.version !== (before?.version ?? 0) + 1) {
      complain("fencing", `${name}'s STATUS went from ${before?.version} to ${status.version}`);
    }
    if (status.expires_at !== undefined) return;
    const stack = Stack.parse(one.table.peek({ pk: "STACK", sk: name }));
    const shares = one.table.peekAll(`STACK#${name}`, "SHARE#").map((item) => Share.parse(item));
    const desired = new Map<string, number>();
    for (const { cloud, desired: count } of shares) {
      if (Object.hasOwn(stack.weights, cloud)) desired.set(cloud, count);
    }
    const isStandstill = status.conditions.some(
      ({ type, status: holds, reason }) =>
        type === "held" && holds && (reason === "unknown" || reason === "nowhere"),
    );
    if (!isStandstill && status.uid === stack.uid) {
      exact(stack, desired);
      const kept = shares.flatMap(({ cloud, held }) => (held?.reason === "evidence" ? cloud : []));
      stable(stack, desired, kept);
      last.set(name, { stack, desired, kept });
    }
    // What was held of a deleted stack of the name is nobody's news any more.
    explained(changes, status, before?.uid === status.uid ? ["blocked", "held"] : []);
    neverForgotten(stack, status);
  }

  function exact(stack: Stack, desired: Map<string, number>): void {
    const total = totalOf(stack.count, stack.weights);
    const sum = [...desired.values()].reduce((all, count) => all + count, 0);
    const isRight = stack.policy.failover === "none" ? sum <= total : sum === total;
    if (entriesOf(stack.weights).length > 0 && !isRight) {
      complain("1 exact", `${stack.stack_name}: ${text(desired)} is ${sum}, not ${total}`);
    }
  }

  /** With the same weights, and nobody back, nobody but the lost ones gets less. */
  function stable(stack: Stack, desired: Map<string, number>, kept: string[]): void {
    const before = last.get(stack.stack_name);
    if (!before || before.stack.uid !== stack.uid || !isAlike(before.stack, stack)) return;
    if (stack.count < before.stack.count) return;
    if (stack.policy.failover === "none" && stack.count !== before.stack.count) return;
    const sum = (counts: Map<string, number>) => [...counts.values()].reduce((a, b) => a + b, 0);
    if (sum(desired) < sum(before.desired)) return;
    const isBack =
      before.kept.some((cloud) => !kept.includes(cloud)) ||
      [...desired].some(([cloud, count]) => count > 0 && (before.desired.get(cloud) ?? 0) === 0);
    const robbed = [...desired].filter(
      ([cloud, count]) => count > 0 && count < (before.desired.get(cloud) ?? 0),
    );
    if (!isBack && robbed.length > 0) {
      complain("2 stable", `${stack.stack_name}: ${text(before.desired)} -> ${text(desired)}`);
    }
  }

  function explained(
    changes: Committed[],
    status: Status,
    fields: readonly ("blocked" | "held")[],
  ): void {
    const events = changes.flatMap(({ key, after }) =>
      key.sk.startsWith("EVENT#") && after ? [after as unknown as Event] : [],
    );
    const told = new Map(
      events
        .filter(({ type }) => type === "stack.reallocated")
        .flatMap(({ changes: moved }) => moved)
        .map(({ cloud, from, to }) => [String(cloud), `${from} -> ${to}`]),
    );
    const weights = one.table.peek({ pk: "STACK", sk: status.stack_name })?.weights ?? {};
    for (const { key, before, after } of changes) {
      if (!key.sk.startsWith("SHARE#") || !after) continue;
      const cloud = key.sk.slice("SHARE#".length);
      const [from, to] = [Number(before?.desired ?? 0), Number(after.desired)];
      if (from !== to && Object.hasOwn(weights, cloud) && told.get(cloud) !== `${from} -> ${to}`) {
        complain(
          "10 explained",
          `${status.stack_name}: ${cloud} ${from} -> ${to}, told ${told.get(cloud)}`,
        );
      }
      for (const field of fields) {
        const [old, now] = [codeOf(before?.[field]), codeOf(after[field])];
        const types = events.map(({ type }) => type);
        if (old === now) continue;
        const type = `share.${now === undefined ? "un" : ""}${field}` as Event["type"];
        if (!types.includes(type)) complain("10 explained", `${cloud} ${field}: ${old} -> ${now}`);
      }
    }
  }

  /** What is not converged is always looked at again. */
  function neverForgotten(stack: Stack, status: Status): void {
    const converged = status.conditions.find(({ type }) => type === "converged");
    const isOwed = !converged?.status && !stack.paused && entriesOf(stack.weights).length > 0;
    if (isOwed && status.due_at === undefined) {
      complain("7 newest wins", `${stack.stack_name} is ${status.state}, and nothing is due`);
    }
  }

  return {
    committed: (_, changes) => {
      for (const { key, before, after } of changes) {
        if (key.pk !== "STATUS" || !after) continue;
        reconciled(changes, after as unknown as Status, before as unknown as Status | undefined);
      }
    },
  };
}

function isAlike(one: Stack, other: Stack): boolean {
  const key = ({ weights, policy }: Stack) =>
    JSON.stringify([Object.entries(weights).sort(), policy.failover]);
  return key(one) === key(other);
}

function codeOf(value: unknown): unknown {
  const { code, reason } = (value ?? {}) as { code?: string; reason?: string };
  return code ?? reason;
}

function text(counts: Map<string, number>): string {
  return [...counts].map(([cloud, count]) => `${cloud} ${count}`).join(", ");
}
