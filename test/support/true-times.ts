import type { Seen } from "../../lib/cloud/schema.ts";
import type { Push } from "../../lib/stack/schema.ts";
import type { Committed } from "./memory-table.ts";
import type { Owner } from "./scheduler.ts";

/**
 * When things really happened that the table's items date by the clock of whoever wrote them. The
 * product never sees it.
 */
export function trueTimes() {
  const readings = new Map<string, number>();
  const pushes = new Map<string, number>();
  const keyOf = ({ cloud, stack_name }: Seen, time: string) => `${cloud}/${stack_name}/${time}`;
  const readAt = (seen: Seen, time: string) => readings.get(keyOf(seen, time)) ?? Date.parse(time);

  return {
    committed: (owner: Owner | undefined, changes: Committed[]): void => {
      const skewMs = owner?.skewMs ?? 0;
      for (const { key, after } of changes) {
        if (key.sk.startsWith("SEEN#") && after) {
          const seen = after as unknown as Seen;
          for (const time of [seen.complete_at, seen.read_at]) {
            const known = time && readings.has(keyOf(seen, time));
            if (time && !known) readings.set(keyOf(seen, time), Date.parse(time) - skewMs);
          }
        }
        const push = key.sk.startsWith("SHARE#") ? (after?.push as Push | undefined) : undefined;
        if (push && !pushes.has(push.id)) pushes.set(push.id, Date.parse(push.at) - skewMs);
      }
    },
    /** When the reading began. */
    read: (seen: Seen): number => readAt(seen, seen.read_at),
    /** When the newest reading began that found it COMPLETE. */
    complete: (seen: Seen): number | undefined =>
      seen.complete_at === undefined ? undefined : readAt(seen, seen.complete_at),
    /** When it was about to be written down. */
    pushed: ({ id, at }: Push): number => pushes.get(id) ?? Date.parse(at),
  };
}
