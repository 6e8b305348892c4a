import type { Event, EventType } from "../event/schema.ts";
import type { CloudName, Time, Verdict } from "./schema.ts";
import { isSameBlocking } from "./verdict.ts";

/** What a new verdict brings about, in the past tense: the verdict, and a block that came or went. */
export function factsOf(
  previous: Verdict | undefined,
  next: Verdict,
  newId: () => string,
): Event[] {
  return [...verdictFact(previous, next), ...blockingFact(previous, next)].map((fact) => ({
    id: newId(),
    ...fact,
  }));
}

/** A cloud that left clouds.yaml, and that no stack weighs. */
export function removedFact(cloud: CloudName, at: Time, newId: () => string): Event {
  const message = `${cloud} left clouds.yaml, and no stack weighs it`;
  return { id: newId(), ...fact({ cloud, at }, "cloud.removed", message, message) };
}

type Fact = Omit<Event, "id">;

function verdictFact(previous: Verdict | undefined, next: Verdict): Fact[] {
  const { cloud, verdict, reason } = next;
  if (previous?.verdict === verdict) return [];
  if (verdict === "unknown") {
    const message = `${cloud} is known now, and not judged yet: ${reason}`;
    return [fact(next, "cloud.discovered", message, reason)];
  }
  const before = previous ? ` (was ${previous.verdict} since ${previous.since})` : "";
  return [fact(next, `cloud.${verdict}`, `${cloud} is ${verdict}${before}: ${reason}`, reason)];
}

function blockingFact(previous: Verdict | undefined, next: Verdict): Fact[] {
  const { cloud, blocking } = next;
  const before = previous?.blocking;
  if (isSameBlocking(before, blocking)) return [];
  if (blocking) {
    const message = `${cloud} is blocked: ${blocking.message}`;
    return [fact(next, "cloud.blocked", message, blocking.message)];
  }
  const message = `${cloud} is no longer blocked (was: ${before?.message})`;
  return [fact(next, "cloud.unblocked", message, next.reason)];
}

function fact(
  { cloud, at }: Pick<Verdict, "cloud" | "at">,
  type: EventType,
  message: string,
  cause: string,
): Fact {
  return { at, type, cloud, message, changes: [], cause };
}
