import type { Stack, StackName, Status } from "../stack/schema.ts";
import type { Board } from "./deps.ts";
import type { Time } from "./schema.ts";
import { elapsed } from "./vote.ts";

/**
 * The stacks that a tick must wake: those whose `due_at` has passed, and those whose last reconcile
 * knew less than is known for longer than an interval, because a record was lost. Streams end and
 * retries end; this is what makes the system converge anyway.
 */
export function overdue(
  { stacks, statuses, verdicts, orders }: Board,
  now: Time,
  intervalMs: number,
): StackName[] {
  const statusOf = new Map<string, Status>(statuses.map((status) => [status.stack_name, status]));
  const movedAt = new Map<string, Time>();
  for (const { cloud, at } of [...verdicts, ...orders]) {
    if (at > (movedAt.get(cloud) ?? "")) movedAt.set(cloud, at);
  }
  const isOld = (at: Time) => elapsed(at, now) > intervalMs;
  const isOverdue = (stack: Stack): boolean => {
    const status = statusOf.get(stack.stack_name);
    if (stack.deleted_at !== undefined) {
      return status?.expires_at === undefined && status !== undefined && isOld(stack.deleted_at);
    }
    if (status?.uid !== stack.uid || status.inputs.generation !== stack.generation) {
      return isOld(stack.updated_at);
    }
    if (status.due_at !== undefined && status.due_at <= now) return true;
    const unseen = Object.keys(stack.weights)
      .map((cloud) => movedAt.get(cloud) ?? "")
      .filter((at) => at > status.inputs.verdicts_at);
    return unseen.some(isOld);
  };
  return stacks.filter(isOverdue).map(({ stack_name }) => stack_name);
}
