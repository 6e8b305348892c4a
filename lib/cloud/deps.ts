import type { Event } from "../event/schema.ts";
import type { Push, Stack, StackName, Status } from "../stack/schema.ts";
import type { Witness } from "../stack/witness.ts";
import type { CloudClient } from "./client.ts";
import type { Outcome } from "./faults.ts";
import type {
  CloudName,
  CloudOrders,
  Seen,
  Testimony,
  Time,
  Vantage,
  VantageName,
  Verdict,
  Vote,
} from "./schema.ts";

/** What every tick reads once: `STACK`, `STATUS`, `VERDICT`, `CLOUD` and `VANTAGE`. Tombstones included. */
export type Board = {
  stacks: Stack[];
  statuses: Status[];
  verdicts: Verdict[];
  orders: CloudOrders[];
  vantages: Vantage[];
};

export type ProbeSettings = {
  vantage: VantageName;
  intervalMs: number;
  /** A list call in full at least this often: 60,000. */
  observeEveryMs: number;
  /** First pause after a rejected login; doubles up to the longest. */
  loginPauseMs: number;
  longestPauseMs: number;
  /** How long a busy engine may be silent before it counts: 60,000. */
  busySilenceMs: number;
};

export type ProbeDeps = {
  now: () => Date;
  newId: () => string;
  /** Every cloud of clouds.yaml, parsed or not. */
  cloudNames: () => CloudName[];
  cloudClient: (cloud: CloudName) => Outcome<CloudClient>;
  readBoard: () => Promise<Board>;
  /** Only what is judged with. */
  readJudged: () => Promise<Pick<Board, "verdicts" | "orders" | "vantages">>;
  /** The votes of these vantages on these clouds, those that exist. */
  readVotes: (clouds: CloudName[], vantages: VantageName[]) => Promise<Vote[]>;
  /** On the condition that the vote is still the one of `previousAt` (undefined: that there is none). */
  saveVote: (vote: Vote, previousAt: Time | undefined) => Promise<boolean>;
  /**
   * With its events, on the condition that the verdict is still the one of `previousAt`, and that
   * these others are still the ones of these times.
   */
  saveVerdict: (
    verdict: Verdict,
    previousAt: Time | undefined,
    events: Event[],
    others?: ReadonlyMap<CloudName, Time>,
  ) => Promise<boolean>;
  removeVerdict: (cloud: CloudName, previousAt: Time, events: Event[]) => Promise<boolean>;
  /** With its events. False: it is registered already. */
  registerVantage: (vantage: Vantage, events: Event[]) => Promise<boolean>;
  readSeen: (cloud: CloudName) => Promise<Seen[]>;
  /** The last push of each of these stacks in this cloud, by name. */
  readPushes: (cloud: CloudName, stackNames: string[]) => Promise<Map<string, Push>>;
  /** On the condition that the reading which it was understood with is still the one there. */
  saveSeen: (seen: Seen, previousReadAt: Time | undefined) => Promise<boolean>;
  wake: (name: StackName, at: Time) => Promise<void>;
  /** Whether what the witness names answers; a fault that is no silence says nothing of it. */
  askWitness: (witness: Witness) => Promise<Outcome<void>>;
  /** Of all stacks in this cloud. */
  readTestimonies: (cloud: CloudName) => Promise<Testimony[]>;
  /** With its events, on the condition that the testimony is still the one of `previousAt`. */
  saveTestimony: (
    testimony: Testimony,
    previousAt: Time | undefined,
    events: Event[],
  ) => Promise<boolean>;
};
