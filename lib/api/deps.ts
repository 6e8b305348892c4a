import type {
  CloudName,
  CloudOrders,
  Seen,
  Time,
  Vantage,
  VantageName,
  Verdict,
  Vote,
} from "../cloud/schema.ts";
import type { Event } from "../event/schema.ts";
import type { ReconcileSettings, StackView } from "../stack/deps.ts";
import type { Share, Stack, StackName, Status } from "../stack/schema.ts";

type Place = { stack_name: StackName; cloud: CloudName };
type History = { since?: Time | undefined; limit: number; marker?: string | undefined };
type EventPage = { events: Event[]; next?: string };

/** `isKnown`: the deployment has a verdict on the cloud. */
export type Voting = {
  isKnown: boolean;
  vantage?: Vantage | undefined;
  vote?: Vote | undefined;
  home?: Vote | undefined;
  orders?: CloudOrders | undefined;
};

/** What the API asks of the table; lib/table implements it. No cloud is ever asked. */
export type ApiDeps = {
  now: () => Date;
  /** A ULID. */
  newId: () => string;
  /** Those of reconcile: a plan decides as it does. */
  settings: ReconcileSettings;
  /** Those of the probe: votes are counted, and an outlook given, as it judges. */
  judging: {
    intervalMs: number;
    misses: number;
    suspicionWindowMs: number;
    busySilenceMs: number;
    /** Of one probe. */
    deadlineMs: number;
  };

  /** Whether witnesses may be at private addresses. */
  witness: { allowsPrivate: boolean };

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
  /** False: the orders are no longer those of `previousAt`, or those of other clouds not of these times. */
  saveOrders: (
    orders: CloudOrders,
    previousAt: Time | undefined,
    events: Event[],
    others?: ReadonlyMap<CloudName, Time | undefined>,
  ) => Promise<boolean>;

  listVantages: () => Promise<Vantage[]>;
  readVotes: (clouds: CloudName[], vantages: VantageName[]) => Promise<Vote[]>;
  /** What a vote of this vantage on this cloud is counted with. */
  readVoting: (cloud: CloudName, vantage: VantageName) => Promise<Voting>;
  /** False: it is no longer the one of `previousAt`. */
  saveVote: (vote: Vote, previousAt: Time | undefined) => Promise<boolean>;
  registerVantage: (vantage: Vantage, events: Event[]) => Promise<boolean>;
  /** With its votes. False: it is not there, or one of the votes is no longer this one. */
  removeVantage: (vantage: VantageName, votes: Vote[], events: Event[]) => Promise<boolean>;

  /** Through the index: a moment after its fact. */
  readEvent: (id: string) => Promise<Event | undefined>;
  /** Of everything, that day and the day after, the oldest first. */
  listLaterEvents: (id: string, page: { limit: number }) => Promise<Event[]>;
  listEvents: (history: History & { now: Date }) => Promise<EventPage>;
  listStackEvents: (name: StackName, history: History) => Promise<EventPage>;
  listCloudEvents: (cloud: CloudName, history: History) => Promise<EventPage>;
};
