import * as z from "zod";
import { FaultClass } from "../cloud/faults.ts";
import { CloudName, Time } from "../cloud/schema.ts";
import { Witness } from "./witness.ts";

/** Heat's own rule for names (heat/engine/stack.py): a letter, then letters, digits, _ . -; 255 in all. */
export const StackName = z
  .string()
  .regex(
    /^[a-zA-Z][a-zA-Z0-9_.-]{0,254}$/,
    "a stack name begins with a letter and has up to 255 letters, digits, _ . or - (Heat's rule)",
  )
  .brand<"StackName">();
export type StackName = z.infer<typeof StackName>;

export const MAX_COUNT = 1_000_000;
/** 45 shares, each read and written in one DynamoDB transaction of at most 100 items, old and new. */
export const MAX_CLOUDS = 45;

export const Count = z
  .int("a count is a whole number")
  .min(0, "a count is at least 0")
  .max(MAX_COUNT, `a count is at most ${MAX_COUNT}`)
  .overwrite(unsigned);

export const Weight = z
  .number("a weight is a number from 0 to 1")
  .min(0, "a weight is at least 0")
  .max(1, "a weight is at most 1")
  // Less counts for nothing in an allocation, and DynamoDB holds no number below 1e-130.
  .refine((weight) => weight <= 0 || weight >= 1e-9, "a weight is 0, or at least 0.000000001")
  .overwrite(unsigned);

/** Heat takes any YAML key as a parameter's name; we take what people use. */
export const CountParameter = z
  .string()
  .min(1, "the count parameter is the name of a template parameter")
  .max(255)
  .regex(/^[^\s\p{Cc}]+$/u, "a parameter name has no spaces or control characters")
  .refine((name) => name !== "__proto__", "that name is not allowed");

export const Policy = z.strictObject({
  /** What becomes of a lost cloud's share: dealt evenly, by weight, or left lost. */
  failover: z.enum(["even", "proportional", "none"]).default("even"),
  /** Whether scale-downs wait until the scale-ups are in place. */
  order: z.enum(["make_before_break", "at_once"]).default("make_before_break"),
  /** Whether a returned cloud gets its share back by itself, or waits for a release. */
  failback: z.enum(["auto", "manual"]).default("auto"),
  /**
   * What must be silent before a cloud's share is moved: Heat, or also the workload, where the stack
   * names a witness of it.
   */
  evidence: z.enum(["api", "api_and_workload"]).default("api_and_workload"),
});
export type Policy = z.infer<typeof Policy>;

/** Sum of weights within this of 1 is 1: .33 + .56 + .11 is more in floating point. */
export const SUM_TOLERANCE = 1e-6;

export const Weights = z
  .record(CloudName, Weight)
  .refine((weights) => Object.keys(weights).length <= MAX_CLOUDS, {
    error: `a stack has at most ${MAX_CLOUDS} clouds`,
  })
  .refine((weights) => weightSum(weights) <= 1 + SUM_TOLERANCE, {
    error: (issue) => `the weights sum to ${sumText(issue.input)}, more than 1`,
  });
export type Weights = z.infer<typeof Weights>;

/** By cloud. Where none is named, Heat alone is the evidence. */
export const Witnesses = z.record(CloudName, Witness);
export type Witnesses = z.infer<typeof Witnesses>;

/** What a user declares: the item `STACK` / name. */
export const Stack = z.object({
  stack_name: StackName,
  /** Tells a re-created stack from the deleted one of its name. */
  uid: z.string(),
  /** Bumped by every change a user writes. */
  generation: z.int(),
  count: Count,
  count_parameter: CountParameter,
  weights: Weights,
  policy: Policy,
  witnesses: Witnesses.optional(),
  paused: z.boolean(),
  /** True: weights below 1 are meant, scale-downs need not wait for the rest of them. */
  partial: z.boolean(),
  /** Weights have once summed to 1. */
  completed: z.boolean(),
  /** A manual failback let go. */
  released: z.object({ at: Time }).optional(),
  created_at: Time,
  updated_at: Time,
  /** Set on the tombstone that a DELETE leaves for 30 days, with `expires_at`. */
  deleted_at: Time.optional(),
  expires_at: z.int().optional(),
});
export type Stack = z.infer<typeof Stack>;

/** A PATCH of one count parameter, written down before it is sent (DESIGN 3.2). */
export const Push = z.object({
  id: z.string(),
  generation: z.int(),
  count: Count,
  /** What pushes before it, whose end nobody saw, may have left: fewer, or more, than it says or was seen. */
  at_least: z.int().optional(),
  at_most: z.int().optional(),
  at: Time,
  /** The last time that a person had the stack looked at, before it. */
  asked_at: Time.optional(),
  /** What the read before it saw: an update of ours moves `updated_time`. */
  before: z.object({ heat_stack_id: z.string(), updated_time: z.string().nullable() }),
  /** Absent until Heat answered: then nobody knows whether it will be carried out. */
  answered: z
    .object({ at: Time, outcome: z.enum(["accepted", "refused", "unanswered"]) })
    .optional(),
});
export type Push = z.infer<typeof Push>;

export const Blocked = z.object({
  class: FaultClass,
  code: z.string(),
  message: z.string(),
  since: Time,
  /** The heat stack as it was when it was found blocked: if that moves, it is tried at once. */
  witness: z.string(),
  /** The last time that a person had the stack looked at, when it was last found blocked. */
  asked_at: Time.optional(),
});
export type Blocked = z.infer<typeof Blocked>;

export const HoldReason = z.enum([
  "order",
  "paused",
  "incomplete",
  "release",
  "suspicion",
  "unknown",
  "evidence",
  "nowhere",
  "retry",
]);
export type HoldReason = z.infer<typeof HoldReason>;

export const Held = z.object({ reason: HoldReason, message: z.string(), since: Time });
export type Held = z.infer<typeof Held>;

/** One stack's share in one cloud: the item `STACK#web` / `SHARE#athens`. */
export const Share = z.object({
  stack_name: StackName,
  cloud: CloudName,
  desired: z.int(),
  /** STATUS's version at the last write: a reconcile that lost a race cannot push. */
  version: z.int(),
  push: Push.optional(),
  blocked: Blocked.optional(),
  held: Held.optional(),
  /** Its instances were dealt away because the cloud was lost. */
  lost: z.object({ since: Time }).optional(),
  /** Pushes of the same generation and number in a row. */
  attempts: z.int(),
  /** Not pushed again, or tried again while blocked, before this. */
  retry_at: Time.optional(),
});
export type Share = z.infer<typeof Share>;

export const StackState = z.enum([
  "converged",
  "converging",
  "failed_over",
  "held",
  "blocked",
  "paused",
]);
export type StackState = z.infer<typeof StackState>;

export const Condition = z.object({
  type: z.enum(["converged", "failed_over", "held", "blocked", "paused"]),
  status: z.boolean(),
  reason: z.string(),
  message: z.string(),
  since: Time,
});
export type Condition = z.infer<typeof Condition>;

/** Where reconcile stands: the item `STATUS` / name. */
export const Status = z.object({
  stack_name: StackName,
  version: z.int(),
  uid: z.string(),
  /** The last generation that was fully in place, and its total. */
  observed_generation: z.int().optional(),
  old_total: z.int().optional(),
  /**
   * What the last reconcile knew: anything else means that a record was lost. Of each weighed cloud
   * a mark of its VERDICT and CLOUD, and of its SEEN as the table had it; absent after it threw.
   */
  inputs: z.object({
    generation: z.int(),
    verdicts: z.string().optional(),
    seen: z.string().optional(),
  }),
  /** Clouds with a push that has not ended. */
  open: z.array(CloudName),
  /** Reconciles in a row that found it not converged, or that threw. */
  attempts: z.int(),
  /** When to look again without being asked; none while converged, paused or awaiting release. */
  due_at: Time.optional(),
  state: StackState,
  conditions: z.array(Condition),
  expires_at: z.int().optional(),
});
export type Status = z.infer<typeof Status>;

/** `STACK#web` / `WAKE`: written to have a stack looked at. */
export const Wake = z.object({ at: Time, asked_at: Time.optional() });
export type Wake = z.infer<typeof Wake>;

/** JSON has a -0, and DynamoDB has none: it would come back as another number. */
function unsigned(number: number): number {
  return number === 0 ? 0 : number;
}

/** The entries of a record keyed by clouds, typed: TypeScript gives plain strings. */
export function entriesOf<V>(record: Record<CloudName, V>): [CloudName, V][] {
  return Object.entries(record) as [CloudName, V][];
}

/** A weight as a whole number of billionths, so that equal decimals are equal. */
export function billionths(weight: number): number {
  return Math.round(weight * 1e9);
}

/** The sum of all weights; within 1e-6 of 1 it is 1. */
export function weightSum(weights: Record<CloudName, number>): number {
  const sum = entriesOf(weights).reduce((total, [, weight]) => total + billionths(weight), 0) / 1e9;
  return Math.abs(sum - 1) <= SUM_TOLERANCE ? 1 : sum;
}

function sumText(weights: unknown): string {
  return String(weightSum(weights as Record<CloudName, number>));
}
