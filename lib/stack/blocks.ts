import { isBlocking } from "../cloud/faults.ts";
import type { Time } from "../cloud/schema.ts";
import { heatState, isReadAfter, refusesUpdates } from "../cloud/seen.ts";
import { hasFailed } from "./pushes.ts";
import type { Blocked, Wake } from "./schema.ts";
import { type Clouds, type CloudView, isAskedAnew, UPDATE_FAILED } from "./view.ts";

/** Why a share is blocked, if it is; `gates` while no push may be tried. */
export type Block = { blocked: Blocked; gates: boolean };

type Cause = Pick<Blocked, "class" | "code" | "message">;
type Context = {
  generation: number;
  /** The share as it is now to be. */
  desired: number | undefined;
  wake: Wake | undefined;
  now: Time;
  clouds: Clouds;
};

/**
 * What blocks each share: the cloud's credentials or configuration, what this run met, what the heat
 * stack itself says, or what an earlier push was refused for. The last is tried again hourly, and at
 * once when the declaration, the number, the heat stack or the cloud's verdict moves, or when a
 * person asks. Where nothing is owed (lost, missing, awaiting release) only the cloud's own is shown.
 */
export function blockOf(own: CloudView, context: Context): Block | undefined {
  if (own.weight === undefined) return undefined;
  const cause = standingCause(own, context.clouds);
  if (cause) return { blocked: dated(own, cause, context), gates: true };
  if (own.kind === "unreachable" || own.awaitsRelease || own.isMissing) return undefined;
  const failure = failureOf(own, context);
  if (failure) return { blocked: dated(own, failure, context), gates: false };
  const before = own.share?.blocked;
  if (!before || derivedCodes.has(before.code) || isCleared(own, context)) return undefined;
  if (before.witness !== witnessOf(own, context)) return undefined;
  return { blocked: before, gates: !isDue(own, before, context) };
}

/** Codes that are read off what is known, so that they go when it is no longer so. */
const derivedCodes = new Set([
  "no_count_parameter",
  "suspended",
  "deleting",
  "same_heat_stack",
  UPDATE_FAILED,
]);

function standingCause(own: CloudView, clouds: Clouds): Cause | undefined {
  const { verdict, fault, seen } = own;
  if (verdict?.blocking) return verdict.blocking;
  if (own.kind === "unreachable" || own.awaitsRelease) return undefined;
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
    return { class: "stack", code: "no_count_parameter", message };
  }
  return undefined;
}

/**
 * Our own push of this generation failed or was rolled back: shown, until an update comes to its end
 * with what is wanted, and tried again after a pause.
 */
function failureOf(
  { share, seen, isOpen }: CloudView,
  { generation, desired }: Context,
): Cause | undefined {
  const push = share?.push;
  if (push?.generation !== generation) return undefined;
  if (isOpen) return share?.blocked?.code === UPDATE_FAILED ? share.blocked : undefined;
  if (!seen?.heat_status || !isReadAfter(seen, push)) return undefined;
  const isOther = seen.count !== push.count && seen.count !== desired;
  const isRolledBack = seen.heat_status === "ROLLBACK_COMPLETE" && isOther;
  if (!hasFailed(seen) && !isRolledBack) return undefined;
  // After a rollback Heat's own reason is that the rollback went well.
  const reason = isRolledBack
    ? `the update to ${push.count} did not last, and Heat went back to ${seen.count}; "openstack stack event list ${seen.stack_name}" says why`
    : (seen.reason ?? "no reason given");
  const message = `${seen.heat_status}: ${reason}`;
  return { class: "stack", code: UPDATE_FAILED, message };
}

/** What is wanted is there, or was accepted: an old refusal says nothing any more. */
function isCleared({ share, seen, isOpen }: CloudView, { desired }: Context): boolean {
  if (isOpen && share?.push?.answered?.outcome === "accepted") return true;
  return seen?.count === desired && seen?.heat_status !== undefined && isAtRest(seen.heat_status);
}

function isAtRest(heat_status: string): boolean {
  return heatState(heat_status) === "complete" && !refusesUpdates(heat_status);
}

/** Its hour is over, or a person asked since it was last tried. */
function isDue({ share }: CloudView, blocked: Blocked, { wake, now }: Context): boolean {
  const isAsked = isAskedAnew(wake, blocked) && isAskedAnew(wake, share?.push);
  return isAsked || (share?.retry_at ?? "") <= now;
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
    witness: witnessOf(own, context),
    ...(context.wake?.asked_at ? { asked_at: context.wake.asked_at } : {}),
  };
}

/** What must move for a refused push to be tried before its hour. */
function witnessOf({ seen, verdict }: CloudView, { generation, desired }: Context): string {
  const { heat_stack_id, heat_status, updated_time } = seen ?? {};
  const parts = [generation, desired, verdict?.at, heat_stack_id, heat_status, updated_time];
  return parts.map((part) => part ?? "-").join(" ");
}
