import { definition } from "./definition.ts";
import type { Condition, Query } from "./item.ts";
import { type MarshalledAttribute, marshal } from "./marshal.ts";

/** The last of all characters: `prefix` + LAST is after everything that begins with `prefix`. */
const LAST = "\u{10FFFF}";

/** The names and values that one request's expressions share, behind #n and :v. */
export function placeholders() {
  const names = new Map<string, string>();
  const values: Record<string, MarshalledAttribute> = {};
  const segment = (name: string): string => {
    const known = names.get(name) ?? `#${names.size}`;
    names.set(name, known);
    return known;
  };
  return {
    /** A path such as `push.id`, each step behind a placeholder: many good names are reserved words. */
    path: (path: string): string => path.split(".").map(segment).join("."),
    value: (value: unknown): string => {
      const key = `:${Object.keys(values).length}`;
      values[key] = marshal(value);
      return key;
    },
    /** DynamoDB refuses empty maps and placeholders that nothing uses. */
    fields: () => ({
      ...(names.size > 0
        ? {
            ExpressionAttributeNames: Object.fromEntries(
              [...names].map(([name, key]) => [key, name]),
            ),
          }
        : {}),
      ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: values } : {}),
    }),
  };
}
export type Placeholders = ReturnType<typeof placeholders>;

/** A condition in DynamoDB's language. */
export function conditionText(condition: Condition, { path, value }: Placeholders): string {
  const present = (name: string) => `attribute_exists(${path(name)})`;
  const absent = (name: string) => `attribute_not_exists(${path(name)})`;
  if ("exists" in condition) {
    return condition.exists ? present(definition.hashKey) : absent(definition.hashKey);
  }
  if ("absentOrHas" in condition) {
    return `${absent(definition.hashKey)} OR ${present(condition.absentOrHas)}`;
  }
  return Object.entries(condition.equals)
    .map(([name, wanted]) =>
      wanted === undefined ? absent(name) : `${path(name)} = ${value(wanted)}`,
    )
    .join(" AND ");
}

/** SET for what has a value, REMOVE for what is undefined; undefined when there is neither. */
export function updateText(
  set: Record<string, unknown>,
  { path, value }: Placeholders,
): string | undefined {
  const entries = Object.entries(set);
  const sets = entries
    .filter(([, to]) => to !== undefined)
    .map(([name, to]) => `${path(name)} = ${value(to)}`);
  const removes = entries.filter(([, to]) => to === undefined).map(([name]) => path(name));
  const parts = [
    ...(sets.length > 0 ? [`SET ${sets.join(", ")}`] : []),
    ...(removes.length > 0 ? [`REMOVE ${removes.join(", ")}`] : []),
  ];
  return parts.length > 0 ? parts.join(" ") : undefined;
}

/**
 * The key condition of a query. DynamoDB takes one condition on the sort key, so `prefix` and `after`
 * together become BETWEEN, which includes `after` itself: the caller drops it. Undefined: nothing can match.
 */
export function keyText(query: Query, { path, value }: Placeholders): string | undefined {
  const { hashKey, rangeKey } = query.index ? definition.index : definition;
  const partition = `${path(hashKey)} = ${value(query.pk)}`;
  const { prefix, after, descending } = query;
  if (prefix === undefined && after === undefined) return partition;
  const sort = path(rangeKey);
  if (after === undefined) return `${partition} AND begins_with(${sort}, ${value(prefix)})`;
  if (prefix === undefined) {
    return `${partition} AND ${sort} ${descending ? "<" : ">"} ${value(after)}`;
  }
  const first = !descending && after > prefix ? after : prefix;
  const last = descending && after < prefix + LAST ? after : prefix + LAST;
  if (first > last) return undefined;
  return `${partition} AND ${sort} BETWEEN ${value(first)} AND ${value(last)}`;
}
