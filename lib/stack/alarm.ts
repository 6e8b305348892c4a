import type { Change, Event } from "../event/schema.ts";
import type { Decision } from "./decision.ts";
import type { Declared } from "./view.ts";

/**
 * The events of a decision, marked where they ask for a person: a share that stayed in a lost cloud
 * goes after all. Whoever was told of the loss saw it stay. A share that goes with the verdict is
 * no alarm of its own: that the cloud is unreachable is one.
 */
export function withAlarms(view: Declared, decision: Decision, events: Event[]): Event[] {
  return events.map((event) => {
    const isLate = event.changes.some((change) => isLateLoss(view, decision, change));
    return isLate ? { ...event, alarm: true } : event;
  });
}

/** Whether what the witness says, that its workload is silent or nothing, it said only after the verdict. */
function isLateLoss(
  { testimonies }: Declared,
  { clouds }: Decision,
  { cloud, from, to }: Change,
): boolean {
  const own = clouds.get(cloud);
  if (own?.verdict?.verdict !== "unreachable" || own.workload === undefined) return false;
  if (to >= from || own.isKept || own.isDrained) return false;
  return (testimonies?.get(cloud)?.since ?? "") > own.verdict.since;
}
