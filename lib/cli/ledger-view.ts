import type { LeftRunning, StackDetail, StackSummary } from "../api/schema.ts";
import type { ShareDetail } from "../api/share-schema.ts";
import { totalOf } from "../stack/allocation.ts";
import { plain } from "./terminal.ts";

/** `4 of 10 (up to 10)`, and why the two differ, a line for each cloud. */
export function ledgerText({ totals, shares, count, weights }: StackDetail): string {
  const reasons = shares.flatMap(({ cloud, ledger }) =>
    ledger?.reason ? [`${cloud} ${rangeText(ledger)}: ${ledger.reason}`] : [],
  );
  // Under failover none a lost cloud's instances are wanted, and desired of nobody.
  const desired = Math.max(totals.desired, totalOf(count, weights));
  return [inPlaceText({ ...totals, desired }), ...reasons].join("\n");
}

/** `4 of 10`, and the most that may run where that is more, and known. */
export function inPlaceText({ in_place, desired, up_to }: StackSummary["totals"]): string {
  return `${in_place} of ${desired}${upTo({ in_place, up_to })}`;
}

function upTo({ in_place, up_to }: { in_place: number; up_to?: number | undefined }): string {
  return up_to === undefined || up_to === in_place ? "" : ` (up to ${up_to})`;
}

function rangeText({ in_place, up_to }: NonNullable<ShareDetail["ledger"]>): string {
  return `${in_place} to ${up_to ?? "?"}`;
}

/** What runs where Heat Spreader lets go: `6`, or `0 to 2 (unreachable since ...)`. */
export function leftText(left: LeftRunning[number]): string {
  const { in_place, up_to, reason } = left;
  if (up_to === in_place) return `${in_place}`;
  return plain(`${rangeText(left)}${reason === undefined ? "" : ` (${reason})`}`);
}

/** What runs in one cloud: one number, or between two. */
export function placeText({ ledger, seen }: ShareDetail): string | number {
  if (ledger === undefined) return seen?.in_place ?? "-";
  return ledger.up_to === ledger.in_place ? ledger.in_place : rangeText(ledger);
}
