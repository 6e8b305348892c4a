import * as z from "zod";
import { FaultClass, isSilence } from "../cloud/faults.ts";
import { CloudName, Time, Vantage, VantageName, VoteKind } from "../cloud/schema.ts";
import { VOTE_LIFETIME_MS } from "../cloud/vote.ts";

/**
 * What an agent found. It says how long ago its tick began, and no time of its own clock: that clock
 * may be wrong, and ours decides.
 */
export const VoteInput = z
  .strictObject({
    vote: VoteKind,
    fault: z
      .strictObject({
        // A fault of one stack is nothing that a probe meets.
        class: FaultClass.exclude(["stack"]),
        code: z
          .string()
          .regex(/^[a-z][a-z0-9_]{0,63}$/, "a code is 1 to 64 lowercase letters, digits or _"),
        message: z.string().max(2000),
        status: z.int().min(100).max(599).optional(),
      })
      .optional(),
    latency_ms: z.number().min(0).max(VOTE_LIFETIME_MS).overwrite(Math.round).optional(),
    void: z.boolean().optional(),
    age_ms: z
      .int()
      .min(0, "a vote cannot be from the future: it is the age of the tick, 0 or more")
      .max(VOTE_LIFETIME_MS, "a vote more than 90 s old says nothing: send the next one"),
    /** Trusted for how often to write this vantage's votes, and when to expect them; for nothing else. */
    interval_ms: z
      .int()
      .min(1000, "a vantage votes once a second at most")
      .max(60_000, "a vantage that votes less often than once a minute decides nothing")
      .optional(),
  })
  .superRefine(({ vote, fault, void: isVoid }, context) => {
    const silent = fault !== undefined && isSilence({ ...fault, class: fault.class });
    const fits =
      (vote === "up" && fault === undefined && !isVoid) ||
      (vote === "silent" && silent && !isVoid) ||
      (vote === "abstains" && fault !== undefined && silent === (isVoid === true));
    if (fits) return;
    const message =
      "up has no fault; silent has one of class path or service; abstains has another one, or such a one with void true";
    context.addIssue({ code: "custom", path: ["vote"], message });
  })
  .meta({ id: "VoteInput" });
export type VoteInput = z.infer<typeof VoteInput>;

export const VantageSummary = Vantage.extend({
  kind: Vantage.shape.kind.unwrap(),
  /** When the newest of its votes that is written down was found: up to a minute before its last. */
  voted_at: Time.optional(),
  /** The clouds that it has a fresh vote on. */
  clouds: z.array(
    z.object({ cloud: CloudName, vote: VoteKind, since: Time, void: z.boolean().optional() }),
  ),
  /** The clouds that it has no fresh vote on. */
  missing: z.array(CloudName),
}).meta({ id: "VantageSummary" });
export type VantageSummary = z.infer<typeof VantageSummary>;

export const VantageList = z
  .object({ vantages: z.array(VantageSummary), majority: z.int() })
  .meta({ id: "VantageList" });

export const VantageRemoved = z
  .object({ vantage: VantageName, left: z.int(), majority: z.int() })
  .meta({ id: "VantageRemoved" });
