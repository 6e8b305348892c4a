import type { Event, EventType, VerdictEvidence } from "../event/schema.ts";
import { counted } from "../event/words.ts";
import type { CloudName, Time, Vantage, VantageName, Verdict } from "./schema.ts";
import { isSameBlocking, isWatched } from "./verdict.ts";

/**
 * What a new verdict brings about, in the past tense: the verdict, a block that came or went, and
 * whether enough vantages watch; each with what was judged.
 */
export function factsOf(
  previous: Verdict | undefined,
  next: Verdict,
  newId: () => string,
  evidence?: VerdictEvidence,
): Event[] {
  const facts = [
    ...verdictFact(previous, next),
    ...blockingFact(previous, next),
    ...watchFact(previous, next),
  ];
  return facts.map((each) => ({ id: newId(), ...each, ...(evidence ? { evidence } : {}) }));
}

/** A place that votes from now on: the majority is of one more. */
export function registeredFact(
  { vantage, registered_at }: Vantage,
  cause: string,
  newId: () => string,
): Event {
  const message = `${vantage} votes from now on, and counts in the majority`;
  const of = { at: registered_at, vantage, changes: [] };
  return { id: newId(), ...of, type: "vantage.registered", message, cause };
}

/** A cloud that left clouds.yaml, and that no stack weighs. */
export function removedFact(cloud: CloudName, at: Time, newId: () => string): Event {
  const message = `${cloud} left clouds.yaml, and no stack weighs it`;
  return { id: newId(), ...fact({ cloud, at }, "cloud.removed", message, message) };
}

/** A vantage that a person took out of the majority. */
export function removedVantageFact(
  vantage: VantageName,
  { at, who }: { at: Time; who: string },
  newId: () => string,
): Event {
  const message = `${vantage} was removed, and counts in no majority any more`;
  const cause = `asked for by ${who}`;
  return { id: newId(), at, type: "vantage.removed", vantage, message, changes: [], cause };
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

function watchFact(previous: Verdict | undefined, next: Verdict): Fact[] {
  const { cloud, unwatched, votes } = next;
  if (isWatched(previous) === (unwatched === undefined)) return [];
  const voters = votes.map(({ vantage, void: isVoid }) => `${vantage}${isVoid ? " (void)" : ""}`);
  const cause = `fresh votes: ${voters.join(", ") || "none"}`;
  if (unwatched === undefined) {
    const message = `${cloud} is watched again by enough vantages (was not since ${previous?.unwatched?.since})`;
    return [fact(next, "cloud.watched", message, cause)];
  }
  const { fresh, majority } = unwatched;
  const who = `${fresh === 0 ? "no vantage" : `only ${counted(fresh, "vantage")}`} can tell of it, and ${majority} must`;
  const message = `${cloud} is unwatched: ${who}, so no new outage of it can be found`;
  return [fact(next, "cloud.unwatched", message, cause)];
}

/** Those that ask for a person: infra/alarms.ts mails what says so, and receivers of the webhook go by it. */
const alarms: ReadonlySet<EventType> = new Set([
  "cloud.suspected",
  "cloud.unreachable",
  "cloud.blocked",
  "cloud.unwatched",
]);

function fact(
  { cloud, at }: Pick<Verdict, "cloud" | "at">,
  type: EventType,
  message: string,
  cause: string,
): Fact {
  const alarm = alarms.has(type) ? ({ alarm: true } as const) : {};
  return { at, type, cloud, message, changes: [], cause, ...alarm };
}
