import type * as z from "zod";
import type { Item, Key } from "./item.ts";

/** The one version of items there is. */
export const schema = 1;

/** An item for the table: its key, the version, and the object as it is. */
export function itemFor(key: Key, object: Record<string, unknown>): Item {
  return { ...object, ...key, schema };
}

/** What an item holds. Throws, naming the item, when it is not what we write. */
export function parse<T extends z.ZodType>(type: T, item: Item): z.output<T> {
  if (item.schema !== schema) throw new Error(`${item.pk} / ${item.sk} has an unknown schema`);
  const parsed = type.safeParse(item);
  if (parsed.success) return parsed.data;
  throw new Error(`${item.pk} / ${item.sk} cannot be read`, { cause: parsed.error });
}

/** {@link parse}, of an item that may not be there. */
export function parseIf<T extends z.ZodType>(
  type: T,
  item: Item | undefined,
): z.output<T> | undefined {
  return item === undefined ? undefined : parse(type, item);
}

/** All that can be read: one bad item stands in nobody's way (DESIGN 1.9). Its own stack's reads throw. */
export function parseAll<T extends z.ZodType>(type: T, items: Item[]): z.output<T>[] {
  return items.flatMap((item) => {
    const parsed = item.schema === schema ? type.safeParse(item) : undefined;
    return parsed?.success ? [parsed.data] : [];
  });
}
