import type { Fault } from "../cloud/faults.ts";
import type { CloudName, Time } from "../cloud/schema.ts";
import { allocate } from "./allocation.ts";
import { type Block, blockOf } from "./blocks.ts";
import type { ReconcileSettings } from "./deps.ts";
import { allocationInput } from "./evidence.ts";
import { type Hold, type NextPush, nextPushes, type ShareView } from "./pushes.ts";
import { entriesOf, type Held, type Share } from "./schema.ts";
import {
  type Clouds,
  type CloudView,
  cloudViews,
  type Declared,
  isAskedAnew,
  isRefusal,
  isUndecided,
  ownStatus,
} from "./view.ts";
import { keptText } from "./workload.ts";

/** Everything that follows from what is known of a stack; nothing is done or written yet. */
export type Decision = {
  clouds: Clouds;
  /** The shares as they are to be written, removed ones left out. */
  shares: Share[];
  /** No longer weighed, and nothing of ours under way there. */
  removed: CloudName[];
  pushes: NextPush[];
  /** When the pushes that rest after a try may go. */
  retries: Time[];
  /** Why nothing was allocated: a cloud is not judged yet, or none is available. */
  standstill?: { reason: "unknown" | "nowhere"; message: string };
};

export type Run = { now: Time; settings: ReconcileSettings; faults: ReadonlyMap<CloudName, Fault> };

/**
 * Allocates the count over the clouds, and decides which pushes may go now and what is held or
 * blocked and why. Pure: the same view, time and faults give the same decision.
 */
export function decide(view: Declared, run: Run): Decision {
  const clouds = cloudViews(view, run.faults, run.settings);
  const { desired, standstill } = desiredOf(view, clouds);
  const kept = [...clouds.values()].filter(({ weight, isOpen, verdict }) => {
    // Of a cloud that left clouds.yaml the end of a push cannot be known any more.
    return weight !== undefined || (isOpen && verdict !== undefined);
  });
  const blocks = new Map(
    kept.map((own) => {
      const context = { ...contextOf(view, run), desired: desired.get(own.cloud), clouds };
      return [own.cloud, blockOf(own, context)];
    }),
  );
  const { pushes, holds } = standstill
    ? { pushes: [], holds: [] }
    : nextPushes(pushInput(view, run, { kept, desired, blocks }));
  const made = { view, run, desired, holds, standstill };
  const shares = kept
    .filter(({ cloud, share }) => desired.has(cloud) || share !== undefined)
    .map((own) => shareOf(own, { ...made, block: blocks.get(own.cloud) }));
  const removed = [...clouds.values()].filter(
    ({ cloud }) => !kept.some((own) => own.cloud === cloud),
  );
  return {
    clouds,
    shares,
    removed: removed.map(({ cloud }) => cloud),
    pushes,
    retries: holds.flatMap(({ until }) => until ?? []),
    ...(standstill ? { standstill } : {}),
  };
}

function contextOf({ stack, wake }: Declared, { now }: Run) {
  return { generation: stack.generation, wake, now };
}

type Desired = { desired: Map<CloudName, number>; standstill?: Decision["standstill"] };

function desiredOf({ stack }: Declared, clouds: Clouds): Desired {
  const listed = [...clouds.values()].filter(({ weight }) => weight !== undefined);
  const before = new Map(
    listed.flatMap(({ cloud, share }) => (share ? [[cloud, share.desired] as const] : [])),
  );
  const undecided = listed.filter(isUndecided).map(({ cloud }) => cloud);
  if (undecided.length > 0) {
    const message = `nothing moves until ${undecided.join(", ")} has been judged`;
    return { desired: before, standstill: { reason: "unknown", message } };
  }
  const shares = allocate(allocationInput(stack, clouds));
  if (shares === "hold") {
    const drained = listed.filter(({ isDrained }) => isDrained).map(({ cloud }) => cloud);
    const remedy =
      drained.length === 0 ? "" : `; undrain ${drained.sort().join(" or ")} to move it there`;
    const message = `none of its clouds is available, so everything stays as it is${remedy}`;
    return { desired: before, standstill: { reason: "nowhere", message } };
  }
  return { desired: new Map(entriesOf(shares)) };
}

type Settled = {
  kept: CloudView[];
  desired: Map<CloudName, number>;
  blocks: Map<CloudName, Block | undefined>;
};

function pushInput(view: Declared, run: Run, { kept, desired, blocks }: Settled) {
  const { stack } = view;
  return {
    stack_name: stack.stack_name,
    generation: stack.generation,
    order: stack.policy.order,
    paused: stack.paused,
    incomplete: !stack.completed && !stack.partial,
    shares: kept
      .filter(({ weight }) => weight !== undefined)
      .map((own): ShareView => {
        const { cloud, kind, seen, isOpen, awaitsRelease, share, fault } = own;
        const isBlocked = blocks.get(cloud)?.gates === true || fault !== undefined;
        const isAsked = share?.push !== undefined && isAskedAnew(view.wake, share.push);
        return {
          cloud,
          desired: desired.get(cloud) ?? 0,
          verdict: kind,
          seen,
          push: share?.push,
          isOpen,
          isBlocked,
          awaitsRelease,
          retryAt: isAsked ? undefined : retryAt(own, blocks.get(cloud), run),
        };
      }),
    oldTotal: ownStatus(view)?.old_total,
    now: run.now,
  };
}

type Making = {
  view: Declared;
  run: Run;
  desired: Map<CloudName, number>;
  block: Block | undefined;
  holds: Hold[];
  standstill: Decision["standstill"];
};

function shareOf(own: CloudView, making: Making): Share {
  const { view, run, desired, block } = making;
  const { cloud, share } = own;
  const held = heldOf(own, making);
  const lost = lostOf(own, making);
  const retry_at = retryAt(own, block, run);
  return {
    stack_name: view.stack.stack_name,
    cloud,
    desired: desired.get(cloud) ?? share?.desired ?? 0,
    version: share?.version ?? 0,
    ...(share?.push ? { push: share.push } : {}),
    ...(block ? { blocked: block.blocked } : {}),
    ...(held ? { held } : {}),
    ...(lost ? { lost } : {}),
    attempts: share?.attempts ?? 0,
    ...(retry_at ? { retry_at } : {}),
  };
}

/** Only a share that was dealt away because its cloud was lost waits for a release (failback manual). */
function lostOf(own: CloudView, { view, run, standstill }: Making): Share["lost"] {
  const { share, verdict, weight } = own;
  const isLost = own.kind === "unreachable" && !own.isKept;
  if (share?.lost && (isLost || own.awaitsRelease)) return share.lost;
  const isDealt = !standstill && !own.isDrained && view.stack.policy.failover !== "none";
  // What is no longer weighed is let go of, and dealt to nobody.
  const isOwed = weight !== undefined && (weight > 0 || (share?.desired ?? 0) > 0);
  return isLost && isDealt && isOwed ? { since: verdict?.since ?? run.now } : undefined;
}

/**
 * When the share may be pushed again: an hour after it was found blocked or a PATCH was turned down;
 * after a failed update, or a PATCH of which nobody knows, when the push's own growing pause is over.
 */
function retryAt(
  { share, fault, verdict }: CloudView,
  block: Block | undefined,
  { now, settings }: Run,
): Time | undefined {
  const before = share?.blocked;
  const { push, retry_at } = share ?? {};
  // The hour of a block that is gone binds nothing.
  if (!block || !isRefusal(block.blocked)) return isRefusal(before) ? undefined : retry_at;
  if (verdict?.blocking) return retry_at;
  const hourAfter = (time: Time) =>
    new Date(Date.parse(time) + settings.longestPauseMs).toISOString();
  const answered = fault && push?.answered;
  if (answered?.outcome === "refused" && hourAfter(answered.at) > now) {
    return hourAfter(answered.at);
  }
  if (answered?.outcome === "unanswered" && fault?.class === "stack") return retry_at;
  const isNew = before?.code !== block.blocked.code;
  const isOver = (retry_at ?? "") <= now && (fault !== undefined || block.gates);
  return isNew || isOver ? hourAfter(now) : retry_at;
}

const holdMessages: Record<Exclude<Held["reason"], "retry" | "nowhere" | "evidence">, string> = {
  order: "waits until enough is in place elsewhere (make_before_break)",
  paused: "the stack is paused; resume it",
  incomplete: "scale-downs wait until the weights sum to 1 (or the stack says partial)",
  release: "the cloud is back; its share waits for a release (failback manual)",
  suspicion:
    "the cloud is suspected, and its share stays; confirm or refute it, or wait for the window to pass",
  unknown: "the cloud has not been judged yet",
};

function heldOf(own: CloudView, { run, desired, holds, standstill }: Making): Held | undefined {
  const { cloud, share, weight, isOpen } = own;
  const before = share?.held;
  const since = (reason: Held["reason"]) => (before?.reason === reason ? before.since : run.now);
  if (standstill && weight !== undefined) {
    return { ...standstill, since: since(standstill.reason) };
  }
  if (own.isKept) {
    return { reason: "evidence", message: keptText(own), since: since("evidence") };
  }
  const isOwed = weight !== undefined && (desired.get(cloud) ?? share?.desired ?? 0) > 0;
  if (own.kind === "suspected" && isOwed) {
    return { reason: "suspicion", message: holdMessages.suspicion, since: since("suspicion") };
  }
  for (const { reason } of holds.filter((hold) => hold.cloud === cloud)) {
    if (reason === "retry" || reason === "nowhere" || reason === "evidence") continue;
    return { reason, message: holdMessages[reason], since: since(reason) };
  }
  // The rest of a scale-down still waits while the part that may go is under way.
  const isPart = isOpen && (share?.push?.count ?? 0) > (desired.get(cloud) ?? 0);
  return isPart && before?.reason === "order" ? before : undefined;
}
