import type { Fault } from "../cloud/faults.ts";
import type { CloudName, Time } from "../cloud/schema.ts";
import { allocate } from "./allocation.ts";
import { type Block, blockOf } from "./blocks.ts";
import type { ReconcileSettings } from "./deps.ts";
import { type Hold, type NextPush, nextPushes, type ShareView } from "./pushes.ts";
import { entriesOf, type Held, type Share } from "./schema.ts";
import {
  type Clouds,
  type CloudView,
  cloudViews,
  type Declared,
  isUndecided,
  ownStatus,
  wasAskedSince,
} from "./view.ts";

/** Everything that follows from what is known of a stack; nothing is done or written yet. */
export type Decision = {
  clouds: Clouds;
  /** The shares as they are to be written, removed ones left out. */
  shares: Share[];
  /** No longer weighed, and nothing of ours under way there. */
  removed: CloudName[];
  pushes: NextPush[];
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
  const kept = [...clouds.values()].filter((own) => own.weight !== undefined || own.isOpen);
  const blocks = new Map(
    kept.map((own) => [own.cloud, blockOf(own, { ...contextOf(view, run), clouds })]),
  );
  const { pushes, holds } = standstill
    ? { pushes: [], holds: [] }
    : nextPushes(pushInput(view, run, { kept, desired, blocks }));
  const shares = kept
    .filter(({ cloud, share }) => desired.has(cloud) || share !== undefined)
    .map((own) => shareOf(own, { view, run, desired, block: blocks.get(own.cloud), holds }));
  const removed = [...clouds.values()].filter(
    ({ cloud }) => !kept.some((own) => own.cloud === cloud),
  );
  return {
    clouds,
    shares,
    removed: removed.map(({ cloud }) => cloud),
    pushes,
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
  const named = (is: (own: CloudView) => boolean) =>
    new Set(listed.filter(is).map(({ cloud }) => cloud));
  const shares = allocate({
    stack_name: stack.stack_name,
    count: stack.count,
    weights: stack.weights,
    available: named(({ isAvailable }) => isAvailable),
    drained: named(({ isDrained }) => isDrained),
    failover: stack.policy.failover,
  });
  if (shares === "hold") {
    const message = "none of its clouds is available, so everything stays as it is";
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
        const retryAt = wasAskedSince(view.wake, share?.push?.at) ? undefined : share?.retry_at;
        return {
          cloud,
          desired: desired.get(cloud) ?? 0,
          verdict: kind,
          seen,
          push: share?.push,
          isOpen,
          isBlocked,
          awaitsRelease,
          retryAt,
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
};

function shareOf(own: CloudView, { view, run, desired, block, holds }: Making): Share {
  const { cloud, share, verdict, kind, weight } = own;
  const held = heldOf(own, holds, run.now);
  const lost =
    kind === "unreachable" && weight
      ? { since: share?.lost?.since ?? verdict?.since ?? run.now }
      : undefined;
  const kept = own.awaitsRelease ? share?.lost : lost;
  const retry_at = retryAt(own, block, run);
  return {
    stack_name: view.stack.stack_name,
    cloud,
    desired:
      weight === undefined ? (share?.desired ?? 0) : (desired.get(cloud) ?? share?.desired ?? 0),
    version: share?.version ?? 0,
    ...(share?.push ? { push: share.push } : {}),
    ...(block ? { blocked: block.blocked } : {}),
    ...(held ? { held } : {}),
    ...(kept ? { lost: kept } : {}),
    attempts: share?.attempts ?? 0,
    ...(retry_at ? { retry_at } : {}),
  };
}

/** A share newly blocked, or found so again, is tried again in an hour; else its own pause stands. */
function retryAt(
  { share, fault, verdict }: CloudView,
  block: Block | undefined,
  run: Run,
): Time | undefined {
  if (!block || block.blocked.code === "update_failed" || verdict?.blocking) return share?.retry_at;
  const isNew = share?.blocked?.code !== block.blocked.code;
  const isOver = (share?.retry_at ?? "") <= run.now;
  if (!isNew && !(isOver && (fault !== undefined || block.gates))) return share?.retry_at;
  return new Date(Date.parse(run.now) + run.settings.longestPauseMs).toISOString();
}

const holdMessages: Record<Exclude<Held["reason"], "retry" | "nowhere">, string> = {
  order: "waits until enough is in place elsewhere (make_before_break)",
  paused: "the stack is paused; resume it",
  incomplete: "scale-downs wait until the weights sum to 1 (or the stack says partial)",
  release: "the cloud is back; its share waits for a release (failback manual)",
  suspicion: "the cloud is suspected; confirm or refute it, or wait for the window to pass",
  unknown: "the cloud has not been judged yet",
};

function heldOf({ cloud, share }: CloudView, holds: Hold[], now: Time): Held | undefined {
  const hold = holds.find((one) => one.cloud === cloud && one.reason !== "retry");
  if (!hold || hold.reason === "retry" || hold.reason === "nowhere") return undefined;
  const since = share?.held?.reason === hold.reason ? share.held.since : now;
  return { reason: hold.reason, message: holdMessages[hold.reason], since };
}
