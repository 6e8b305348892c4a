import type { Push, Stack, Wake } from "../stack/schema.ts";
import type { CloudName, HeatStackDetail, Known, Seen, Time, Verdict } from "./schema.ts";

/** Heat's status is ACTION_STATE; a healthy stack may have gone through any action. */
export type HeatState = "complete" | "failed" | "in_progress";

/** COMPLETE, FAILED or IN_PROGRESS of a status such as `ROLLBACK_COMPLETE`. */
export function heatState(heat_status: string): HeatState {
  if (heat_status.endsWith("_IN_PROGRESS")) return "in_progress";
  return heat_status.endsWith("_FAILED") ? "failed" : "complete";
}

/** SUSPEND and DELETE in whatever state: Heat refuses an update then (400 NotSupported). */
export function refusesUpdates(heat_status: string): boolean {
  return heat_status.startsWith("SUSPEND_") || heat_status.startsWith("DELETE_");
}

/** What the table says of a stack in a cloud when a reading begins, and the reader's clock. */
export type TableNow = {
  now: Date;
  stack: Pick<Stack, "generation"> | undefined;
  verdict: Verdict | undefined;
  push: Push | undefined;
  asked_at: Wake["asked_at"];
};

/** What a reading that begins now will tell of. */
export function knownNow(
  { now, stack, verdict, push, asked_at }: TableNow,
  { pushSilenceMs }: Pick<StuckSettings, "pushSilenceMs">,
): Known {
  const isAnswered = push?.answered !== undefined && push.answered.outcome !== "unanswered";
  const isOld = push !== undefined && now.toISOString() >= traceDue(push.at, pushSilenceMs);
  return {
    ...(stack ? { generation: stack.generation } : {}),
    ...(verdict ? { verdict_at: verdict.at } : {}),
    ...(verdict?.returned_at ? { returned_at: verdict.returned_at } : {}),
    ...(push ? { push_id: push.id } : {}),
    ...(push?.answered ? { answered: true } : {}),
    ...(isAnswered || isOld ? { settled: true } : {}),
    ...(asked_at ? { asked_at } : {}),
  };
}

/** From when on a read without a trace means that an unanswered push will not be carried out. */
export function traceDue(at: Time, pushSilenceMs: number): Time {
  return new Date(Date.parse(at) + pushSilenceMs).toISOString();
}

/** Whether a reading began after this push was written down. */
export function isReadAfter({ after }: Pick<Seen, "after">, push: Pick<Push, "id">): boolean {
  return after?.push_id === push.id;
}

/** Whether a reading began since the cloud last came back: what was seen before may be gone. */
export function isReadSinceReturn(
  { after }: Pick<Seen, "after">,
  verdict: Verdict | undefined,
): boolean {
  return after?.returned_at === verdict?.returned_at;
}

/**
 * Whether a reading began since this very declaration. Without a share nothing else counts: a run that
 * stood still may save what it read before the cloud was let go of.
 */
export function isReadFor(
  seen: Seen | undefined,
  { generation }: Pick<Stack, "generation">,
): boolean {
  return seen?.after?.generation === generation;
}

/** Whether something COMPLETE was read since this push was written down. */
export function isConfirmedAfter(
  { complete_at, complete_after }: Pick<Seen, "complete_at" | "complete_after">,
  push: Pick<Push, "id">,
): boolean {
  return complete_at !== undefined && complete_after === push.id;
}

/**
 * What is confirmed to run: the count of the last COMPLETE; after a failure, while an update is under
 * way, and after an action that changes nothing, the lower of old and new; nothing until first seen
 * COMPLETE, once it is deleted, and once it was updated to a count that cannot be read.
 */
export function inPlace(
  previous: Pick<Seen, "in_place" | "complete_at" | "updated_time"> | undefined,
  { heat_status, updated_time }: Pick<HeatStackDetail, "heat_status" | "updated_time">,
  count: number | undefined,
): number {
  const before = previous?.in_place ?? 0;
  if (heat_status.startsWith("DELETE_")) return 0;
  if (count === undefined) return previous?.updated_time === updated_time ? before : 0;
  return confirms(heat_status, previous) ? count : Math.min(before, count);
}

/**
 * Whether a status says that what the parameters ask for is there. A check or a resume after a failed
 * update ends COMPLETE too, with the parameters of the failure: it counts only where nothing is known.
 */
function confirms(heat_status: string, previous: Pick<Seen, "complete_at"> | undefined): boolean {
  if (heatState(heat_status) !== "complete" || refusesUpdates(heat_status)) return false;
  return /^(CREATE|ADOPT|UPDATE|ROLLBACK|RESTORE)_/.test(heat_status) || !previous?.complete_at;
}

/** What a full read says, on top of what was known of the same heat stack before it. */
export function seenFrom(input: {
  cloud: CloudName;
  detail: HeatStackDetail;
  parameter: string;
  read_at: Time;
  after: Known;
  /** The last one that was written down before the reading. */
  push: Push | undefined;
  previous: Seen | undefined;
  isStuck: boolean;
}): Seen {
  const { cloud, detail, parameter, read_at, after, push } = input;
  const isSame = input.previous?.heat_stack_id === detail.heat_stack_id;
  const previous = isSame && input.previous?.parameter === parameter ? input.previous : undefined;
  const count = wholeNumber(detail.parameters.get(parameter));
  const isConfirmed = confirms(detail.heat_status, previous);
  const complete_at = isConfirmed ? read_at : previous?.complete_at;
  // Of a push that nobody answered it says what became of it only if it is what was asked for.
  const isOver = after.settled || (push && isCarriedOut(push, detail, count));
  const complete_after = isConfirmed ? after.push_id : previous?.complete_after;
  const settled_after = isConfirmed && isOver ? after.push_id : previous?.settled_after;
  const in_place = inPlace(previous, detail, count);
  const most = isConfirmed && count !== undefined ? count : mostOf(previous);
  return {
    cloud,
    stack_name: detail.stack_name,
    read_at,
    after,
    parameter,
    ...(count === undefined ? {} : { count }),
    in_place,
    ...(most > Math.max(in_place, count ?? 0) ? { at_most: most } : {}),
    ...(complete_at === undefined || count === undefined ? {} : { complete_at }),
    ...(complete_after === undefined ? {} : { complete_after }),
    ...(settled_after === undefined ? {} : { settled_after }),
    heat_status: detail.heat_status,
    reason: detail.reason.slice(0, 1000).toWellFormed(),
    creation_time: detail.creation_time,
    updated_time: detail.updated_time,
    timeout_mins: detail.timeout_mins,
    heat_stack_id: detail.heat_stack_id,
    project_id: detail.project_id,
    ...(input.isStuck ? stuckSince(previous, read_at, after) : {}),
  };
}

function isCarriedOut(
  { before, count }: Push,
  detail: HeatStackDetail,
  seenCount: number | undefined,
): boolean {
  return detail.updated_time !== before.updated_time && seenCount === count;
}

function stuckSince(
  previous: Seen | undefined,
  since: Time,
  { push_id }: Known,
): Pick<Seen, "stuck" | "stuck_after"> {
  const known = previous?.stuck ? previous.stuck_after : push_id;
  const stuck = previous?.stuck ?? { since };
  return { stuck, ...(known === undefined ? {} : { stuck_after: known }) };
}

/** What may run of what was there, and asked for, before: an update that has not ended may have done nothing. */
function mostOf(previous: Seen | undefined): number {
  return Math.max(previous?.in_place ?? 0, previous?.count ?? 0, previous?.at_most ?? 0);
}

/** A full list of the project did not have it: nothing runs there. */
export function missingFrom(input: {
  cloud: CloudName;
  stack_name: string;
  parameter: string;
  project_id: string;
  read_at: Time;
  after: Known;
  previous: Seen | undefined;
}): Seen {
  const { previous, ...rest } = input;
  return { ...rest, in_place: 0, missing: previous?.missing ?? { since: input.read_at } };
}

/** Whether two readings differ in anything but when they were made, and what was known then. */
export function hasMoved(previous: Seen | undefined, next: Seen): boolean {
  if (!previous) return true;
  const key = (seen: Seen) => {
    const { read_at, after, complete_at, complete_after, settled_after, ...rest } = seen;
    return sortedText(rest);
  };
  return key(previous) !== key(next);
}

/** Whether a reading tells of anything that was written down since the one before it, another generation apart. */
export function knowsMore(previous: Seen, next: Seen): boolean {
  const key = ({ generation: _, ...after }: Known = {}) => sortedText(after);
  return key(previous.after) !== key(next.after);
}

function sortedText(object: Record<string, unknown>): string {
  return JSON.stringify(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export type StuckSettings = {
  stuckGraceMs: number;
  updateTimeoutMs: number;
  /** How long an unanswered push may still be carried out (5 min). */
  pushSilenceMs: number;
};
type Running = Pick<Seen, "heat_status" | "updated_time" | "creation_time" | "timeout_mins">;

/** Something under way that may end, or get stuck; SUSPEND and DELETE in progress are blocked instead. */
export function isUnderWay({ heat_status }: Pick<Seen, "heat_status">): boolean {
  if (heat_status === undefined || refusesUpdates(heat_status)) return false;
  return heatState(heat_status) === "in_progress";
}

/**
 * Whether an update has outlived its own timeout by the grace. A check, say, does not move
 * `updated_time` (heat/engine/stack.py), so when it began, and whether it is late, nobody knows.
 */
export function hasOutlived(
  seen: Running,
  now: Time,
  { stuckGraceMs, updateTimeoutMs }: StuckSettings,
): boolean {
  const start = seen.updated_time ?? seen.creation_time;
  const isDated = /^(CREATE|ADOPT|UPDATE|ROLLBACK|RESTORE)_/.test(seen.heat_status ?? "");
  if (start === undefined || !isDated) return false;
  const timeoutMs = seen.timeout_mins ? seen.timeout_mins * 60_000 : updateTimeoutMs;
  return Date.parse(now) >= Date.parse(start) + timeoutMs + stuckGraceMs;
}

/** Whether the cloud came back while the update that is still in progress was under way. */
export function wasCutOff(seen: Running, verdict: Verdict | undefined): boolean {
  const start = seen.updated_time ?? seen.creation_time;
  if (start === undefined || !verdict?.returned_at) return false;
  return Date.parse(start) <= Date.parse(verdict.returned_at);
}

/** Whether it is worth reading a heat stack in progress again, to see if it is stuck. */
export function mayBeStuck(
  seen: Seen,
  verdict: Verdict | undefined,
  now: Time,
  settings: StuckSettings,
): boolean {
  if (seen.stuck || !isUnderWay(seen)) return false;
  if (hasOutlived(seen, now, settings)) return true;
  if (!wasCutOff(seen, verdict)) return false;
  return Date.parse(now) >= Date.parse(verdict?.returned_at ?? now) + settings.stuckGraceMs;
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined;
}
