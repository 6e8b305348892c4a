import type * as z from "zod";
import type { VoteInput } from "../api/votes.ts";
import type { Fault } from "../cloud/faults.ts";
import { isSilence } from "../cloud/faults.ts";
import { type Finding, VOTE_LIFETIME_MS } from "../cloud/vote.ts";

export type Ballot = z.input<typeof VoteInput>;

const MESSAGE = 2000;

/**
 * What an agent sends of a finding. `ageMs`: how long ago its tick began, by a steady clock; a tick
 * that is too old to count (the machine slept) gives none. `everyMs`: how often it looks.
 */
export function ballotOf(
  { fault, latency_ms }: Finding,
  { isVoid, ageMs, everyMs }: { isVoid: boolean; ageMs: number; everyMs: number },
): Ballot | undefined {
  const age_ms = Math.max(0, Math.round(ageMs));
  if (age_ms > VOTE_LIFETIME_MS) return undefined;
  const rhythm = { age_ms, interval_ms: Math.round(everyMs) };
  if (fault === undefined) {
    return {
      vote: "up",
      ...rhythm,
      ...(latency_ms === undefined ? {} : { latency_ms: bounded(latency_ms) }),
    };
  }
  const told = { fault: faultOf(fault), ...rhythm };
  if (!isSilence(fault)) return { vote: "abstains", ...told };
  return isVoid ? { vote: "abstains", void: true, ...told } : { vote: "silent", ...told };
}

/** A clock that was set meanwhile makes a latency of anything. */
function bounded(ms: number): number {
  return Math.min(Math.max(0, Math.round(ms)), VOTE_LIFETIME_MS);
}

function faultOf({ class: of, code, message, status }: Fault): NonNullable<Ballot["fault"]> {
  return {
    class: of === "stack" ? "answer" : of,
    code,
    message: message.slice(0, MESSAGE),
    // What is no status of HTTP's, the message tells of.
    ...(status === undefined || status < 100 || status > 599 ? {} : { status }),
  };
}
