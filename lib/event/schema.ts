import * as z from "zod";
import { CloudName, Time } from "../cloud/schema.ts";
import { StackName } from "../stack/schema.ts";

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
]);
export type EventType = z.infer<typeof EventType>;

export const Change = z.object({ cloud: CloudName, from: z.int(), to: z.int() });
export type Change = z.infer<typeof Change>;

export const Event = z.object({
  /** A ULID: sorts by time. */
  id: z.string(),
  at: Time,
  type: EventType,
  stack_name: StackName.optional(),
  cloud: CloudName.optional(),
  generation: z.int().optional(),
  /** One sentence for a person: what changed, from what to what, and why. */
  message: z.string(),
  changes: z.array(Change),
  /** What brought it about, in one sentence or the votes behind it. */
  cause: z.string(),
});
export type Event = z.infer<typeof Event>;
