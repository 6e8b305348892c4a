import { isBlocking } from "../cloud/faults.ts";
import type { Time } from "../cloud/schema.ts";
import { heatState, refusesUpdates } from "../cloud/seen.ts";
import { hasFailed } from "./pushes.ts";
import type { Blocked, Push, Wake } from "./schema.ts";
import { type Clouds, type CloudView, wasAskedSince } from "./view.ts";

/** Why a share is blocked, if it is; `gates` while no push may be tried. */
export type Block = { blocked: Blocked; gates: boolean };

type Cause = Pick<Blocked, "class" | "code" | "message">;
type Context = { generation: number; wake: Wake | undefined; now: Time; clouds: Clouds };

/**
 * What blocks each share: the cloud's credentials or configuration, what this run met, what the heat
 * stack itself says, or what an earlier push was refused for. The last is tried again hourly, and at
 * once when the declaration, the heat stack or the cloud's verdict moves, or when a person asks.
 */
export function blockOf(own: CloudView, context: Context): Block | undefined {
  const cause = standingCause(own, context.clouds);
  if (cause) return { blocked: dated(own, cause, context), gates: true };
  const failure = failureOf(own, context.generation);
  if (failure) return { blocked: dated(own, failure, context), gates: false };
  const before = own.share?.blocked;
  if (!before || derivedCodes.has(before.code) || isCleared(own)) return undefined;
  const isOver =
    before.witness !== witnessOf(own, context.generation) ||
    wasAskedSince(context.wake, before.since) ||
    (own.share?.retry_at ?? "") <= context.now;
  return { blocked: before, gates: !isOver };
}

/** Codes that are read off what is known, so that they go when it is no longer so. */
const derivedCodes = new Set([
  "no_such_parameter",
  "suspended",
  "deleting",
  "same_heat_stack",
  "update_failed",
]);

function standingCause(own: CloudView, clouds: Clouds): Cause | undefined {
  const { verdict, fault, seen } = own;
  if (verdict?.blocking) return verdict.blocking;
  if (fault && (isBlocking(fault) || fault.class === "stack")) return fault;
  if (!seen || seen.missing) return undefined;
  const twin = [...clouds.values()].find(
    (other) => other.cloud !== own.cloud && other.seen?.heat_stack_id === seen.heat_stack_id,
  );
  if (twin && seen.heat_stack_id) {
    const message = `${own.cloud} and ${twin.cloud} reach the same heat stack (${seen.heat_stack_id}); remove the weight of one of them`;
    return { class: "config", code: "same_heat_stack", message };
  }
  if (seen.heat_status && refusesUpdates(seen.heat_status)) {
    const isSuspended = seen.heat_status.startsWith("SUSPEND_");
    const message = `the heat stack is ${seen.heat_status}, and Heat refuses updates then; ${isSuspended ? "resume it" : "wait for its end"}`;
    return { class: "stack", code: isSuspended ? "suspended" : "deleting", message };
  }
  if (seen.count === undefined) {
    const message = `the heat stack's template has no whole-number parameter "${seen.parameter}"; name the right one, or add it to the template`;
    return { class: "stack", code: "no_such_parameter", message };
  }
  return undefined;
}

/** Our own push of this generation failed or was rolled back: shown, and tried again after a pause. */
function failureOf({ share, seen, isOpen }: CloudView, generation: number): Cause | undefined {
  const push: Push | undefined = share?.push;
  if (!push || isOpen || push.generation !== generation) return undefined;
  if (!seen?.heat_status || seen.read_at <= push.at || seen.missing) return undefined;
  const isRolledBack = seen.heat_status === "ROLLBACK_COMPLETE" && seen.count !== push.count;
  if (!hasFailed(seen) && !isRolledBack) return undefined;
  return {
    class: "stack",
    code: "update_failed",
    message: `${seen.heat_status}: ${seen.reason ?? "no reason given"}`,
  };
}

/** What was asked for is there, or on its way: an old refusal says nothing any more. */
function isCleared({ share, seen, isOpen }: CloudView): boolean {
  if (isOpen && share?.push?.answered?.outcome === "accepted") return true;
  if (!seen?.heat_status || share === undefined) return false;
  return seen.count === share.desired && heatState(seen.heat_status) === "complete";
}

function dated(
  own: CloudView,
  { class: faultClass, code, message }: Cause,
  context: Context,
): Blocked {
  const before = own.share?.blocked;
  const isSame = before?.code === code;
  return {
    class: faultClass,
    code,
    message,
    since: isSame ? before.since : context.now,
    witness: witnessOf(own, context.generation),
  };
}

/** What must move for a refused push to be tried before its hour. */
function witnessOf({ seen, verdict }: CloudView, generation: number): string {
  const { heat_stack_id, heat_status, updated_time } = seen ?? {};
  const parts = [generation, verdict?.at, heat_stack_id, heat_status, updated_time];
  return parts.map((part) => part ?? "-").join(" ");
}
