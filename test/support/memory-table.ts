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

/**
 * A Table in memory with DynamoDB's promises: conditions, all or nothing, order by bytes. It passes
 * the same contract as the real one. `records` grows with every write that changed something.
 */
export function memoryTable(): Table & { records: MemoryRecord[] } {
  const items = new Map<string, Item>();
  const records: MemoryRecord[] = [];

  function apply(write: Write): void {
    if ("check" in write) return;
    const key = keyOf(write);
    const id = idOf(key);
    const old = items.get(id);
    const after = afterwards(write, old);
    if (after === undefined) items.delete(id);
    else items.set(id, after);
    if (isSame(old, after)) return;
    records.push({
      sequence: records.length + 1,
      eventName: old === undefined ? "INSERT" : after === undefined ? "REMOVE" : "MODIFY",
      keys: key,
      ...(after === undefined ? {} : { newImage: structuredClone(after) }),
      ...(old === undefined ? {} : { oldImage: structuredClone(old) }),
    });
  }

  function transact(writes: Write[]): boolean {
    const ids = writes.map((write) => idOf(keyOf(write)));
    if (new Set(ids).size < ids.length || ids.length > 100) {
      throw new Error("a transaction names at most 100 items, each once");
    }
    const isAllowed = writes.every((write) => holds(write.when, items.get(idOf(keyOf(write)))));
    if (isAllowed) writes.forEach(apply);
    return isAllowed;
  }

  const read = (key: Key) => {
    const found = items.get(idOf(key));
    return found === undefined ? [] : [structuredClone(found)];
  };
  return {
    records,
    get: async (key) => read(key)[0],
    getMany: async (keys) => {
      const unique = new Map(keys.map((key) => [idOf(key), key]));
      return [...unique.values()].flatMap(read);
    },
    query: async (query) => structuredClone(matching([...items.values()], query)),
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
  return JSON.stringify([pk, sk]);
}

function afterwards(write: Exclude<Write, { check: Key }>, old: Item | undefined) {
  if ("remove" in write) return undefined;
  if ("put" in write) return plain(write.put) as Item;
  const item: Item = structuredClone(old ?? { pk: write.update.pk, sk: write.update.sk });
  for (const [path, value] of Object.entries(write.set)) setPath(item, path.split("."), value);
  return item;
}

/** As DynamoDB has it: a copy without what is undefined; throws on what it has no place for. */
function plain(value: unknown): unknown {
  return unmarshal(marshal(value));
}

function setPath(into: Record<string, unknown>, path: string[], value: unknown): void {
  const [step = "", ...rest] = path;
  if (rest.length > 0) {
    const inner = into[step];
    if (typeof inner !== "object" || inner === null) throw new Error(`no ${step} to set within`);
    setPath(inner as Record<string, unknown>, rest, value);
  } else if (value === undefined) delete into[step];
  else into[step] = plain(value);
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
  if ("olderThan" in condition) {
    const { path, value } = condition.olderThan;
    const found = getPath(item, path);
    if (found === undefined) return true;
    return typeof found === typeof value && (found as typeof value) < value;
  }
  return Object.entries(condition.equals).every(([path, value]) => getPath(item, path) === value);
}

function matching(items: Item[], query: Query): Item[] {
  if (query.after === "") throw new Error("DynamoDB takes no empty text as a key");
  const hash = query.index ? definition.index.hashKey : definition.hashKey;
  const found = items
    .filter((item) => item[hash] === query.pk && item.sk.startsWith(query.prefix ?? ""))
    .sort((a, b) => Buffer.compare(Buffer.from(a.sk), Buffer.from(b.sk)));
  if (query.descending) found.reverse();
  const { after } = query;
  const isAfter = (sk: string) => {
    const order = Buffer.compare(Buffer.from(sk), Buffer.from(after ?? ""));
    return query.descending ? order < 0 : order > 0;
  };
  return found.filter(({ sk }) => after === undefined || isAfter(sk)).slice(0, query.limit);
}

function isSame(a: Item | undefined, b: Item | undefined): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, sorted(each)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
