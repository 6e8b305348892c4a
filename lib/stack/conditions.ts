import type { Time } from "../cloud/schema.ts";
import { heatState, refusesUpdates } from "../cloud/seen.ts";
import { totalOf } from "./allocation.ts";
import type { Decision } from "./decision.ts";
import type { Condition, Share, StackState } from "./schema.ts";
import { sentence } from "./sentence.ts";
import type { Summary } from "./status.ts";
import type { CloudView } from "./view.ts";
import { lostWorkloadText } from "./workload.ts";

const byBadness: { type: Condition["type"]; state: StackState }[] = [
  { type: "paused", state: "paused" },
  { type: "blocked", state: "blocked" },
  { type: "held", state: "held" },
  { type: "failed_over", state: "failed_over" },
];

/** The worst of what holds. */
export function stateOf(conditions: Condition[]): StackState {
  const holds = (type: Condition["type"]) =>
    conditions.some((condition) => condition.type === type && condition.status);
  const worst = byBadness.find(({ type }) => holds(type));
  return worst?.state ?? (holds("converged") ? "converged" : "converging");
}

type Undated = Omit<Condition, "since">;

/** What is to be said of a stack, each kind with whether it holds. */
export function conditionsOf(summary: Summary, isSettled: boolean): Undated[] {
  const { view, decision } = summary;
  const blocked = decision.shares.filter((share) => share.blocked);
  const held = decision.shares.filter((share) => share.held);
  const failedOver = [...decision.clouds.values()].filter(
    ({ weight, kind, isKept, awaitsRelease, isMissing }) =>
      weight && ((kind === "unreachable" && !isKept) || awaitsRelease || isMissing),
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
  const wanted = totalOf(view.stack.count, view.stack.weights);
  if (isSettled) {
    return {
      type: "converged",
      status: true,
      reason: "in_place",
      message: placeText(decision, wanted),
    };
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

/** What is confirmed where anybody can see it; of the rest, that it was so when it was last seen. */
function placeText({ shares, clouds }: Decision, wanted: number): string {
  const unseen = shares.filter(({ cloud, desired }) => {
    const own = clouds.get(cloud);
    return desired > 0 && own?.weight !== undefined && own.kind !== "reachable";
  });
  const sum = (some: Share[]) => some.reduce((all, { desired }) => all + desired, 0);
  const seen = sum(shares) - sum(unseen);
  const text = seen === wanted ? `${seen} in place` : `${seen} of ${wanted} in place`;
  const names = unseen.map(({ cloud }) => cloud).sort();
  return names.length === 0 ? text : `${text}; nobody can see ${names.join(", ")}`;
}

function lossOf({ kind, isMissing }: CloudView): string {
  if (kind === "unreachable") return "cloud_unreachable";
  return isMissing ? "heat_stack_missing" : "awaits_release";
}

function lossText(own: CloudView): string {
  const { cloud, kind, verdict, isMissing, raw } = own;
  if (kind === "unreachable") {
    const said = lostWorkloadText(own);
    return `${cloud} is unreachable since ${verdict?.since}${said ? `, and ${said}` : ""}`;
  }
  if (isMissing) return `${cloud} has no heat stack of this name since ${raw?.missing?.since}`;
  return `${cloud} is back since ${verdict?.returned_at ?? "?"}, and waits for a release`;
}

/** A condition that holds, or not, since when and for the reason that it did before keeps that time. */
export function dated(next: Undated, before: Condition[], now: Time): Condition {
  const same = before.find(
    ({ type, status, reason }) =>
      type === next.type && status === next.status && reason === next.reason,
  );
  return { ...next, since: same?.since ?? now };
}

/** Whether what runs in a cloud counts for the stack's being in place; of a kept one as it was last seen. */
export function isCounted(own: CloudView): boolean {
  const { isAvailable, isKept, isDrained, kind, isMissing } = own;
  return isAvailable || isKept || (isDrained && kind !== "unreachable" && !isMissing);
}

/** Whether a cloud was last seen to run what is desired, with nothing under way. */
export function isShareInPlace({ seen, isOpen }: CloudView, share: Share | undefined): boolean {
  if (!seen?.heat_status || isOpen || seen.stuck || !share) return false;
  const isQuiet = heatState(seen.heat_status) === "complete" && !refusesUpdates(seen.heat_status);
  return isQuiet && seen.count === share.desired && seen.in_place === share.desired;
}
