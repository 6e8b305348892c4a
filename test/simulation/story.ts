import type { Item } from "../../lib/table/item.ts";
import type { WatcherOf } from "./monitor.ts";

/** Tells, line by line, what was written, and what each Heat was asked to do: for a person who wonders. */
export function story(print: (line: string) => void): WatcherOf {
  return (one) => {
    const tell = (...words: unknown[]) =>
      print([one.time.now().toISOString().slice(11), ...words].join(" "));
    return {
      committed: (owner, changes) => {
        for (const { key, before, after } of changes) {
          if (key.sk.startsWith("VOTE#") || key.sk.startsWith("EVENT#")) continue;
          const what = after ? JSON.stringify(moved(before, after)).slice(0, 700) : "removed";
          tell(owner?.name ?? "somebody", key.pk, key.sk, what);
        }
      },
      patch: (owner, cloud, { count }, stack) => {
        const was = `${stack?.status} with ${stack?.runs}`;
        tell(owner?.name ?? "(given up on)", "PATCH", cloud, stack?.name, count, "was", was);
      },
    };
  };
}

function moved(before: Item | undefined, after: Item): Record<string, unknown> {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after)])];
  const isMoved = (name: string) => JSON.stringify(before?.[name]) !== JSON.stringify(after[name]);
  const told = names.filter((name) => !["votes", "conditions"].includes(name) && isMoved(name));
  return Object.fromEntries(told.map((name) => [name, after[name] ?? null]));
}
