import type { CloudName, CloudOrders, Seen, Time, Verdict, Vote } from "../cloud/schema.ts";
import type { Event } from "../event/schema.ts";
import type { ReconcileSettings, StackView } from "../stack/deps.ts";
import type { Share, Stack, StackName, Status } from "../stack/schema.ts";

type Place = { stack_name: StackName; cloud: CloudName };
type History = { since?: Time | undefined; limit: number; marker?: string | undefined };
type EventPage = { events: Event[]; next?: string };

/** What the API asks of the table; lib/table implements it. No cloud is ever asked. */
export type ApiDeps = {
  now: () => Date;
  /** A ULID. */
  newId: () => string;
  /** Those of reconcile: a plan decides as it does. */
  settings: ReconcileSettings;

  /** Tombstones included. */
  readStack: (name: StackName) => Promise<Stack | undefined>;
  readStackView: (name: StackName) => Promise<StackView>;
  /** Tombstones left out; `next` is the last name when there are more. */
  listStacks: (page: {
    limit: number;
    marker?: string | undefined;
  }) => Promise<{ stacks: Stack[]; next?: StackName }>;
  readStatuses: (names: StackName[]) => Promise<Status[]>;
  readShares: (places: Place[]) => Promise<Share[]>;
  readSeenAt: (places: Place[]) => Promise<Seen[]>;
  /** False: the declaration is no longer the one of `previous`. */
  saveStack: (write: {
    stack: Stack;
    previous: Pick<Stack, "uid" | "generation"> | undefined;
    event: Event;
  }) => Promise<boolean>;
  wake: (name: StackName, at: Time, asked_at?: Time) => Promise<void>;

  /** Of every cloud that the deployment knows. */
  listVerdicts: () => Promise<Verdict[]>;
  listOrders: () => Promise<CloudOrders[]>;
  /** Of every vantage, as it is now. */
  listVotes: (cloud: CloudName) => Promise<Vote[]>;
  /** False: the orders are no longer those of `previousAt`. */
  saveOrders: (
    orders: CloudOrders,
    previousAt: Time | undefined,
    events: Event[],
  ) => Promise<boolean>;

  listEvents: (history: History & { now: Date }) => Promise<EventPage>;
  listStackEvents: (name: StackName, history: History) => Promise<EventPage>;
  listCloudEvents: (cloud: CloudName, history: History) => Promise<EventPage>;
};
