import * as z from "zod";
import {
  Blocking,
  CloudName,
  CloudOrders,
  Seen,
  Time,
  Verdict,
  VerdictKind,
  Vote,
} from "../cloud/schema.ts";
import { Event } from "../event/schema.ts";
import {
  Blocked,
  Condition,
  Count,
  CountParameter,
  Policy,
  Share,
  Stack,
  StackName,
  StackState,
  Weight,
  Weights,
} from "../stack/schema.ts";

/** What a PUT takes: what is left out gets its default, whatever it was before. */
export const StackInput = z
  .strictObject({
    count: Count,
    count_parameter: CountParameter,
    weights: Weights.default({}),
    policy: Policy.prefault({}),
    paused: z.boolean().default(false),
    partial: z.boolean().default(false),
  })
  .meta({ id: "StackInput" });
export type StackInput = z.infer<typeof StackInput>;

/** Only what is given changes; zod's own `partial` would bring the defaults back. */
export const PolicyPatch = z.strictObject({
  failover: Policy.shape.failover.unwrap().optional(),
  order: Policy.shape.order.unwrap().optional(),
  failback: Policy.shape.failback.unwrap().optional(),
  evidence: Policy.shape.evidence.unwrap().optional(),
});

/** Weights to merge; null removes a cloud. Their sum is checked after the merge. */
export const WeightsPatch = z.record(CloudName, Weight.nullable());

/** What a PATCH merges into the declaration. */
export const StackPatch = z
  .strictObject({
    count: Count.optional(),
    count_parameter: CountParameter.optional(),
    weights: WeightsPatch.optional(),
    policy: PolicyPatch.optional(),
    paused: z.boolean().optional(),
    partial: z.boolean().optional(),
  })
  .meta({ id: "StackPatch" });
export type StackPatch = z.infer<typeof StackPatch>;

export const WeightInput = z.strictObject({ weight: Weight }).meta({ id: "WeightInput" });

/** What a plan supposes: a change of the declaration, and / or the loss of clouds. */
export const PlanInput = StackPatch.pick({ count: true, weights: true, policy: true })
  .extend({ lost: z.array(CloudName).max(1000).optional() })
  .meta({ id: "PlanInput" });
export type PlanInput = z.infer<typeof PlanInput>;

export const CloudPatch = z
  .strictObject({
    drained: z.boolean().optional(),
    suspicion: z.enum(["confirmed", "refuted"]).optional(),
  })
  .meta({ id: "CloudPatch" });

/** The declaration as a user sees it. */
export const Declaration = Stack.omit({ uid: true, deleted_at: true, expires_at: true }).meta({
  id: "Declaration",
});
export type Declaration = z.infer<typeof Declaration>;

/** Instances: wanted in all shares, and confirmed in the clouds that are not lost. */
export const Totals = z.object({ desired: z.int(), in_place: z.int() }).meta({ id: "Totals" });

/** Where reconcile stands with a declaration. */
const Standing = z.object({
  state: StackState,
  /** The last generation that was fully in place. */
  observed_generation: z.int().optional(),
  totals: Totals,
});

export const StackSummary = Declaration.extend(Standing.shape).meta({ id: "StackSummary" });
export type StackSummary = z.infer<typeof StackSummary>;

export const SeenSummary = Seen.pick({
  read_at: true,
  parameter: true,
  count: true,
  in_place: true,
  heat_status: true,
  reason: true,
  updated_time: true,
  heat_stack_id: true,
  missing: true,
  stuck: true,
}).meta({ id: "Seen" });

/** Without what it is compared with. */
export const BlockedSummary = Blocked.omit({ witness: true }).meta({ id: "Blocked" });

/** One cloud's part of a stack. Without `desired`, reconcile has not dealt with it yet. */
export const ShareDetail = Share.pick({
  stack_name: true,
  cloud: true,
  push: true,
  held: true,
  lost: true,
  retry_at: true,
})
  .extend({
    blocked: BlockedSummary.optional(),
    /** Absent: no longer weighed, and kept only until its last push has ended. */
    weight: Weight.optional(),
    desired: z.int().optional(),
    seen: SeenSummary.optional(),
    verdict: VerdictKind,
    drained: z.boolean(),
  })
  .meta({ id: "Share" });
export type ShareDetail = z.infer<typeof ShareDetail>;

export const StackDetail = StackSummary.extend({
  conditions: z.array(Condition),
  shares: z.array(ShareDetail),
  /** When it is looked at again without being asked. */
  due_at: Time.optional(),
}).meta({ id: "StackDetail" });
export type StackDetail = z.infer<typeof StackDetail>;

/** The name to pass as `marker` for the next page; absent on the last. */
const Next = z.string().optional();

export const StackList = z
  .object({ stacks: z.array(StackSummary), next: Next })
  .meta({ id: "StackList" });

/** What a heat stack keeps when Heat Spreader lets go of it: the last count seen there. */
export const LeftRunning = z
  .array(z.object({ cloud: CloudName, count: z.int() }))
  .meta({ id: "LeftRunning" });
export type LeftRunning = z.infer<typeof LeftRunning>;

export const Deleted = z
  .object({ stack_name: StackName, left_running: LeftRunning })
  .meta({ id: "Deleted" });

export const WeightRemoved = Declaration.extend({ left_running: LeftRunning }).meta({
  id: "WeightRemoved",
});

export const PlannedShare = z
  .object({
    cloud: CloudName,
    from: z.int(),
    to: z.int(),
    order: z.enum(["at_once", "waits", "none"]),
    why: z.string(),
  })
  .meta({ id: "PlannedShare" });
export type PlannedShare = z.infer<typeof PlannedShare>;

export const Plan = z
  .object({
    stack_name: StackName,
    count: Count,
    /** False: nothing would move at all, and `message` says why. */
    possible: z.boolean(),
    message: z.string().optional(),
    totals: z.object({ from: z.int(), to: z.int() }),
    clouds: z.array(PlannedShare),
  })
  .meta({ id: "Plan" });
export type Plan = z.infer<typeof Plan>;

export const Asked = z.object({ stack_name: StackName, asked_at: Time }).meta({ id: "Asked" });

/** An event whole: with its evidence, and the story of it in sentences. */
export const EventDetail = Event.extend({ explanation: z.array(z.string()) }).meta({
  id: "EventDetail",
});
export type EventDetail = z.infer<typeof EventDetail>;

export const EventList = z.object({ events: z.array(Event), next: Next }).meta({ id: "EventList" });

/** A vote without what belongs to the login. */
export const VoteSummary = Vote.omit({ cloud: true, credential_hash: true, missed_at: true }).meta({
  id: "Vote",
});

export const CloudSummary = Verdict.omit({ votes: true })
  .extend({
    blocking: Blocking.optional(),
    drained: z.boolean(),
    confirmed: CloudOrders.shape.confirmed,
    refuted: CloudOrders.shape.refuted,
    /** Of the newest vote that has one, in milliseconds. */
    latency_ms: z.number().optional(),
    /** What each vantage says now. */
    votes: z.array(VoteSummary),
  })
  .meta({ id: "CloudSummary" });
export type CloudSummary = z.infer<typeof CloudSummary>;

export const CloudList = z.object({ clouds: z.array(CloudSummary) }).meta({ id: "CloudList" });

export const CloudDetail = CloudSummary.extend({
  /** The shares of all stacks here, by name, one page. */
  shares: z.array(ShareDetail),
  next: Next,
}).meta({ id: "CloudDetail" });

export const Health = z.object({ status: z.literal("ok") }).meta({ id: "Health" });

/** RFC 9457, with a stable `code`, the request's id, and every field at fault. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    request_id: z.string().optional(),
    errors: z
      .array(
        z.object({
          /** A JSON pointer into what `in` says. */
          pointer: z.string(),
          message: z.string(),
          in: z.enum(["body", "path", "query", "header"]).optional(),
        }),
      )
      .optional(),
  })
  .meta({ id: "Problem" });
export type Problem = z.infer<typeof Problem>;
