import * as z from "zod";
import { Fault, FaultClass } from "./faults.ts";

/** A cloud by its clouds.yaml name. `constructor` is legal, so never index a plain object without `Object.hasOwn`. */
export const CloudName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
    "a cloud name is 1 to 63 letters, digits, _ . or -, and begins with a letter or digit",
  )
  .brand<"CloudName">();
export type CloudName = z.infer<typeof CloudName>;

/** The name of a place that probes: `home`, or an agent's. */
export const VantageName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, "a vantage name is 1 to 63 letters, digits, _ . or -")
  .brand<"VantageName">();
export type VantageName = z.infer<typeof VantageName>;

/** The vantage that judges; all others only vote. */
export const HOME = VantageName.parse("home");

/** ISO 8601, UTC, milliseconds: such strings sort as the times do. */
export const Time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
export type Time = z.infer<typeof Time>;

export const VoteKind = z.enum(["up", "silent", "abstains"]);
export type VoteKind = z.infer<typeof VoteKind>;

/** What one vantage last found of one cloud, with its counters (DESIGN 3.3). */
export const Vote = z.object({
  cloud: CloudName,
  vantage: VantageName,
  vote: VoteKind,
  /** Start of the tick that found it. */
  at: Time,
  /** Since when this vantage has found the same. */
  since: Time,
  /** How often this vantage looks, in milliseconds. */
  interval_ms: z.int().optional(),
  misses: z.int(),
  successes: z.int(),
  abstentions: z.int(),
  /** Start of the present silence, void ticks included; absent after an up. */
  silent_since: Time.optional(),
  /** The last counted miss: misses older than a vote's lifetime begin from 0. */
  missed_at: Time.optional(),
  /** True when the whole tick heard nothing from anywhere, and so said nothing. */
  void: z.boolean().optional(),
  fault: Fault.optional(),
  latency_ms: z.number().optional(),
  /** When the stacks of this cloud were last listed in full. */
  listed_at: Time.optional(),
  /** The last full list showed an update of one of our stacks: list again at the next tick. */
  updating: z.boolean().optional(),
  /** A rejected login is not repeated before `until`, unless the credential changes. */
  login_pause: z.object({ until: Time, attempts: z.int() }).optional(),
  /** SHA-256 of the credential, to see it change; never the credential. */
  credential_hash: z.string().optional(),
});
export type Vote = z.infer<typeof Vote>;

export const VerdictKind = z.enum(["unknown", "reachable", "suspected", "unreachable"]);
export type VerdictKind = z.infer<typeof VerdictKind>;

/** Why pushes to a cloud are blocked as long as it lasts, whatever the verdict. */
export const Blocking = z.object({
  class: FaultClass,
  code: z.string(),
  message: z.string(),
  since: Time,
});
export type Blocking = z.infer<typeof Blocking>;

export const Verdict = z.object({
  cloud: CloudName,
  verdict: VerdictKind,
  /** Since when the verdict has been this. */
  since: Time,
  /** When this item was last written. */
  at: Time,
  /** When the cloud was last found lost (suspected or unreachable); kept after its return. */
  lost_at: Time.optional(),
  /** When it last came back from suspected or unreachable. */
  returned_at: Time.optional(),
  reason: z.string(),
  blocking: Blocking.optional(),
  /** Fewer fresh votes than a majority of the registered vantages: no new outage can be found. */
  unwatched: z.object({ since: Time, fresh: z.int(), majority: z.int() }).optional(),
  /** The votes it rests on. */
  votes: z.array(Vote),
});
export type Verdict = z.infer<typeof Verdict>;

const Answer = z.object({ since: Time, at: Time });

/** What people said of a cloud. */
export const CloudOrders = z.object({
  cloud: CloudName,
  drained: z.boolean(),
  /** The suspicion, by its `since`, that a person confirmed or refuted; it counts for that one only. */
  confirmed: Answer.optional(),
  refuted: Answer.optional(),
  at: Time,
});
export type CloudOrders = z.infer<typeof CloudOrders>;

export const Vantage = z.object({
  vantage: VantageName,
  registered_at: Time,
  /** An agent votes through the API; all others are functions that write the table. */
  kind: z.enum(["function", "agent"]).optional(),
});
export type Vantage = z.infer<typeof Vantage>;

/**
 * What the witness of one stack in one cloud last said: whether what the stack serves there answers.
 * The item `CLOUD#athens` / `WITNESS#web`, written by the home vantage.
 */
export const Testimony = z.object({
  cloud: CloudName,
  stack_name: z.string(),
  /** The witness as it was declared, in one word: another one begins anew. */
  target: z.string(),
  /** `abstains`: it could not be asked, for a reason of ours. */
  finding: z.enum(["answers", "silent", "abstains"]),
  /** Start of the tick that found it. */
  at: Time,
  /** Since when it has said the same. */
  since: Time,
  /** Silences in a row, up to the threshold. */
  misses: z.int(),
  /** Times in a row that it could not be asked, up to the threshold. */
  abstentions: z.int(),
  /** So many in a row count: as many as misses make a cloud lost. */
  threshold: z.int().optional(),
  fault: Fault.optional(),
});
export type Testimony = z.infer<typeof Testimony>;

/** One line of Heat's list of stacks. Times are Heat's own: UTC, whole seconds (`2026-11-20T16:17:50Z`). */
export type HeatStack = {
  heat_stack_id: string;
  stack_name: string;
  heat_status: string;
  reason: string;
  creation_time: string;
  /** Null until the first update; set at an update's start, not its end. */
  updated_time: string | null;
};

/** A heat stack read in full. */
export type HeatStackDetail = HeatStack & {
  /** All of them, as strings, defaults included. */
  parameters: Map<string, string>;
  timeout_mins: number | null;
  project_id: string;
};

/** Heat's list, with the project that it is the list of. */
export type HeatStackList = { project_id: string; stacks: HeatStack[] };

/**
 * What the table said when a reading began: the reading tells of everything up to there, and of nothing
 * that was written down later. Several functions read and write, and no two clocks are the same: what
 * came first is known by what the reader knew, never by comparing times.
 */
export const Known = z.object({
  /** The verdict on the cloud, by when it was written, and the last return that it speaks of. */
  verdict_at: Time.optional(),
  returned_at: Time.optional(),
  /** The last push there, and whether Heat's answer to it was known. */
  push_id: z.string().optional(),
  answered: z.boolean().optional(),
  /** What it asks for has come to be by then, or never will: accepted, refused, or five minutes old. */
  settled: z.boolean().optional(),
  /** The last time that a person had the stack looked at. */
  asked_at: Time.optional(),
  /** Of the declaration. Of a cloud that is weighed anew, what was read for an earlier one is of before it was let go of. */
  generation: z.int().optional(),
});
export type Known = z.infer<typeof Known>;

/** What Heat last said of one stack in one cloud (DESIGN section 4). */
export const Seen = z.object({
  cloud: CloudName,
  stack_name: z.string(),
  /** Start of the read, by its reader's clock. */
  read_at: Time,
  after: Known.optional(),
  /** The count parameter that `count` was read from. */
  parameter: z.string(),
  /** The parameter's value: the wish, not what runs. Absent: no such parameter, or not a whole number. */
  count: z.int().optional(),
  /** The count of the last COMPLETE; after a failure the lower of old and new; 0 until first seen COMPLETE. */
  in_place: z.int(),
  /** The most that may have run since the last COMPLETE, where that is more than `count` and `in_place`. */
  at_most: z.int().optional(),
  /** Start of the newest saved read that found it COMPLETE with a count that can be read: what was pushed since may have run, and gone. */
  complete_at: Time.optional(),
  /** The last push that was written down when that read began. */
  complete_after: z.string().optional(),
  /** The last push of which a read that found it COMPLETE says what became of it. */
  settled_after: z.string().optional(),
  /** Heat's word, such as UPDATE_COMPLETE. Absent while missing. */
  heat_status: z.string().optional(),
  reason: z.string().optional(),
  creation_time: z.string().optional(),
  updated_time: z.string().nullable().optional(),
  timeout_mins: z.number().nullable().optional(),
  heat_stack_id: z.string().optional(),
  project_id: z.string().optional(),
  /** Since when a full list of the same project has not had it: nothing runs there. */
  missing: z.object({ since: Time }).optional(),
  /** Since when its update has been given up on: one PATCH frees it. */
  stuck: z.object({ since: Time }).optional(),
  /** The last push that was written down when the read that found it stuck began. */
  stuck_after: z.string().optional(),
});
export type Seen = z.infer<typeof Seen>;
