import { marksOf } from "../cloud/marks.ts";
import type { CloudName, Time } from "../cloud/schema.ts";
import { heatState, refusesUpdates } from "../cloud/seen.ts";
import { totalOf } from "./allocation.ts";
import type { Decision } from "./decision.ts";
import type { ReconcileSettings } from "./deps.ts";
import { type Condition, entriesOf, type Share, type StackState, type Status } from "./schema.ts";
import { sentence } from "./sentence.ts";
import {
  type CloudView,
  type Declared,
  isRefusal,
  ownStatus,
  traceDue,
  verdictMarks,
} from "./view.ts";

/** What a reconcile knows when it sums up. */
export type Summary = {
  view: Declared;
  decision: Decision;
  /** When the readings began that the table has: others of this run count for nothing later. */
  kept: ReadonlyMap<CloudName, Time>;
  now: Time;
  settings: ReconcileSettings;
};

/** The STATUS that follows from a decision, one version on. */
export function statusOf(summary: Summary): Status {
  const { view, decision, now } = summary;
  const { stack } = view;
  const before = ownStatus(view);
  const isSettled = isInPlace(summary);
  const total = decision.shares.reduce((sum, { desired }) => sum + desired, 0);
  const observed = isSettled
    ? { observed_generation: stack.generation, old_total: total }
    : { observed_generation: before?.observed_generation, old_total: before?.old_total };
  const conditions = conditionsOf(summary, isSettled).map((condition) =>
    dated(condition, before?.conditions ?? [], now),
  );
  const verdicts = verdictMarks(view);
  const inputs = { generation: stack.generation, verdicts, seen: seenMarks(summary) };
  const isAtRest = isSettled && !owesAnything(decision);
  const isDue = before?.due_at !== undefined && before.due_at <= now;
  const isNew =
    before?.inputs.generation !== stack.generation || before.inputs.verdicts !== verdicts;
  const attempts = isAtRest || isNew ? 0 : (before?.attempts ?? 0) + (isDue ? 1 : 0);
  const planned = isNew || isDue ? undefined : before?.due_at;
  const due_at = dueAt(summary, { attempts, planned, isAtRest });
  return {
    stack_name: stack.stack_name,
    version: (view.status?.version ?? 0) + 1,
    uid: stack.uid,
    ...defined(observed),
    inputs,
    open: openClouds(decision),
    attempts,
    ...(due_at ? { due_at } : {}),
    state: stateOf(conditions),
    conditions,
  };
}

/** Whether a STATUS says anything that the one before it did not. */
export function statusMoved(before: Status | undefined, next: Status): boolean {
  const key = ({ version: _, open, ...rest }: Status) => {
    const entries = Object.entries({ ...rest, open: [...open].sort() });
    return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  return before === undefined || key(before) !== key(next);
}

function seenMarks({ view, kept }: Summary): string {
  const clouds = entriesOf(view.stack.weights).map(([cloud]) => cloud);
  return marksOf(clouds, (cloud) => kept.get(cloud) ?? "");
}

/** Clouds with a push that has not ended, the ones about to go included: the probe looks there at every tick. */
function openClouds({ clouds, pushes }: Decision) {
  const open = [...clouds.values()].filter(({ isOpen }) => isOpen).map(({ cloud }) => cloud);
  return [...new Set([...open, ...pushes.map(({ cloud }) => cloud)])];
}

/** Every cloud in the deal runs what is desired, confirmed, and nothing is under way. */
function isInPlace({ view, decision }: Summary): boolean {
  if (decision.standstill || decision.pushes.length > 0) return false;
  const listed = [...decision.clouds.values()].filter(({ weight }) => weight !== undefined);
  if (view.stack.count > 0 && listed.length === 0) return false;
  const shares = new Map(decision.shares.map((share) => [share.cloud, share]));
  return listed.every((own) => !isCounted(own) || isShareInPlace(own, shares.get(own.cloud)));
}

function isCounted({ isAvailable, isDrained, kind, isMissing }: CloudView): boolean {
  return isAvailable || (isDrained && kind !== "unreachable" && !isMissing);
}

function isShareInPlace({ seen, isOpen }: CloudView, share: Share | undefined): boolean {
  if (!seen?.heat_status || isOpen || seen.stuck || !share) return false;
  const isQuiet = heatState(seen.heat_status) === "complete" && !refusesUpdates(seen.heat_status);
  return isQuiet && seen.count === share.desired && seen.in_place === share.desired;
}

/** Something is blocked, or a push to a cloud that is no longer weighed has not ended. */
function owesAnything({ shares, clouds }: Decision): boolean {
  return shares.some(({ cloud, blocked }) => blocked || clouds.get(cloud)?.weight === undefined);
}

type Planning = {
  attempts: number;
  /** The due time that still stands. */
  planned: Time | undefined;
  isAtRest: boolean;
};

/** What is not converged is always looked at again; paused, and awaiting release alone, are not. */
function dueAt(
  { view, decision, now, settings }: Summary,
  { attempts, planned, isAtRest }: Planning,
): Time | undefined {
  const { paused, count, weights } = view.stack;
  if (paused || (count > 0 && Object.keys(weights).length === 0)) return undefined;
  const traces = [...decision.clouds.values()].flatMap(({ share, isOpen, verdict }) => {
    const push = isOpen ? share?.push : undefined;
    const isUnknown = push && push.answered?.outcome !== "accepted";
    return isUnknown ? [traceDue(push.at, verdict, settings.pushSilenceMs)] : [];
  });
  const hours = decision.shares.flatMap(({ blocked, retry_at }) =>
    isRefusal(blocked) && retry_at ? [retry_at] : [],
  );
  const { retryPauseMs, longestPauseMs } = settings;
  const pauseMs = Math.min(longestPauseMs, retryPauseMs * 2 ** Math.min(attempts, 20));
  const soft = planned ?? new Date(Date.parse(now) + pauseMs).toISOString();
  const all = [...traces, ...hours, ...decision.retries, ...(isAtRest ? [] : [soft])];
  return all.filter((time) => time > now).sort()[0];
}

const byBadness: { type: Condition["type"]; state: StackState }[] = [
  { type: "paused", state: "paused" },
  { type: "blocked", state: "blocked" },
  { type: "held", state: "held" },
  { type: "failed_over", state: "failed_over" },
];

function stateOf(conditions: Condition[]): StackState {
  const holds = (type: Condition["type"]) =>
    conditions.some((condition) => condition.type === type && condition.status);
  const worst = byBadness.find(({ type }) => holds(type));
  return worst?.state ?? (holds("converged") ? "converged" : "converging");
}

type Undated = Omit<Condition, "since">;

function conditionsOf(summary: Summary, isSettled: boolean): Undated[] {
  const { view, decision } = summary;
  const blocked = decision.shares.filter((share) => share.blocked);
  const held = decision.shares.filter((share) => share.held);
  const failedOver = [...decision.clouds.values()].filter(
    ({ weight, kind, awaitsRelease, isMissing }) =>
      weight && (kind === "unreachable" || awaitsRelease || isMissing),
  );
  return [
    convergedCondition(summary, isSettled),
    condition(
      "failed_over",
      failedOver.map((own) => ({ reason: lossOf(own), message: lossText(own) })),
    ),
    condition(
      "held",
      decision.standstill
        ? [decision.standstill]
        : held.map(({ cloud, held }) => ({
            reason: held?.reason ?? "",
            message: `${cloud}: ${held?.message}`,
          })),
    ),
    condition(
      "blocked",
      blocked.map(({ cloud, blocked }) => ({
        reason: blocked?.code ?? "",
        message: `${cloud}: ${blocked?.message}`,
      })),
    ),
    condition("paused", view.stack.paused ? [{ reason: "paused", message: "by a person" }] : []),
  ];
}

function condition(type: Condition["type"], found: { reason: string; message: string }[]): Undated {
  const [first] = found;
  return {
    type,
    status: first !== undefined,
    reason: first?.reason ?? "none",
    // Weights and shares come in any order, and a condition must not move for that.
    message: sentence(found.map(({ message }) => message).sort()),
  };
}

function convergedCondition({ view, decision }: Summary, isSettled: boolean): Undated {
  const total = decision.shares.reduce((sum, { desired }) => sum + desired, 0);
  const wanted = totalOf(view.stack.count, view.stack.weights);
  if (isSettled) {
    const message = total === wanted ? `${total} in place` : `${total} of ${wanted} in place`;
    return { type: "converged", status: true, reason: "in_place", message };
  }
  const waits = [...decision.clouds.values()].flatMap((own) => {
    const share = decision.shares.find(({ cloud }) => cloud === own.cloud);
    if (!share || own.weight === undefined || !isCounted(own) || isShareInPlace(own, share))
      return [];
    const inPlace = own.seen?.in_place ?? "?";
    // The number is right already, and its update has not ended, or has not been seen to.
    if (inPlace === share.desired) return [`${own.cloud} is updating`];
    return [`${own.cloud} ${inPlace} -> ${share.desired}`];
  });
  if (Object.keys(view.stack.weights).length === 0) {
    return {
      type: "converged",
      status: false,
      reason: "no_weights",
      message: "no cloud has a weight yet",
    };
  }
  return { type: "converged", status: false, reason: "updating", message: waits.sort().join(", ") };
}

function lossOf({ kind, isMissing }: CloudView): string {
  if (kind === "unreachable") return "cloud_unreachable";
  return isMissing ? "heat_stack_missing" : "awaits_release";
}

function lossText(own: CloudView): string {
  const { cloud, kind, verdict, isMissing, raw } = own;
  if (kind === "unreachable") return `${cloud} is unreachable since ${verdict?.since}`;
  if (isMissing) return `${cloud} has no heat stack of this name since ${raw?.missing?.since}`;
  return `${cloud} is back since ${verdict?.returned_at ?? "?"}, and waits for a release`;
}

function dated(next: Undated, before: Condition[], now: Time): Condition {
  const same = before.find(
    ({ type, status, reason }) =>
      type === next.type && status === next.status && reason === next.reason,
  );
  return { ...next, since: same?.since ?? now };
}

function defined<T extends Record<string, unknown>>(
  fields: T,
): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}
