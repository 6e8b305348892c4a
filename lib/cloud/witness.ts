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
}): Testimony {
  const { place, outcome, at, previous } = found;
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
    misses: finding === "answers" ? 0 : finding === "silent" ? oneMore(misses) : misses,
    abstentions: finding === "abstains" ? oneMore(abstentions) : 0,
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
  const essence = ({ finding, misses, abstentions, fault }: Testimony) =>
    [finding, misses, abstentions, fault?.code].join(" ");
  return age >= REWRITE_AFTER_MS || essence(previous) !== essence(next);
}

/**
 * What a testimony says of an outage that is one since then. What was said long before it is of no
 * use: a witness is asked only while its cloud is missed.
 */
export function workloadOf(
  testimony: Testimony | undefined,
  { witness, since }: { witness: Witness; since: Time },
): Workload {
  if (!isStill(testimony, targetOf(witness))) return "unknown";
  if (elapsed(testimony.at, since) > VOTE_LIFETIME_MS) return "unknown";
  return saidBy(testimony);
}

/** That a workload fell silent while its cloud was missed, or answers again, if a testimony says so. */
export function workloadFacts(
  previous: Testimony | undefined,
  next: Testimony,
  newId: () => string,
): Event[] {
  const isSame = isStill(previous, next.target) && isFresh(previous.at, next.at);
  const before = isSame ? saidBy(previous) : "unknown";
  const now = saidBy(next);
  if (now === "silent" && before !== "silent") return [fact(next, "workload.silent", newId)];
  const isBack = now === "answers" && before === "silent";
  return isBack ? [fact(next, "workload.answers", newId)] : [];
}

function fact(testimony: Testimony, type: EventType, newId: () => string): Event {
  const { cloud, stack_name, at, target, fault } = testimony;
  const says = type === "workload.silent" ? "its workload is silent" : "its workload answers again";
  return {
    id: newId(),
    at,
    type,
    stack_name: stack_name as StackName,
    cloud,
    message: `${stack_name} in ${cloud}: ${says}`,
    changes: [],
    cause: `asked ${target.replace(/\?\S*/, "")}${fault ? ` (${fault.code}: ${fault.message.replace(/\.$/, "")})` : ""}`,
  };
}

function saidBy({ finding, misses, abstentions }: Testimony): Workload {
  if (abstentions >= THRESHOLD) return "abstains";
  if (misses >= THRESHOLD) return "silent";
  return finding === "answers" ? "answers" : "unknown";
}

function findingOf(fault: Fault | undefined): Testimony["finding"] {
  if (fault === undefined) return "answers";
  return isSilence(fault) ? "silent" : "abstains";
}

function isStill(testimony: Testimony | undefined, target: string): testimony is Testimony {
  return testimony?.target === target;
}

function oneMore(counter: number): number {
  return Math.min(THRESHOLD, counter + 1);
}
