import type { CloudName, Time } from "../cloud/schema.ts";
import { Seen } from "../cloud/schema.ts";
import type { Event } from "../event/schema.ts";
import { Share, Stack, type StackName, Status } from "../stack/schema.ts";
import { wake } from "./clouds.ts";
import { eventPut } from "./events.ts";
import type { Condition, Table } from "./item.ts";
import { keys, partitions } from "./keys.ts";
import { itemFor, parseAll, parseIf } from "./parse.ts";
import { shareTable } from "./shares.ts";

/** One stack in one cloud. */
export type Place = { stack_name: StackName; cloud: CloudName };
/** The declaration that a change was made from; undefined: there was none. */
export type Previous = Pick<Stack, "uid" | "generation"> | undefined;

/** What the table keeps of stacks: declarations, and where reconcile stands with them. */
export function stackTable(table: Table) {
  return {
    ...shareTable(table),
    /** The declaration, or the tombstone that a DELETE left. */
    readStack: async (name: StackName): Promise<Stack | undefined> =>
      parseIf(Stack, await table.get(keys.stack(name))),
    /** By name, after `marker`, tombstones left out. `next` is the last name when there are more. */
    listStacks: async (page: {
      limit: number;
      marker?: string | undefined;
    }): Promise<{ stacks: Stack[]; next?: StackName }> => {
      const stacks = await declared(table, page);
      const last = stacks.slice(0, page.limit).at(-1);
      return stacks.length > page.limit && last !== undefined
        ? { stacks: stacks.slice(0, page.limit), next: last.stack_name }
        : { stacks };
    },
    /** The names of the stacks that weigh any of these clouds. */
    listStacksWeighing: async (clouds: CloudName[]): Promise<StackName[]> => {
      const stacks = parseAll(Stack, await table.query({ pk: partitions.stack }));
      return stacks
        .filter(({ weights }) => clouds.some((cloud) => Object.hasOwn(weights, cloud)))
        .map(({ stack_name }) => stack_name);
    },
    /**
     * A declaration (or tombstone) with its event, on the condition that the one it was made from is
     * still there. False: somebody else wrote first.
     */
    saveStack: (write: { stack: Stack; previous: Previous; event: Event }): Promise<boolean> => {
      const { stack, previous, event } = write;
      const when: Condition =
        previous === undefined
          ? { exists: false }
          : { equals: { uid: previous.uid, generation: previous.generation } };
      const put = itemFor(keys.stack(stack.stack_name), stack);
      return table.transact([{ put, when }, eventPut(event)]);
    },
    /** Has a stack looked at; `asked_at` says that a person asked. */
    wake: (name: StackName, at: Time, asked_at?: Time): Promise<void> =>
      wake(table, name, at, asked_at),
    /** Those that exist, in no order. */
    readStatuses: async (names: StackName[]): Promise<Status[]> =>
      parseAll(Status, await table.getMany(names.map(keys.status))),
    /** Those that exist, in no order. */
    readShares: async (places: Place[]): Promise<Share[]> => {
      const wanted = places.map(({ stack_name, cloud }) => keys.share(stack_name, cloud));
      return parseAll(Share, await table.getMany(wanted));
    },
    /** What Heat last said, where it said anything; in no order. */
    readSeenAt: async (places: Place[]): Promise<Seen[]> => {
      const wanted = places.map(({ stack_name, cloud }) => keys.seen(cloud, stack_name));
      return parseAll(Seen, await table.getMany(wanted));
    },
  };
}

/** One more than the limit, to know whether there is a next page; tombstones do not count. */
async function declared(
  table: Table,
  { limit, marker }: { limit: number; marker?: string | undefined },
): Promise<Stack[]> {
  const stacks: Stack[] = [];
  let after = marker;
  while (stacks.length <= limit) {
    const wanted = limit + 1 - stacks.length;
    const items = await table.query({
      pk: partitions.stack,
      limit: wanted,
      ...(after === undefined ? {} : { after }),
    });
    stacks.push(...parseAll(Stack, items).filter(({ deleted_at }) => deleted_at === undefined));
    if (items.length < wanted) break;
    after = items.at(-1)?.sk;
  }
  return stacks;
}
