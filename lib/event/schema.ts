import * as z from "zod";
import {
  CloudName,
  CloudOrders,
  Testimony,
  Time,
  VantageName,
  Verdict,
  VerdictKind,
  Vote,
} from "../cloud/schema.ts";
import { Policy, StackName } from "../stack/schema.ts";

/** Facts, in the past tense. EventBridge's detail-type is the same word. */
export const EventType = z.enum([
  "stack.declared",
  "stack.deleted",
  "stack.reallocated",
  "stack.failed",
  "share.blocked",
  "share.unblocked",
  "share.held",
  "share.unheld",
  "cloud.discovered",
  "cloud.removed",
  "cloud.reachable",
  "cloud.suspected",
  "cloud.unreachable",
  "cloud.blocked",
  "cloud.unblocked",
  "cloud.ordered",
  "cloud.unwatched",
  "cloud.watched",
  "vantage.registered",
  "vantage.removed",
  "workload.silent",
  "workload.answers",
  "workload.unasked",
]);
export type EventType = z.infer<typeof EventType>;

export const Change = z.object({ cloud: CloudName, from: z.int(), to: z.int() });
export type Change = z.infer<typeof Change>;

/** A vote as it is judged: without what only the probe remembers of it. */
export const Ballot = Vote.omit({
  interval_ms: true,
  latency_ms: true,
  listed_at: true,
  updating: true,
  login_pause: true,
  credential_hash: true,
});
export type Ballot = z.infer<typeof Ballot>;

/**
 * What `judge` was given: again, it gives the same verdict on the event's cloud. Of the other clouds
 * there is what the blast limit reads. lib/cloud/evidence.ts writes and reads it.
 */
export const VerdictEvidence = z.object({
  of: z.literal("verdict"),
  now: Time,
  clouds: z.array(
    z.object({
      cloud: CloudName,
      verdict: Verdict.omit({ votes: true }).optional(),
      orders: CloudOrders.optional(),
    }),
  ),
  votes: z.array(Ballot),
  settings: z.object({
    vantages: z.array(VantageName),
    suspicion_window_ms: z.number(),
    /** Misses in a row that make a vantage's silence count. */
    misses: z.int().optional(),
  }),
});
export type VerdictEvidence = z.infer<typeof VerdictEvidence>;

/** A witness's word, as it counts. */
export const Word = Testimony.omit({ cloud: true, stack_name: true });
export type Word = z.infer<typeof Word>;

/** What `allocate` was given and gave: again, it gives the same shares. lib/stack/evidence.ts writes and reads it. */
export const AllocationEvidence = z.object({
  of: z.literal("allocation"),
  input: z.object({
    stack_name: StackName,
    count: z.int(),
    weights: z.record(CloudName, z.number()),
    available: z.array(CloudName),
    /** Clouds that no push reaches, whose workload answers: with what they held. */
    kept: z.record(CloudName, z.int()).optional(),
    drained: z.array(CloudName),
    failover: Policy.shape.failover.unwrap(),
  }),
  /** What brought it about, but for the clouds that took no part. */
  because: z.array(z.string()),
  /** What must be silent before a cloud is lost to this stack. */
  evidence: Policy.shape.evidence.unwrap().optional(),
  /**
   * Of each cloud that is weighed: its verdict, its share before, and why it takes no part in the deal, if it takes none.
   * Where a witness counts, what it last said: from that it follows whether the cloud keeps its share.
   */
  clouds: z.array(
    z.object({
      cloud: CloudName,
      verdict: VerdictKind,
      since: Time.optional(),
      before: z.int(),
      absent: z.string().optional(),
      witness: z.object({ said: Word.optional() }).optional(),
      /** It has no heat stack of the name. */
      gone: z.literal(true).optional(),
      /** Its share had been dealt away before, and stays so until Heat is back. */
      dealt_away: z.literal(true).optional(),
    }),
  ),
  shares: z.record(CloudName, z.int()),
});
export type AllocationEvidence = z.infer<typeof AllocationEvidence>;

export const Evidence = z.discriminatedUnion("of", [VerdictEvidence, AllocationEvidence]);
export type Evidence = z.infer<typeof Evidence>;

export const Event = z.object({
  /** A ULID: sorts by time. */
  id: z.string(),
  at: Time,
  type: EventType,
  stack_name: StackName.optional(),
  cloud: CloudName.optional(),
  vantage: VantageName.optional(),
  generation: z.int().optional(),
  /** One sentence for a person: what changed, from what to what, and why. */
  message: z.string(),
  changes: z.array(Change),
  /** What brought it about, in one sentence or the votes behind it. */
  cause: z.string(),
  /** Somebody should look at it, now: nothing else will put it right, or a person may know better. */
  alarm: z.literal(true).optional(),
  /** What the decision rested on, of verdicts and reallocations. In the table only: announced without it. */
  evidence: Evidence.optional(),
});
export type Event = z.infer<typeof Event>;
