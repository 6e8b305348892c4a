import type { ProbeDeps } from "../cloud/deps.ts";
import { Seen, type Time } from "../cloud/schema.ts";
import { Share, StackName } from "../stack/schema.ts";
import type { Table } from "./item.ts";
import { keys, ofCloud } from "./keys.ts";
import { itemFor, parseAll } from "./parse.ts";

/** What Heat last said of our stacks, and what it was last asked to do. */
export function seenTable(table: Table): Pick<ProbeDeps, "readSeen" | "readPushes" | "saveSeen"> {
  return {
    readSeen: async (cloud) =>
      parseAll(Seen, await table.query({ pk: ofCloud(cloud), prefix: "SEEN#" })),
    readPushes: async (cloud, stackNames) => {
      const wanted = stackNames.map((name) => keys.share(StackName.parse(name), cloud));
      const shares = parseAll(Share, await table.getMany(wanted));
      return new Map(shares.flatMap(({ stack_name, push }) => (push ? [[stack_name, push]] : [])));
    },
    saveSeen: (seen, previousReadAt) => saveSeen(table, seen, previousReadAt),
  };
}

/**
 * A full read of a heat stack, understood with the reading of `previousReadAt` (undefined: with none):
 * what is in place follows from both. False: another one is there by now.
 */
export function saveSeen(
  table: Table,
  seen: Seen,
  previousReadAt: Time | undefined,
): Promise<boolean> {
  const put = itemFor(keys.seen(seen.cloud, seen.stack_name), seen);
  return table.write({ put, when: { equals: { read_at: previousReadAt } } });
}
