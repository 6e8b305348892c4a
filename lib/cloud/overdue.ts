import type { Stack, StackName, Status } from "../stack/schema.ts";
import type { Board } from "./deps.ts";
import { hasMark, saidOf } from "./marks.ts";
import type { CloudName, Time } from "./schema.ts";
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
  const verdictOf = new Map(verdicts.map((verdict) => [verdict.cloud, verdict]));
  const ordersOf = new Map(orders.map((order) => [order.cloud, order]));
  const isOld = (at: Time) => elapsed(at, now) > intervalMs;
  const isBehind = (status: Status, { weights }: Stack): boolean => {
    const { verdicts: marks } = status.inputs;
    const clouds = Object.keys(weights) as CloudName[];
    if (marks === undefined) return false;
    return clouds.some((cloud) => {
      const [verdict, order] = [verdictOf.get(cloud), ordersOf.get(cloud)];
      const times = [verdict?.at, order?.at].flatMap((at) => at ?? []);
      return times.every(isOld) && !hasMark(marks, clouds, cloud, saidOf(verdict, order));
    });
  };
  const isOverdue = (stack: Stack): boolean => {
    const status = statusOf.get(stack.stack_name);
    if (stack.deleted_at !== undefined) {
      return status?.expires_at === undefined && status !== undefined && isOld(stack.deleted_at);
    }
    if (status?.uid !== stack.uid || status.inputs.generation !== stack.generation) {
      return isOld(stack.updated_at);
    }
    return (status.due_at !== undefined && status.due_at <= now) || isBehind(status, stack);
  };
  return stacks.filter(isOverdue).map(({ stack_name }) => stack_name);
}
