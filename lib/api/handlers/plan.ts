import type { CloudName, Time, Verdict } from "../../cloud/schema.ts";
import { ControlError } from "../../error.ts";
import { list } from "../../event/words.ts";
import { type Decision, decide } from "../../stack/decision.ts";
import { type Share, type Stack, weightSum } from "../../stack/schema.ts";
import { type CloudView, cloudViews, ofThisStack } from "../../stack/view.ts";
import type { Handlers } from "../contract.ts";
import type { ApiDeps } from "../deps.ts";
import { pointerOf } from "../fields.ts";
import type { Plan, PlannedShare } from "../schema.ts";
import { type Draft, existing } from "./change.ts";
import { patched } from "./stacks.ts";
import { unknownText } from "./weights.ts";
import { mergedWitnesses } from "./witnesses.ts";

/** Dry runs: what reconcile would decide, were the declaration or the clouds other than they are. */
export function planHandlers(deps: ApiDeps): Pick<Handlers, "planStack"> {
  return {
    planStack: async ({ params: { stack_name }, body: { lost = [], ...patch } }) => {
      const read = await deps.readStackView(stack_name);
      const known = new Set(read.verdicts.keys());
      const now = deps.now().toISOString();
      const stack = existing(read.stack, stack_name);
      const view = ofThisStack({ ...read, stack });
      const next = supposedStack(stack, patched(stack, patch, known));
      const verdicts = withLost(view.verdicts, lost, now);
      const supposed = { ...view, verdicts, stack: withoutWitnesses(next, lost) };
      const run = { now, settings: deps.settings, faults: new Map() };
      const decision = decide(supposed, run);
      const before = cloudViews(view, new Map(), deps.settings);
      const asked = cloudViews({ ...view, verdicts, stack: next }, new Map(), deps.settings);
      const clouds = plannedShares(before, decision);
      const total = (key: "from" | "to") => clouds.reduce((sum, share) => sum + share[key], 0);
      const reply = {
        stack_name,
        count: supposed.stack.count,
        possible: decision.standstill === undefined,
        totals: { from: total("from"), to: total("to") },
        clouds,
        ...assumption(asked, lost),
      };
      return {
        reply: decision.standstill ? { ...reply, message: decision.standstill.message } : reply,
      };
    },
  };
}

function supposedStack({ witnesses: _, ...stack }: Stack, draft: Draft): Stack {
  const next = { ...stack, ...draft, generation: stack.generation + 1 };
  return { ...next, completed: next.completed || weightSum(next.weights) === 1 };
}

/** A cloud supposed to be lost is so with its workload, whatever its witness would say. */
function withoutWitnesses({ witnesses, ...stack }: Stack, lost: CloudName[]): Stack {
  const silent = Object.fromEntries(lost.map((cloud) => [cloud, null]));
  return { ...stack, ...mergedWitnesses(witnesses, silent) };
}

/** That it is so is said where it matters: of clouds that would keep their share while a witness answers. */
function assumption(clouds: Map<CloudName, CloudView>, lost: CloudName[]): Pick<Plan, "assumed"> {
  const kept = [...new Set(lost)].filter((cloud) => clouds.get(cloud)?.isKept).sort();
  if (kept.length === 0) return {};
  return {
    assumed: `It is assumed that the workload in ${list(kept)} is silent, too: while a witness there answers, the share stays.`,
  };
}

/** The verdicts, were these clouds lost now. Throws 422 for a cloud that nobody knows. */
function withLost(
  verdicts: ReadonlyMap<CloudName, Verdict>,
  lost: CloudName[],
  now: Time,
): Map<CloudName, Verdict> {
  const supposed = new Map(verdicts);
  for (const [index, cloud] of lost.entries()) {
    const verdict = verdicts.get(cloud);
    if (verdict === undefined) {
      const message = unknownText(new Set(verdicts.keys()));
      throw new ControlError("stack.invalid", `${cloud}: ${message}.`, {
        fields: [{ pointer: pointerOf(["lost", index]), message }],
      });
    }
    supposed.set(cloud, { ...verdict, verdict: "unreachable", since: now, lost_at: now });
  }
  return supposed;
}

function plannedShares(before: Map<CloudName, CloudView>, decision: Decision): PlannedShare[] {
  const shares = new Map(decision.shares.map((share) => [share.cloud, share]));
  const names = [...new Set([...before.keys(), ...decision.clouds.keys()])].sort();
  return names.map((cloud) => {
    const from = placeNow(before.get(cloud));
    const own = decision.clouds.get(cloud);
    const share = shares.get(cloud);
    if (own?.weight === undefined || share === undefined) {
      const why = "no longer weighed: its heat stack keeps what it has";
      return { cloud, from, to: from, order: "none", why };
    }
    return { cloud, from, to: share.desired, ...orderOf(own, { from, share, decision }) };
  });
}

/** What the stack now wants there; before the first reconcile, what runs there. */
function placeNow(own: CloudView | undefined): number {
  return own?.share?.desired ?? own?.raw?.in_place ?? 0;
}

type Step = { from: number; share: Share; decision: Decision };

/** When a share's push goes, and why it is what it is. */
function orderOf(
  own: CloudView,
  { from, share, decision }: Step,
): Pick<PlannedShare, "order" | "why"> {
  const { cloud, kind, isKept, isDrained, isMissing, awaitsRelease } = own;
  const isMoved = share.desired !== from;
  const order = isMoved ? "waits" : "none";
  if (decision.standstill) return { order: "none", why: decision.standstill.message };
  if (isKept && share.held) return { order, why: share.held.message };
  if (kind === "unreachable") {
    return { order, why: "unreachable: nothing is pushed there until it is back" };
  }
  if (isMissing) return { order, why: "no heat stack of this name is there" };
  if (awaitsRelease) return { order, why: "back, and waiting for a release (failback manual)" };
  if (share.blocked) return { order, why: `blocked: ${share.blocked.message}` };
  if (share.held) return { order, why: share.held.message };
  if (!isMoved) return { order, why: "stays" };
  const push = decision.pushes.find((next) => next.cloud === cloud);
  const isWhole = push?.count === share.desired;
  const reason = isDrained ? "drained: its instances go to the other clouds" : undefined;
  if (share.desired > from) return { order: "at_once", why: reason ?? "scale-ups go at once" };
  if (isWhole) return { order: "at_once", why: reason ?? "enough is in place elsewhere" };
  return {
    order,
    why: reason ?? "waits until what runs there now is known, and enough is in place",
  };
}
