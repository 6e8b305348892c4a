/** What the stores need of a table: DynamoDB's own promises, in plain values. */
export type Key = { pk: string; sk: string };
export type Item = Key & Record<string, unknown>;

/**
 * What must hold of the item as it is, or nothing is written. A path such as `push.id` goes into a
 * map; `undefined` means that the attribute is absent.
 */
export type Condition =
  | { exists: boolean }
  | { equals: Record<string, string | number | boolean | undefined> }
  /** No item at all, or one that has this attribute: a tombstone, say. */
  | { absentOrHas: string };

export type Write =
  | { put: Item; when?: Condition }
  /** Sets (and, where undefined, removes) attributes by path; makes the item if there is none. */
  | { update: Key; set: Record<string, unknown>; when?: Condition }
  | { remove: Key; when?: Condition }
  | { check: Key; when: Condition };

export type Query = {
  /** The partition, or with `index` the day. */
  pk: string;
  /** Only sort keys that begin so. */
  prefix?: string;
  /** Only sort keys after (descending: before) this one. */
  after?: string;
  descending?: boolean;
  /** At most so many; without it, all of them, however many pages that takes. */
  limit?: number;
  /** Query the index of events by day instead: eventually consistent. */
  index?: true;
};

/** All reads are consistent, but through the index. */
export type Table = {
  get: (key: Key) => Promise<Item | undefined>;
  /** Those that exist, in no order. */
  getMany: (keys: Key[]) => Promise<Item[]>;
  query: (query: Query) => Promise<Item[]>;
  /** False: its condition did not hold, and nothing was written. */
  write: (write: Write) => Promise<boolean>;
  /** All or nothing, at most 100 items, each named once. False: a condition did not hold, or another transaction was in the way. */
  transact: (writes: Write[]) => Promise<boolean>;
};
