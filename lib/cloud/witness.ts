import type { Event, EventType } from "../event/schema.ts";
import type { StackName } from "../stack/schema.ts";
import type { Witness } from "../stack/witness.ts";
import { type Fault, isSilence, type Outcome } from "./faults.ts";
import type { CloudName, Testimony, Time } from "./schema.ts";
import { elapsed, isFresh, THRESHOLD, VOTE_LIFETIME_MS } from "./vote.ts";

/** The workload of one stack in one cloud, and where to ask whether it answers. */
export type Workplace = { cloud: CloudName; stack_name: StackName; witness: Witness };

/** What a witness has said often enough in a row to count; one answer counts at once. */
export type Workload = "answers" | "silent" | "abstains" | "unknown";

const REWRITE_AFTER_MS = 60_000;

/** A witness in one word: another word is another witness, and begins anew. */
export function targetOf(witness: Witness): string {
  return "url" in witness ? `${witness.url} ${witness.status}` : witness.tcp;
}

/**
 * The testimony that follows from asking a witness. An answer sets misses and abstentions to 0, a
 * silence abstentions to 0; an abstention does not touch misses. What is older than a vote's
 * lifetime, or of another witness, counts no more.
 */
export function countTestimony(found: {
  place: Workplace;
  outcome: Outcome<void>;
  at: Time;
  previous: Testimony | undefined;
  /** Misses in a row that make a cloud lost: so many silences make its workload silent. */
  threshold: number;
}): Testimony {
  const { place, outcome, at, previous, threshold } = found;
  const { cloud, stack_name, witness } = place;
  const target = targetOf(witness);
  const recent = isStill(previous, target) && isFresh(previous.at, at) ? previous : undefined;
  const { misses, abstentions } = recent ?? { misses: 0, abstentions: 0 };
  const fault = outcome.ok ? undefined : outcome.fault;
  const finding = findingOf(fault);
  return {
    cloud,
    stack_name,
    target,
    finding,
    at,
    since: recent?.finding === finding ? recent.since : at,
    misses:
      finding === "answers" ? 0 : Math.min(threshold, misses + (finding === "silent" ? 1 : 0)),
    abstentions: finding === "abstains" ? Math.min(threshold, abstentions + 1) : 0,
    threshold,
    ...(fault ? { fault } : {}),
  };
}

/**
 * Whether a testimony is worth writing: something moved, or the written one is 60 s old; and never
 * twice within half an interval, so that two overlapping ticks count once.
 */
export function isTestimonyNews(
  previous: Testimony | undefined,
  next: Testimony,
  intervalMs: number,
): boolean {
  if (!isStill(previous, next.target) || !isFresh(previous.at, next.at)) return true;
  const age = elapsed(previous.at, next.at);
  if (age < intervalMs / 2) return false;
  const essence = ({ finding, misses, abstentions, threshold, fault }: Testimony) =>
    [finding, misses, abstentions, threshold, fault?.code].join(" ");
  return age >= REWRITE_AFTER_MS || essence(previous) !== essence(next);
}

/**
 * Whether what a witness said while its cloud was well is worth writing: its word moved, or it was
 * never asked. An answer that is none is seen by whoever looks at the stack; it decides nothing.
 */
export function isCheckNews(previous: Testimony | undefined, next: Testimony): boolean {
  return (
    !isStill(previous, next.target) ||
    previous.finding !== next.finding ||
    previous.fault?.code !== next.fault?.code
  );
}

/**
 * What a testimony says of an outage that is one since then. What was said long before it is of no
 * use: a witness is asked only while its cloud is missed.
 */
export function workloadOf(said: Said | undefined, since: Time): Workload {
  if (said === undefined || elapsed(said.at, since) > VOTE_LIFETIME_MS) return "unknown";
  return saidBy(said);
}

/** A testimony of this witness: of another one it is nothing. */
export function wordOf(testimony: Testimony | undefined, witness: Witness): Testimony | undefined {
  return isStill(testimony, targetOf(witness)) ? testimony : undefined;
}

/** What of a testimony decides. */
export type Said = Pick<Testimony, "finding" | "misses" | "abstentions" | "threshold" | "at">;

/** That a workload fell silent while its cloud was missed, answers again, or cannot be asked, if a testimony says so. */
export function workloadFacts(
  previous: Testimony | undefined,
  next: Testimony,
  newId: () => string,
): Event[] {
  const isSame = isStill(previous, next.target) && isFresh(previous.at, next.at);
  const before = isSame ? saidBy(previous) : "unknown";
  const now = saidBy(next);
  if (now === before) return [];
  if (now === "silent") return [fact(next, "workload.silent", newId)];
  if (now === "abstains") return [fact(next, "workload.unasked", newId)];
  const isBack = now === "answers" && before !== "unknown";
  return isBack ? [fact(next, "workload.answers", newId)] : [];
}

const says: Partial<Record<EventType, string>> = {
  "workload.silent": "its workload is silent",
  "workload.answers": "its workload answers again",
  "workload.unasked": "its witness cannot be asked, so it has no say",
};

function fact(testimony: Testimony, type: EventType, newId: () => string): Event {
  const { cloud, stack_name, at, target, fault } = testimony;
  return {
    id: newId(),
    at,
    type,
    stack_name: stack_name as StackName,
    cloud,
    message: `${stack_name} in ${cloud}: ${says[type]}`,
    changes: [],
    cause: `asked ${shownTarget(target)}${fault ? ` (${fault.code}: ${fault.message.replace(/\.$/, "")})` : ""}`,
  };
}

/** What was asked, for a person: without its query, which may hold a secret; the status is the one expected. */
export function shownTarget(target: string): string {
  return target.replace(/\?\S*/, "").replace(/ (?=\d+$)/, " for ");
}

function saidBy({ finding, misses, abstentions, threshold = THRESHOLD }: Said): Workload {
  if (abstentions >= threshold) return "abstains";
  if (misses >= threshold) return "silent";
  return finding === "answers" ? "answers" : "unknown";
}

function findingOf(fault: Fault | undefined): Testimony["finding"] {
  if (fault === undefined) return "answers";
  return isSilence(fault) ? "silent" : "abstains";
}

function isStill(testimony: Testimony | undefined, target: string): testimony is Testimony {
  return testimony?.target === target;
}
