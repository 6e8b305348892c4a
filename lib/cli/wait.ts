import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "../api/client.ts";
import type { Declaration, StackDetail } from "../api/schema.ts";
import { Failure } from "./failure.ts";
import { inPlaceText } from "./ledger-view.ts";
import { advice, stateText } from "./stack-view.ts";

const LOOK_EVERY_MS = 1000;

/** How a wait ended: without `failure`, everything is in place. */
export type Waited = { stack: StackDetail; failure?: string };

/**
 * Looks at a stack until the declaration is in place, or only a person can make it so (blocked,
 * paused, weights missing), or the time is over. Outlasts a restart of the API.
 */
export async function waitFor(
  client: Pick<Client, "getStack">,
  { stack_name, generation }: Pick<Declaration, "stack_name" | "generation">,
  options: { timeoutMs: number; progress: (text: string) => void },
): Promise<Waited> {
  const end = Date.now() + options.timeoutMs;
  let last: StackDetail | undefined;
  for (;;) {
    const found = await look(client, stack_name);
    if (found instanceof Failure) {
      options.progress(`${stack_name}: ${found.message}`);
      if (last === undefined && Date.now() >= end) throw found;
    } else {
      last = found;
      if (found.generation !== generation) {
        return { stack: found, failure: `${stack_name} was changed by somebody else meanwhile.` };
      }
      if (isInPlace(found)) return { stack: found };
      const failure = obstacle(found);
      if (failure !== undefined) return { stack: found, failure };
      options.progress(progressText(found));
    }
    if (last !== undefined && Date.now() >= end) {
      const seconds = options.timeoutMs / 1000;
      const failure = `${stack_name} is not in place after ${seconds} s, and Heat Spreader goes on: ${progressText(last)}.`;
      return { stack: last, failure };
    }
    await pause(Math.max(0, Math.min(LOOK_EVERY_MS, end - Date.now())));
  }
}

/** The API being away for a while does not end a wait; everything else that it refuses does. */
async function look(
  client: Pick<Client, "getStack">,
  stack_name: Declaration["stack_name"],
): Promise<StackDetail | Failure> {
  try {
    return await client.getStack({ stack_name });
  } catch (error) {
    const isAway = error instanceof Failure && error.code?.startsWith("connection.");
    if (isAway) return error;
    throw error;
  }
}

/** On what is left of the clouds it may be, while others are lost, or only their workloads answer. */
function isInPlace({ state, conditions, shares }: StackDetail): boolean {
  const held = shares.flatMap((share) => (share.held ? [share.held.reason] : []));
  const isUnseen =
    state === "held" && held.every((reason) => reason === "evidence" || reason === "suspicion");
  if (state !== "failed_over" && !isUnseen) return state === "converged";
  return conditions.some(({ type, status }) => type === "converged" && status);
}

/** Why waiting is of no use, and what to do. */
function obstacle(stack: StackDetail): string | undefined {
  const { stack_name, state, shares, weights, count } = stack;
  if (state === "paused") {
    return `${stack_name} is paused, so nothing is pushed. Go on with: heat-spreader resume ${stack_name}`;
  }
  if (state === "blocked") return `${stack_name} is ${stateText(stack)}`;
  if (count > 0 && Object.keys(weights).length === 0) return advice(stack);
  const held = shares.flatMap((share) => (share.held ? [share.held.reason] : []));
  const isIncomplete = held.length > 0 && held.every((reason) => reason === "incomplete");
  return state === "held" && isIncomplete ? advice(stack) : undefined;
}

/** `web: 6 of 10 in place; athens 4 -> 6` */
export function progressText(stack: StackDetail): string {
  const { stack_name, totals, state, conditions } = stack;
  const updating = conditions.find(({ type, status }) => type === "converged" && !status);
  const why = state === "converging" ? updating?.message : stateText(stack);
  const rest = why === undefined || why === "" ? "" : `; ${why}`;
  return `${stack_name}: ${inPlaceText(totals)} in place${rest}`;
}
