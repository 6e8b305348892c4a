import type { CloudName, Testimony, Verdict } from "../cloud/schema.ts";
import { type Workload, wordOf, workloadOf } from "../cloud/witness.ts";
import type { Share, Stack } from "./schema.ts";
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

/** What the workload in an unreachable cloud says, and the testimony behind it; nothing: nobody asks it, or nobody needs to. */
export function workloadIn(
  { stack, testimonies }: Pick<Declared, "stack" | "testimonies">,
  cloud: CloudName,
  verdict: Verdict | undefined,
): { workload?: Workload; testimony?: Testimony } {
  const witness = witnessOf(stack, cloud);
  if (verdict?.verdict !== "unreachable" || witness === undefined) return {};
  const testimony = wordOf(testimonies?.get(cloud), witness);
  const workload = workloadOf(testimony, verdict.since);
  return { workload, ...(testimony ? { testimony } : {}) };
}

/**
 * Whether a cloud that Heat does not answer in keeps its share all the same: its workload answers,
 * or nobody knows yet. Once its share was dealt away, only Heat's return brings it back.
 */
export function keepsShare(
  own: Pick<CloudView, "weight" | "isDrained" | "isMissing" | "workload"> & {
    share?: Pick<Share, "lost" | "desired"> | undefined;
  },
): boolean {
  const { weight, share, isDrained, isMissing, workload } = own;
  if (weight === undefined || isDrained || isMissing || share?.lost) return false;
  // A standby that has nothing has nothing to keep: it would only count in the deal.
  if (weight === 0 && (share?.desired ?? 0) === 0) return false;
  return workload === "answers" || workload === "unknown";
}

/** `control plane unreachable since 02:41, workload answers`; times are UTC. */
export function keptText({ verdict, workload }: Pick<CloudView, "verdict" | "workload">): string {
  const since = `control plane unreachable since ${verdict?.since.slice(11, 16)}`;
  if (workload === "answers") return `${since}, workload answers`;
  return `${since}; whether its workload answers is not known yet`;
}

/** What is to be said of the workload of a cloud that is lost, where a witness of it was named. */
export function lostWorkloadText({
  workload,
  testimony,
  isDrained,
  share,
}: Pick<CloudView, "workload" | "testimony" | "isDrained" | "share">): string | undefined {
  // It is drained, whatever its workload says.
  if (isDrained) return undefined;
  const { fault } = testimony ?? {};
  switch (workload) {
    case "silent":
      return fault?.status === undefined
        ? "its workload is silent"
        : `its workload answers ${fault.status}, which is not what its witness waits for`;
    case "abstains":
      return `its witness cannot be asked, so it has no say${fault ? ` (${fault.message.replace(/\.$/, "")})` : ""}`;
    case "answers":
      return share?.lost
        ? "its workload answers, and its share stays dealt away until Heat is back"
        : undefined;
    default:
      return undefined;
  }
}
