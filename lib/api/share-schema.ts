import * as z from "zod";
import { Seen, Testimony, VerdictKind } from "../cloud/schema.ts";
import { Blocked, Share, Weight } from "../stack/schema.ts";

/** What runs in one cloud: between the two, and why they differ. */
export const Ledger = z
  .object({ in_place: z.int(), up_to: z.int().optional(), reason: z.string().optional() })
  .meta({ id: "Ledger" });

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
export const BlockedSummary = Blocked.omit({ witness: true, asked_at: true }).meta({
  id: "Blocked",
});

export const TestimonySummary = Testimony.omit({ cloud: true, stack_name: true }).meta({
  id: "Testimony",
});

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
    ledger: Ledger.optional(),
    /** What the witness last said: in an outage what counts, else whether it would be of use. */
    testimony: TestimonySummary.optional(),
    verdict: VerdictKind,
    drained: z.boolean(),
  })
  .meta({ id: "Share" });
export type ShareDetail = z.infer<typeof ShareDetail>;
