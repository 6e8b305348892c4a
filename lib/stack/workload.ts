import type { CloudName, Verdict } from "../cloud/schema.ts";
import { type Workload, workloadOf } from "../cloud/witness.ts";
import type { Stack } from "./schema.ts";
import type { CloudView, Declared } from "./view.ts";
import type { Witness } from "./witness.ts";

/** The witness whose word counts for a stack in a cloud: the one named, unless Heat alone is evidence. */
export function witnessOf(
  { witnesses = {}, policy }: Pick<Stack, "witnesses" | "policy">,
  cloud: CloudName,
): Witness | undefined {
  if (policy.evidence === "api" || !Object.hasOwn(witnesses, cloud)) return undefined;
  return witnesses[cloud];
}

/** What the workload in an unreachable cloud says; undefined: nobody asks it, or nobody needs to. */
export function workloadIn(
  { stack, testimonies }: Pick<Declared, "stack" | "testimonies">,
  cloud: CloudName,
  verdict: Verdict | undefined,
): Workload | undefined {
  const witness = witnessOf(stack, cloud);
  if (verdict?.verdict !== "unreachable" || witness === undefined) return undefined;
  return workloadOf(testimonies?.get(cloud), { witness, since: verdict.since });
}

/**
 * Whether a cloud that Heat does not answer in keeps its share all the same: its workload answers,
 * or nobody knows yet. Once its share was dealt away, only Heat's return brings it back.
 */
export function keepsShare(
  own: Pick<CloudView, "weight" | "share" | "isDrained" | "isMissing" | "workload">,
): boolean {
  const { weight, share, isDrained, isMissing, workload } = own;
  if (weight === undefined || isDrained || isMissing || share?.lost) return false;
  return workload === "answers" || workload === "unknown";
}

/** `control plane unreachable since 02:41, workload answers`; times are UTC. */
export function keptText({ verdict, workload }: Pick<CloudView, "verdict" | "workload">): string {
  const since = `control plane unreachable since ${verdict?.since.slice(11, 16)}`;
  if (workload === "answers") return `${since}, workload answers`;
  return `${since}; whether its workload answers is not known yet`;
}

/** What is to be said of the workload of a cloud that is lost, where a witness of it was named. */
export function lostWorkloadText({ workload }: Pick<CloudView, "workload">): string | undefined {
  switch (workload) {
    case "silent":
      return "its workload is silent";
    case "abstains":
      return "its witness cannot be asked, so it has no say";
    case "answers":
      return "its workload answers again, and its share stays dealt away until Heat is back";
    default:
      return undefined;
  }
}
