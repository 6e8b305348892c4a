import type { Board, ProbeDeps } from "../cloud/deps.ts";
import {
  type CloudName,
  CloudOrders,
  Testimony,
  type Time,
  Vantage,
  Verdict,
  Vote,
} from "../cloud/schema.ts";
import type { Event } from "../event/schema.ts";
import { Stack, type StackName, Status } from "../stack/schema.ts";
import { eventPut, expiry } from "./events.ts";
import type { Condition, Key, Table, Write } from "./item.ts";
import { keys, ofCloud, partitions } from "./keys.ts";
import { itemFor, parseAll, parseIf, schema } from "./parse.ts";
import { seenTable } from "./seen.ts";
import { vantageTable } from "./vantages.ts";

/** DynamoDB's limit of a transaction. */
const TRANSACTION = 100;

/** What the table keeps of clouds: verdicts, votes, orders and vantages, and what was seen there. */
export function cloudTable(table: Table) {
  const list = (pk: string, prefix?: string) =>
    table.query({ pk, ...(prefix === undefined ? {} : { prefix }) });
  const withEvents = (write: Write, events: Event[]) =>
    events.length === 0 ? table.write(write) : table.transact([write, ...events.map(eventPut)]);
  const readJudged = async () => {
    const [verdicts, orders, vantages] = await Promise.all([
      list(partitions.verdict),
      list(partitions.cloud),
      list(partitions.vantage),
    ]);
    return {
      verdicts: parseAll(Verdict, verdicts),
      orders: parseAll(CloudOrders, orders),
      vantages: parseAll(Vantage, vantages),
    };
  };
  const ofProbe = {
    readJudged,
    readBoard: async (): Promise<Board> => {
      const [stacks, statuses, judged] = await Promise.all([
        list(partitions.stack),
        list(partitions.status),
        readJudged(),
      ]);
      return { stacks: parseAll(Stack, stacks), statuses: parseAll(Status, statuses), ...judged };
    },
    readVotes: async (clouds, vantages) => {
      const wanted = clouds.flatMap((cloud) => vantages.map((of) => keys.vote(cloud, of)));
      return parseAll(Vote, await table.getMany(wanted));
    },
    saveVote: (vote, previousAt) =>
      table.write(putIfStill(keys.vote(vote.cloud, vote.vantage), vote, previousAt)),
    saveVerdict: (...write) => saveVerdict(table, ...write),
    removeVerdict: (cloud, previousAt, events) =>
      withEvents({ remove: keys.verdict(cloud), when: { equals: { at: previousAt } } }, events),
    registerVantage: (vantage, events) => {
      const put = itemFor(keys.vantage(vantage.vantage), vantage);
      return withEvents({ put, when: { exists: false } }, events);
    },
    ...seenTable(table),
    readTestimonies: async (cloud) => parseAll(Testimony, await list(ofCloud(cloud), "WITNESS#")),
    saveTestimony: (testimony, previousAt, events) => {
      // Of a witness that is asked no more, or of a stack that is gone, nobody else cleans up.
      const object = { ...testimony, expires_at: expiry(testimony.at) };
      const key = keys.witness(testimony.cloud, testimony.stack_name);
      return withEvents(putIfStill(key, object, previousAt), events);
    },
    wake: (name: StackName, at: Time, asked_at?: Time) => wake(table, name, at, asked_at),
  } satisfies Partial<ProbeDeps>;
  return {
    ...ofProbe,
    /** Of every cloud that the deployment knows. */
    listVerdicts: async (): Promise<Verdict[]> => parseAll(Verdict, await list(partitions.verdict)),
    /** What people ordered, wherever they did. */
    listOrders: async (): Promise<CloudOrders[]> =>
      parseAll(CloudOrders, await list(partitions.cloud)),
    readVerdict: async (cloud: CloudName): Promise<Verdict | undefined> =>
      parseIf(Verdict, await table.get(keys.verdict(cloud))),
    readOrders: async (cloud: CloudName): Promise<CloudOrders | undefined> =>
      parseIf(CloudOrders, await table.get(keys.cloud(cloud))),
    /** All votes on a cloud, whoever cast them. */
    listVotes: async (cloud: CloudName): Promise<Vote[]> =>
      parseAll(Vote, await list(ofCloud(cloud), "VOTE#")),
    /**
     * With its events, on the condition that the orders are still those of `previousAt`, and those
     * for other clouds of these times (undefined: that there are none).
     */
    saveOrders: (...write: Parameters<SaveOrders>): Promise<boolean> => saveOrders(table, ...write),
    ...vantageTable(table),
  };
}

/**
 * Has a stack looked at. `asked_at` is kept when a wake without one follows; a wake that nobody
 * repeats is gone after 30 days.
 */
export async function wake(
  table: Table,
  name: StackName,
  at: Time,
  asked_at?: Time,
): Promise<void> {
  const asked = asked_at === undefined ? {} : { asked_at };
  const set = { schema, at, expires_at: expiry(at), ...asked };
  await table.write({ update: keys.wake(name), set });
}

/** With its events, while the others stand: of more clouds than a transaction holds, the first ones must do. */
function saveVerdict(
  table: Table,
  ...[verdict, previousAt, events, others = new Map()]: Parameters<ProbeDeps["saveVerdict"]>
): Promise<boolean> {
  const put = putIfStill(keys.verdict(verdict.cloud), verdict, previousAt);
  const checks = [...others]
    .filter(([cloud]) => cloud !== verdict.cloud)
    .map(([cloud, at]): Write => ({ check: keys.verdict(cloud), when: { equals: { at } } }));
  const writes = [put, ...events.map(eventPut), ...checks].slice(0, TRANSACTION);
  return writes.length === 1 ? table.write(put) : table.transact(writes);
}

type SaveOrders = (
  orders: CloudOrders,
  previousAt: Time | undefined,
  events: Event[],
  others?: ReadonlyMap<CloudName, Time | undefined>,
) => Promise<boolean>;

function saveOrders(
  table: Table,
  ...[orders, previousAt, events, others = new Map()]: Parameters<SaveOrders>
): Promise<boolean> {
  const put = putIfStill(keys.cloud(orders.cloud), orders, previousAt);
  const checks = [...others].map(
    ([cloud, at]): Write => ({ check: keys.cloud(cloud), when: still(at) }),
  );
  const writes = [put, ...events.map(eventPut), ...checks].slice(0, TRANSACTION);
  return writes.length === 1 ? table.write(put) : table.transact(writes);
}

function putIfStill(key: Key, object: { at: Time }, previousAt: Time | undefined): Write {
  return { put: itemFor(key, object), when: still(previousAt) };
}

function still(at: Time | undefined): Condition {
  return at === undefined ? { exists: false } : { equals: { at } };
}
