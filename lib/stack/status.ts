import { marksOf } from "../cloud/marks.ts";
import type { CloudName, Time } from "../cloud/schema.ts";
import { traceDue } from "../cloud/seen.ts";
import { conditionsOf, dated, isCounted, isShareInPlace, stateOf } from "./conditions.ts";
import type { Decision } from "./decision.ts";
import type { ReconcileSettings } from "./deps.ts";
import { entriesOf, type Status } from "./schema.ts";
import { type Declared, isRefusal, ownStatus, verdictMarks } from "./view.ts";

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
  const traces = [...decision.clouds.values()].flatMap(({ share, isOpen, mayCome }) => {
    const push = isOpen || mayCome ? share?.push : undefined;
    const isUnknown = push && push.answered?.outcome !== "accepted";
    return isUnknown ? [traceDue(push.at, settings.pushSilenceMs)] : [];
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

function defined<T extends Record<string, unknown>>(
  fields: T,
): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}
