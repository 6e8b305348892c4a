import type { Fault } from "../cloud/faults.ts";
import { marksOf, saidOf } from "../cloud/marks.ts";
import type { CloudName, Seen, Testimony, Time, Verdict, VerdictKind } from "../cloud/schema.ts";
import { heatState, isReadAfter, isReadFor, isReadSinceReturn, traceDue } from "../cloud/seen.ts";
import type { Workload } from "../cloud/witness.ts";
import type { StackView } from "./deps.ts";
import {
  type Blocked,
  entriesOf,
  type Push,
  type Share,
  type Stack,
  type Status,
  type Wake,
} from "./schema.ts";
import { keepsShare, workloadIn } from "./workload.ts";

/** Code of the one block that lifts itself: our own update failed, or was rolled back. */
export const UPDATE_FAILED = "update_failed";

/** A stack that is declared, with what the table knows of it. */
export type Declared = StackView & { stack: Stack };

/** What is known of one stack in one cloud, understood. */
export type CloudView = {
  cloud: CloudName;
  /** Its weight; undefined: no longer weighed, kept only until its push has ended. */
  weight: number | undefined;
  kind: VerdictKind;
  verdict?: Verdict | undefined;
  share?: Share | undefined;
  /** As the table has it, however old. */
  raw?: Seen | undefined;
  /** Of the declared parameter, and read since the cloud's last return: only this counts. */
  seen?: Seen | undefined;
  isOpen: boolean;
  /** Its push was never answered, and may still be carried out, whatever was seen there since. */
  mayCome: boolean;
  isDrained: boolean;
  isMissing: boolean;
  /** Its share was dealt away, and comes back only when a person lets it (failback manual). */
  awaitsRelease: boolean;
  /** Takes part in the deal. */
  isAvailable: boolean;
  /** What the workload says while the cloud is unreachable, where it is asked. */
  workload?: Workload | undefined;
  testimony?: Testimony | undefined;
  /** Unreachable, and keeps its share: the evidence is not complete. */
  isKept: boolean;
  /** What this run met there. */
  fault?: Fault | undefined;
};

export type Clouds = Map<CloudName, CloudView>;

/** Neither deleted nor never declared. */
export function isDeclared(view: StackView): view is Declared {
  return view.stack !== undefined && view.stack.deleted_at === undefined;
}

/** Where STATUS is of a deleted stack of the name, only its version and what was pushed still count. */
export function ofThisStack(view: Declared): Declared {
  if (ownStatus(view)) return view;
  const shares = view.shares.map(({ stack_name, cloud, desired, version, push }) => ({
    stack_name,
    cloud,
    desired,
    version,
    ...(push ? { push } : {}),
    attempts: 0,
  }));
  return { ...view, shares };
}

/** Every cloud that the stack weighs or still has a share in. */
export function cloudViews(
  view: Declared,
  faults: ReadonlyMap<CloudName, Fault>,
  settings: { pushSilenceMs: number },
): Clouds {
  const weights = new Map(entriesOf(view.stack.weights));
  const shares = new Map(view.shares.map((share) => [share.cloud, share]));
  const names = new Set([...weights.keys(), ...shares.keys()]);
  return new Map(
    [...names].map((cloud) => {
      const share = shares.get(cloud);
      return [
        cloud,
        cloudView(view, { cloud, weight: weights.get(cloud), share }, faults, settings),
      ];
    }),
  );
}

function cloudView(
  view: Declared,
  own: { cloud: CloudName; weight: number | undefined; share: Share | undefined },
  faults: ReadonlyMap<CloudName, Fault>,
  settings: { pushSilenceMs: number },
): CloudView {
  const { stack, verdicts, orders, seen: readings } = view;
  const { cloud, share } = own;
  const verdict = verdicts.get(cloud);
  const said = workloadIn(view, cloud, verdict);
  const kind = verdict?.verdict ?? "unknown";
  const read = readings.get(cloud);
  const raw = share !== undefined || isReadFor(read, stack) ? read : undefined;
  const isUsable =
    raw !== undefined && raw.parameter === stack.count_parameter && isReadSinceReturn(raw, verdict);
  const isDrained = orders.get(cloud)?.drained === true;
  const isMissing = raw?.missing !== undefined;
  const isReleased = (stack.released?.at ?? "") > (verdict?.returned_at ?? "");
  const awaitsRelease =
    stack.policy.failback === "manual" &&
    share?.lost !== undefined &&
    kind !== "unreachable" &&
    !isReleased;
  const isHere = kind === "reachable" || kind === "suspected" || isAbstaining(verdict);
  return {
    ...own,
    kind,
    verdict,
    raw,
    seen: isUsable ? raw : undefined,
    isOpen: share?.push !== undefined && !hasEnded(share.push, raw, verdict, settings),
    mayCome: share?.push !== undefined && mayCome(share.push, raw, verdict, settings),
    isDrained,
    isMissing,
    awaitsRelease,
    isAvailable: isHere && !isDrained && !isMissing && !awaitsRelease,
    ...said,
    isKept: keepsShare({ ...own, isDrained, isMissing, workload: said.workload }),
    fault: faults.get(cloud),
  };
}

/** Never yet reached, and blocked: it keeps its place (DESIGN 3.3). */
export function isAbstaining(verdict: Verdict | undefined): boolean {
  return verdict?.verdict === "unknown" && verdict.blocking !== undefined;
}

/** Neither reached nor given up: nothing is decided for the stacks that weigh it. */
export function isUndecided({ kind, verdict, isDrained, weight }: CloudView): boolean {
  return weight !== undefined && kind === "unknown" && !isAbstaining(verdict) && !isDrained;
}

/**
 * Whether a push has ended (DESIGN 3.2): refused; or accepted and read since then as not in
 * progress; or unanswered and carried out; or unanswered without a trace five minutes later, or
 * after the cloud's return; or its heat stack is gone, or its update is stuck.
 */
export function hasEnded(
  push: Push,
  seen: Seen | undefined,
  verdict: Verdict | undefined,
  settings: { pushSilenceMs: number },
): boolean {
  const { id, answered, before } = push;
  if (answered?.outcome === "refused") return true;
  if (!seen || !isReadAfter(seen, push)) return false;
  if (seen.missing || seen.heat_stack_id !== before.heat_stack_id) return true;
  if (seen.stuck && seen.stuck_after === id) return true;
  const isRunning = seen.heat_status !== undefined && heatState(seen.heat_status) === "in_progress";
  if (answered?.outcome === "accepted") {
    // What was asked for may have been seen COMPLETE before the answer was written down.
    return (seen.after?.answered === true || seen.settled_after === id) && !isRunning;
  }
  if (seen.updated_time !== before.updated_time) return !isRunning;
  return isTraceOver(push, seen, verdict, settings);
}

/** Somebody else's update ends an unanswered push as far as ours go on; Heat may carry it out after that. */
function mayCome(
  push: Push,
  seen: Seen | undefined,
  verdict: Verdict | undefined,
  settings: { pushSilenceMs: number },
): boolean {
  const { answered, before, count } = push;
  const isAnswered = answered !== undefined && answered.outcome !== "unanswered";
  if (isAnswered || seen?.missing || (seen && seen.heat_stack_id !== before.heat_stack_id))
    return false;
  const isSeen = seen?.count === count && seen.updated_time !== before.updated_time;
  return !isSeen && (seen === undefined || !isTraceOver(push, seen, verdict, settings));
}

/** Whether what left no trace in this reading will not be carried out: late enough, and since the cloud's return. */
function isTraceOver(
  { at }: Push,
  seen: Seen,
  verdict: Verdict | undefined,
  { pushSilenceMs }: { pushSilenceMs: number },
): boolean {
  return isReadSinceReturn(seen, verdict) && seen.read_at >= traceDue(at, pushSilenceMs);
}

/** Whether a person asked for a look that this (a reading, a push, a block) knew nothing of: its pause does not count. */
export function isAskedAnew(
  wake: Wake | undefined,
  known: { asked_at?: Time | undefined } | undefined,
): boolean {
  return wake?.asked_at !== undefined && wake.asked_at !== known?.asked_at;
}

/**
 * Whether Heat must be asked before anything can be decided for this cloud: never read, read for
 * another parameter, not read since the verdict on the cloud last moved, a push whose end only a read can tell (the probe
 * looks at declared heat stacks only), a blocked share whose hour is over.
 */
export function needsReading(
  own: CloudView,
  {
    wake,
    now,
    settings,
  }: { wake: Wake | undefined; now: Time; settings: { pushSilenceMs: number } },
): boolean {
  const { share, seen, verdict } = own;
  if (!canBeAsked(own) || own.awaitsRelease) return false;
  if (!seen || isAskedAnew(wake, seen.after)) return true;
  // Other credentials may lead to another project: only a read tells.
  if (verdict?.at !== seen.after?.verdict_at) return true;
  const push = own.isOpen || own.mayCome ? share?.push : undefined;
  if (push) {
    const due = traceDue(push.at, settings.pushSilenceMs);
    const isKnown = push.answered?.outcome === "accepted" || seen.read_at >= due;
    if (isKnown ? own.weight === undefined : now >= due) return true;
  }
  return isRefusal(share?.blocked) && share?.retry_at !== undefined && share.retry_at <= now;
}

/** A block that a person must lift; a failed update is shown as one, and is simply tried again. */
export function isRefusal(blocked: Blocked | undefined): boolean {
  return blocked !== undefined && blocked.code !== UPDATE_FAILED;
}

/** Whether calls to this cloud make sense now. */
export function canBeAsked({ kind, verdict, fault }: CloudView): boolean {
  return kind === "reachable" && verdict?.blocking === undefined && fault === undefined;
}

/** Marks of the verdicts and orders that the stack depends on. */
export function verdictMarks({ stack, verdicts, orders }: Declared): string {
  const clouds = entriesOf(stack.weights).map(([cloud]) => cloud);
  return marksOf(clouds, (cloud) => saidOf(verdicts.get(cloud), orders.get(cloud)));
}

/** STATUS as far as it is about this declaration: a re-created stack keeps the version only. */
export function ownStatus({ status, stack }: Declared): Status | undefined {
  return status?.uid === stack.uid ? status : undefined;
}
