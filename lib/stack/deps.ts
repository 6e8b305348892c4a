import type { CloudClient } from "../cloud/client.ts";
import type { Outcome } from "../cloud/faults.ts";
import type { CloudName, CloudOrders, Seen, Testimony, Time, Verdict } from "../cloud/schema.ts";
import type { Event } from "../event/schema.ts";
import type { Push, Share, Stack, StackName, Status, Wake } from "./schema.ts";

/** Everything the table knows of one stack, STATUS read before all else. */
export type StackView = {
  status?: Status;
  stack?: Stack;
  wake?: Wake;
  shares: Share[];
  /** Of every cloud there is. */
  verdicts: Map<CloudName, Verdict>;
  orders: Map<CloudName, CloudOrders>;
  /** Of this stack, in the clouds that it weighs or has shares in. */
  seen: Map<CloudName, Seen>;
  /** Of this stack's witnesses, where they have said anything. */
  testimonies?: Map<CloudName, Testimony>;
};

/** One reconcile's transaction: all of it, or nothing (DESIGN 3.2). */
export type Reconciled = {
  /** Its version is one above `version_read`. */
  status: Status;
  /** The version read before everything else; undefined: there was no STATUS. */
  version_read: number | undefined;
  /** Updated, never put; each on the condition that its push is still the one read. `push` itself is left alone. */
  shares: { share: Share; push_id_read: string | undefined }[];
  /** Shares no longer weighed, whose push has ended. */
  removed: { cloud: CloudName; push_id_read: string | undefined }[];
  events: Event[];
  /** The declaration must still be this one; undefined: it must be a tombstone or gone. */
  declaration: { uid: string; generation: number } | undefined;
};

/** A push about to be sent, on the condition that the share is as this run left it. */
export type PushWrite = {
  stack_name: StackName;
  cloud: CloudName;
  push: Push;
  attempts: number;
  retry_at: Time;
  /** The share's version that this run wrote or read. */
  version: number;
  push_id_read: string | undefined;
};

/** How a push was answered. */
export type AnswerWrite = {
  cloud: CloudName;
  push_id: string;
  answered: NonNullable<Push["answered"]>;
};

export type ReconcileSettings = {
  /** First pause before a push is repeated; doubles up to the longest. Milliseconds. */
  retryPauseMs: number;
  longestPauseMs: number;
  /** How long an unanswered push may still be carried out (5 min). */
  pushSilenceMs: number;
  /** How long past its timeout an update may run before it is stuck (5 min). */
  stuckGraceMs: number;
  /** A heat stack without timeout_mins: 60 min. */
  updateTimeoutMs: number;
};

export type ReconcileDeps = {
  now: () => Date;
  /** A ULID. */
  newId: () => string;
  /** 0 up to 1, for jitter. */
  random: () => number;
  sleep: (ms: number) => Promise<void>;
  settings: ReconcileSettings;
  /** A constant message, and fields in our words. */
  log: (message: string, fields: Record<string, unknown>) => void;
  cloudClient: (cloud: CloudName) => Outcome<CloudClient>;
  readStackView: (name: StackName) => Promise<StackView>;
  /** False: somebody else wrote first; start again. */
  saveReconciled: (write: Reconciled) => Promise<boolean>;
  /** Together if all can be, else each for itself. Answers the ids of those that may be sent. */
  savePushes: (writes: PushWrite[]) => Promise<Set<string>>;
  /** Adds each answer to the push of its id, if that is still there. */
  saveAnswers: (name: StackName, answers: AnswerWrite[]) => Promise<void>;
  /** On the condition that the reading which it was understood with is still the one there. */
  saveSeen: (seen: Seen, previousReadAt: Time | undefined) => Promise<boolean>;
};
