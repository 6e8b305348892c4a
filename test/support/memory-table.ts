import { definition } from "../../lib/table/definition.ts";
import type { Condition, Item, Key, Query, Table, Write } from "../../lib/table/item.ts";
import { marshal, unmarshal } from "../../lib/table/marshal.ts";

/** A record as the stream hands it out: one number for all, and so in order within an item. */
export type MemoryRecord = {
  sequence: number;
  eventName: "INSERT" | "MODIFY" | "REMOVE";
  keys: Key;
  newImage?: Item;
  oldImage?: Item;
};

/** What one write, or one transaction, changed. */
export type Committed = { key: Key; before: Item | undefined; after: Item | undefined };

/**
 * A Table in memory with DynamoDB's promises: conditions, all or nothing, order by bytes. It passes
 * the same contract as the real one. `records` grows with every write that changed something, and
 * `onCommit` is told of it first. Items are frozen, so that reads need no copies.
 */
export function memoryTable(onCommit: (changes: Committed[]) => void = () => {}): Table & {
  records: MemoryRecord[];
  /** The item as it is, without waiting. */
  peek: (key: Key) => Item | undefined;
  peekAll: (pk: string, prefix?: string) => Item[];
} {
  const partitions = new Map<string, Map<string, Item>>();
  const records: MemoryRecord[] = [];
  const read = ({ pk, sk }: Key) => partitions.get(pk)?.get(sk);

  function apply(write: Write): Committed[] {
    if ("check" in write) return [];
    const key = keyOf(write);
    const before = read(key);
    const after = afterwards(write, before);
    if (isSame(before, after)) return [];
    const partition = partitions.get(key.pk) ?? new Map<string, Item>();
    partitions.set(key.pk, partition);
    if (after === undefined) partition.delete(key.sk);
    else partition.set(key.sk, after);
    records.push({
      sequence: records.length + 1,
      eventName: before === undefined ? "INSERT" : after === undefined ? "REMOVE" : "MODIFY",
      keys: key,
      ...(after === undefined ? {} : { newImage: after }),
      ...(before === undefined ? {} : { oldImage: before }),
    });
    return [{ key, before, after }];
  }

  function transact(writes: Write[]): boolean {
    const ids = new Set(writes.map((write) => idOf(keyOf(write))));
    if (ids.size < writes.length || writes.length > 100) {
      throw new Error("a transaction names at most 100 items, each once");
    }
    const isAllowed = writes.every((write) => holds(write.when, read(keyOf(write))));
    if (!isAllowed) return false;
    const changes = writes.flatMap(apply);
    if (changes.length > 0) onCommit(changes);
    return true;
  }

  const all = (query: Query): Item[] => {
    if (query.index) return [...partitions.values()].flatMap((items) => [...items.values()]);
    return [...(partitions.get(query.pk)?.values() ?? [])];
  };
  return {
    records,
    peek: read,
    peekAll: (pk, prefix = "") => matching(all({ pk }), { pk, prefix }),
    get: async (key) => read(key),
    getMany: async (keys) => {
      const unique = new Map(keys.map((key) => [idOf(key), key]));
      return [...unique.values()].flatMap((key) => read(key) ?? []);
    },
    query: async (query) => matching(all(query), query),
    write: async (write) => transact([write]),
    transact: async (writes) => transact(writes),
  };
}

function keyOf(write: Write): Key {
  if ("put" in write) return { pk: write.put.pk, sk: write.put.sk };
  if ("update" in write) return write.update;
  return "remove" in write ? write.remove : write.check;
}

function idOf({ pk, sk }: Key): string {
  return `${pk.length} ${pk} ${sk}`;
}

function afterwards(write: Exclude<Write, { check: Key }>, old: Item | undefined) {
  if ("remove" in write) return undefined;
  if ("put" in write) return plain(write.put) as Item;
  let item: Record<string, unknown> = old ?? { pk: write.update.pk, sk: write.update.sk };
  for (const [path, value] of Object.entries(write.set)) {
    item = withPath(item, path.split("."), value);
  }
  return item as Item;
}

/** As DynamoDB has it: a frozen copy without what is undefined; throws on what it has no place for. */
function plain(value: unknown): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (Array.isArray(value)) return Object.freeze(value.map(plain));
  if (typeof value === "object") {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined);
    return Object.freeze(Object.fromEntries(entries.map(([key, each]) => [key, plain(each)])));
  }
  return unmarshal(marshal(value));
}

function withPath(
  into: Record<string, unknown>,
  [step = "", ...rest]: string[],
  value: unknown,
): Record<string, unknown> {
  if (rest.length === 0 && value === undefined) {
    const { [step]: _, ...others } = into;
    return Object.freeze(others);
  }
  if (rest.length === 0) return Object.freeze({ ...into, [step]: plain(value) });
  const inner = into[step];
  if (typeof inner !== "object" || inner === null) throw new Error(`no ${step} to set within`);
  const set = withPath(inner as Record<string, unknown>, rest, value);
  return Object.freeze({ ...into, [step]: set });
}

function getPath(item: Item | undefined, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (at, step) =>
        typeof at === "object" && at !== null && Object.hasOwn(at, step)
          ? (at as Record<string, unknown>)[step]
          : undefined,
      item,
    );
}

function holds(condition: Condition | undefined, item: Item | undefined): boolean {
  if (condition === undefined) return true;
  if ("exists" in condition) return condition.exists === (item !== undefined);
  if ("absentOrHas" in condition) {
    return item === undefined || getPath(item, condition.absentOrHas) !== undefined;
  }
  return Object.entries(condition.equals).every(([path, value]) => getPath(item, path) === value);
}

function matching(items: Item[], query: Query): Item[] {
  const { after, descending, prefix = "" } = query;
  if (after === "") throw new Error("DynamoDB takes no empty text as a key");
  const hash = query.index ? definition.index.hashKey : definition.hashKey;
  const found = items
    .filter((item) => item[hash] === query.pk && item.sk.startsWith(prefix))
    .sort((a, b) => byBytes(a.sk, b.sk));
  if (descending) found.reverse();
  const isAfter = (sk: string) => {
    if (after === undefined) return true;
    return descending ? byBytes(sk, after) < 0 : byBytes(sk, after) > 0;
  };
  return found.filter(({ sk }) => isAfter(sk)).slice(0, query.limit);
}

/** Most keys are ASCII, where the order of characters is that of bytes. */
function byBytes(a: string, b: string): number {
  if (!isAscii.test(a) || !isAscii.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what ASCII is.
const isAscii = /^[\x00-\x7f]*$/;

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [mine, theirs] = [Object.entries(a), Object.keys(b)];
  const other = b as Record<string, unknown>;
  if (mine.length !== theirs.length) return false;
  return mine.every(([key, value]) => Object.hasOwn(other, key) && isSame(value, other[key]));
}
