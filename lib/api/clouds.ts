import * as z from "zod";
import { Blocking, CloudOrders, Verdict, Vote } from "../cloud/schema.ts";
import { Next } from "./schema.ts";
import { ShareDetail } from "./share-schema.ts";

export const CloudPatch = z
  .strictObject({
    drained: z.boolean().optional(),
    suspicion: z.enum(["confirmed", "refuted"]).optional(),
  })
  .meta({ id: "CloudPatch" });

/** A vote without what belongs to the login. */
export const VoteSummary = Vote.omit({ cloud: true, credential_hash: true, missed_at: true }).meta({
  id: "Vote",
});

/** A vote as it is now: whether it is fresh is known by the clock of the API, which counts it. */
export const CloudVote = VoteSummary.extend({ fresh: z.boolean() }).meta({ id: "CloudVote" });

/** Sentences: what each vantage sees, and what will become of the verdict on what, and when. */
export const Outlook = z
  .object({ seen: z.array(z.string()), next: z.array(z.string()) })
  .meta({ id: "Outlook" });

export const CloudSummary = Verdict.omit({ votes: true })
  .extend({
    blocking: Blocking.optional(),
    drained: z.boolean(),
    confirmed: CloudOrders.shape.confirmed,
    refuted: CloudOrders.shape.refuted,
    /** Of the newest vote that has one, in milliseconds. */
    latency_ms: z.number().optional(),
    /** What each vantage last said. */
    votes: z.array(CloudVote),
    outlook: Outlook,
  })
  .meta({ id: "CloudSummary" });
export type CloudSummary = z.infer<typeof CloudSummary>;

export const CloudList = z.object({ clouds: z.array(CloudSummary) }).meta({ id: "CloudList" });

export const CloudDetail = CloudSummary.extend({
  /** The shares of all stacks here, by name, one page. */
  shares: z.array(ShareDetail),
  next: Next,
}).meta({ id: "CloudDetail" });
