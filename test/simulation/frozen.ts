import { Share } from "../../lib/stack/schema.ts";
import type { Committed } from "../support/memory-table.ts";
import type { Owner } from "../support/scheduler.ts";

/** The time that a run had stood still, in all, when it wrote a push down. */
type Written = { owner: Owner; place: string; count: number; stalledMs: number };

/**
 * Which PATCHes were sent by a run that stood still since it had written them down: Heat knows no
 * fence, so they come late, whatever became of the push meanwhile.
 */
export function frozenSends() {
  const written: Written[] = [];
  const placeOf = (cloud: string, stack: string) => `${cloud}/${stack}`;
  return {
    committed: (owner: Owner | undefined, { key, before, after }: Committed): void => {
      if (!owner || !after || !key.sk.startsWith("SHARE#")) return;
      const { push, cloud, stack_name } = Share.parse(after);
      if (!push || (before && Share.parse(before).push?.id === push.id)) return;
      const { stalledMs } = owner;
      written.push({ owner, place: placeOf(cloud, stack_name), count: push.count, stalledMs });
    },
    isOne: (owner: Owner, cloud: string, stack: string, count: number): boolean =>
      written.some(
        (each) =>
          each.owner === owner &&
          each.place === placeOf(cloud, stack) &&
          each.count === count &&
          each.stalledMs < owner.stalledMs,
      ),
  };
}
