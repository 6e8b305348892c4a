import type { CloudName } from "../cloud/schema.ts";
import { heatState, isReadAfter, isReadSinceReturn } from "../cloud/seen.ts";
import { placeOf } from "./pushes.ts";
import type { Stack } from "./schema.ts";
import type { CloudView } from "./view.ts";
import { keptText } from "./workload.ts";

/** What runs in one cloud, as far as that is known. */
export type Entry = {
  cloud: CloudName;
  /** So many are confirmed to run: nothing of ours that is under way can leave fewer. */
  in_place: number;
  /** No more than so many; undefined: it was never read, so nobody knows. */
  up_to: number | undefined;
  /** Why the two differ. */
  reason?: string;
};

export type Ledger = {
  in_place: number;
  /** Undefined: that of a cloud is. */
  up_to: number | undefined;
  entries: Entry[];
};

/**
 * What is confirmed to run of a stack in the clouds that it weighs, and what may run besides in those
 * that nobody can see, or where an update has not ended. What runs lies between the two whatever
 * became of our own pushes; what another user changed counts from when it is read. Of a cloud that
 * is not reachable, or that came back and was not read since, nothing is confirmed; anything may run
 * there between none and the most that it was seen to have, or was asked for.
 */
export function ledgerOf(
  { count_parameter }: Pick<Stack, "count_parameter">,
  clouds: Iterable<CloudView>,
): Ledger {
  const weighed = [...clouds].filter(({ weight }) => weight !== undefined);
  const entries = weighed.map((own) => entryOf(own, count_parameter));
  const isKnown = entries.every(({ up_to }) => up_to !== undefined);
  return {
    in_place: confirmed(weighed, entries),
    up_to: isKnown ? entries.reduce((sum, { up_to = 0 }) => sum + up_to, 0) : undefined,
    entries,
  };
}

/** Two clouds.yaml entries may lead to one heat stack: what runs in it counts once. */
function confirmed(weighed: CloudView[], entries: Entry[]): number {
  const places = new Map<string, number>();
  for (const [i, { in_place }] of entries.entries()) {
    const own = weighed[i];
    const id = own?.seen?.heat_stack_id ?? `${i}`;
    places.set(id, Math.min(in_place, places.get(id) ?? in_place));
  }
  return [...places.values()].reduce((sum, one) => sum + one, 0);
}

/** What runs of a stack with this count parameter in one cloud, weighed or not. */
export function entryOf(own: CloudView, parameter: string): Entry {
  const { cloud, kind, seen, raw } = own;
  const isSeen = kind === "reachable" && seen !== undefined;
  const in_place = isSeen ? leastOf(own) : 0;
  const up_to = raw?.parameter === parameter ? mostOf(own) : undefined;
  if (up_to === in_place) return { cloud, in_place, up_to };
  return { cloud, in_place, up_to, reason: isSeen ? unendedText(own) : unseenText(own) };
}

/**
 * So many surely run, whatever became of our pushes: one that nobody answered may have been carried
 * out, and been overtaken unseen by somebody's update.
 */
export function leastOf({ seen, share, isOpen, mayCome }: CloudView): number {
  const push = share?.push;
  const place = placeOf({ seen, push, isOpen });
  if (!push || push.answered?.outcome === "refused" || seen?.complete_at === undefined)
    return place;
  if (!mayCome && seen.settled_after === push.id) return place;
  return Math.min(place, push.count, push.at_least ?? place);
}

/** The most that a cloud was seen to have, or has been asked for, since it was last seen COMPLETE. */
export function mostOf({ raw, share, isOpen, mayCome }: CloudView): number | undefined {
  if (raw === undefined) return undefined;
  // Without the parameter that says how many, nobody knows.
  if (raw.count === undefined && raw.missing === undefined) return undefined;
  const { heat_status = "", count = 0, in_place, at_most = 0, complete_at } = raw;
  const isFirst = complete_at === undefined && !/^(CREATE_|UPDATE_COMPLETE)/.test(heat_status);
  // First met while somebody changed it: from what, nobody knows.
  if (isFirst && raw.missing === undefined) return undefined;
  const push = share?.push;
  const isPast =
    push && isReadAfter(raw, push) && (complete_at === undefined || raw.settled_after === push.id);
  const isOwed = push !== undefined && (isOpen || mayCome || !isPast);
  const sent = push?.answered?.outcome === "refused" ? 0 : (push?.count ?? 0);
  const pushed = isOwed ? Math.max(sent, push.at_most ?? 0) : 0;
  return Math.max(in_place, count, at_most, pushed);
}

function unendedText({ share, isOpen, mayCome, seen }: CloudView): string {
  if (isOpen) return `a change to ${share?.push?.count} has not ended`;
  if (mayCome) return `a change to ${share?.push?.count} was never answered, and may still come`;
  const isRunning = seen?.heat_status && heatState(seen.heat_status) === "in_progress";
  return isRunning ? "an update has not ended" : "its last update did not go well";
}

function unseenText(own: CloudView): string {
  const { kind, verdict, raw, seen, isKept, share } = own;
  // Whoever has not read what the witness said finds it with the share.
  if (isKept) return share?.held?.reason === "evidence" ? share.held.message : keptText(own);
  if (kind === "unreachable" || kind === "suspected") return `${kind} since ${verdict?.since}`;
  if (kind === "unknown") return "not judged yet";
  if (raw === undefined) return "never read yet";
  if (seen === undefined && !isReadSinceReturn(raw, verdict)) {
    return `back since ${verdict?.returned_at}, and not read yet`;
  }
  return "not read for this count parameter yet";
}
