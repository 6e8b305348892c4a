import {
  type CloudName,
  CloudOrders,
  HOME,
  Vantage,
  type VantageName,
  Vote,
} from "../cloud/schema.ts";
import type { Event } from "../event/schema.ts";
import { eventPut } from "./events.ts";
import type { Table, Write } from "./item.ts";
import { keys, partitions } from "./keys.ts";
import { parseAll, parseIf } from "./parse.ts";

/** DynamoDB's limit of a transaction. */
const TRANSACTION = 100;

/** What the table keeps of the places that probe. */
export function vantageTable(table: Table) {
  return {
    listVantages: async (): Promise<Vantage[]> =>
      parseAll(Vantage, await table.query({ pk: partitions.vantage })),
    /** What a vote of this vantage on this cloud is counted with, in one read. */
    readVoting: async (cloud: CloudName, of: VantageName) => {
      const home = keys.vote(cloud, HOME);
      const own = keys.vote(cloud, of);
      const wanted = [keys.verdict(cloud), keys.cloud(cloud), keys.vantage(of), own, home];
      const items = await table.getMany(wanted);
      const item = ({ pk, sk }: { pk: string; sk: string }) =>
        items.find((found) => found.pk === pk && found.sk === sk);
      return {
        isKnown: item(keys.verdict(cloud)) !== undefined,
        orders: parseIf(CloudOrders, item(keys.cloud(cloud))),
        vantage: parseIf(Vantage, item(keys.vantage(of))),
        vote: parseIf(Vote, item(own)),
        home: parseIf(Vote, item(home)),
      };
    },
    /**
     * With its events and its votes, on the condition that it is there and each vote still this one. Of
     * more votes than a transaction holds the rest stays: who is not registered is not counted.
     */
    removeVantage: (vantage: VantageName, votes: Vote[], events: Event[]): Promise<boolean> => {
      const removals = votes.map(
        ({ cloud, at }): Write => ({
          remove: keys.vote(cloud, vantage),
          when: { equals: { at } },
        }),
      );
      const item: Write = { remove: keys.vantage(vantage), when: { exists: true } };
      return table.transact([item, ...events.map(eventPut), ...removals].slice(0, TRANSACTION));
    },
  };
}
