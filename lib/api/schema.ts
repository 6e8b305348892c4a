import * as z from "zod";
import { CloudName, Time } from "../cloud/schema.ts";
import { Event } from "../event/schema.ts";
import {
  Condition,
  Count,
  CountParameter,
  Policy,
  Stack,
  StackName,
  StackState,
  Weight,
  Weights,
} from "../stack/schema.ts";
import { WitnessInput } from "../stack/witness.ts";
import { Role } from "./endpoint.ts";
import { Ledger, ShareDetail } from "./share-schema.ts";

/** What a PUT takes: what is left out gets its default, whatever it was before. */
export const StackInput = z
  .strictObject({
    count: Count,
    count_parameter: CountParameter,
    weights: Weights.default({}),
    policy: Policy.prefault({}),
    witnesses: z.record(CloudName, WitnessInput).optional(),
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
    witnesses: z.record(CloudName, WitnessInput.nullable()).optional(),
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

/** The declaration as a user sees it. */
export const Declaration = Stack.omit({ uid: true, deleted_at: true, expires_at: true }).meta({
  id: "Declaration",
});
export type Declaration = z.infer<typeof Declaration>;

/**
 * Instances: wanted in all shares; confirmed to run; and the most that may run, those included that
 * nobody can see. Without `up_to` a cloud was never read.
 */
export const Totals = z
  .object({ desired: z.int(), in_place: z.int(), up_to: z.int().optional() })
  .meta({ id: "Totals" });

/** Where reconcile stands with a declaration. */
const Standing = z.object({
  state: StackState,
  /** The last generation that was fully in place. */
  observed_generation: z.int().optional(),
  totals: Totals,
});

export const StackSummary = Declaration.extend(Standing.shape).meta({ id: "StackSummary" });
export type StackSummary = z.infer<typeof StackSummary>;

export const StackDetail = StackSummary.extend({
  conditions: z.array(Condition),
  shares: z.array(ShareDetail),
  /** When it is looked at again without being asked. */
  due_at: Time.optional(),
}).meta({ id: "StackDetail" });
export type StackDetail = z.infer<typeof StackDetail>;

/** The name to pass as `marker` for the next page; absent on the last. */
export const Next = z.string().optional();

export const StackList = z
  .object({ stacks: z.array(StackSummary), next: Next })
  .meta({ id: "StackList" });

/**
 * What heat stacks keep when Heat Spreader lets go of them: the last count seen there, or asked for,
 * and between which bounds lies what runs.
 */
export const LeftRunning = z
  .array(z.object({ cloud: CloudName, count: z.int(), ...Ledger.shape }))
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
    /** What it takes for granted of clouds supposed to be lost, in a sentence. */
    assumed: z.string().optional(),
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

export const Health = z.object({ status: z.literal("ok") }).meta({ id: "Health" });

export const Whoami = z.object({ name: z.string(), role: Role }).meta({ id: "Whoami" });

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
