import type { CloudName, Time } from "../cloud/schema.ts";
import { Event } from "../event/schema.ts";
import type { StackName } from "../stack/schema.ts";
import type { Item, Query, Table, Write } from "./item.ts";
import { keys, ofCloud, ofStack } from "./keys.ts";
import { itemFor, parseAll } from "./parse.ts";

const DAY_MS = 86_400_000;
const KEPT_DAYS = 30;
/** Clocks of two machines may differ by so much. */
const SKEW_MS = 60_000;
const PREFIX = "EVENT#";
const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Which part of a history: not older than `since`, at most `limit`, older than the event `marker`. */
export type History = { since?: Time | undefined; limit: number; marker?: string | undefined };
/** Newest first. `next` is the marker of the following page; without it this was the last. */
export type EventPage = { events: Event[]; next?: string };

/** The put of an event: with the day that the index finds it by, and 30 days to live. */
export function eventPut(event: Event): Write {
  const day = dayOf(timeOf(event.id));
  return { put: itemFor(keys.event(event), { ...event, day, expires_at: expiry(event.at) }) };
}

/** Thirty days after `at`, in epoch seconds. */
export function expiry(at: Time): number {
  return Math.ceil((Date.parse(at) + KEPT_DAYS * DAY_MS) / 1000);
}

/** Histories of stacks, of clouds, and of everything. */
export function eventTable(table: Table) {
  /** One more than asked for, to know whether there is a next page. */
  const query = (where: Pick<Query, "pk" | "index">, { marker }: History, limit: number) =>
    table.query({
      ...where,
      prefix: PREFIX,
      descending: true,
      limit,
      ...(marker === undefined ? {} : { after: `${PREFIX}${marker}` }),
    });
  const listOf = async (pk: string, history: History): Promise<EventPage> =>
    pageOf(await query({ pk }, history, history.limit + 1), history);
  return {
    /** Of one stack, its deleted namesakes included. */
    listStackEvents: (name: StackName, history: History) => listOf(ofStack(name), history),
    /** By its id, through the index: there a moment after its fact, and for 30 days. */
    readEvent: async (id: string): Promise<Event | undefined> => {
      const where = { pk: dayOf(timeOf(id)), index: true, prefix: `${PREFIX}${id}` } as const;
      const [found] = parseAll(Event, await table.query({ ...where, limit: 1 }));
      return found;
    },
    /** What happened next, the oldest first: to everything that day and the day after, at most so many. */
    listLaterEvents: async (id: string, { limit }: { limit: number }): Promise<Event[]> => {
      const after = `${PREFIX}${id}`;
      const days = [timeOf(id), timeOf(id) + DAY_MS].map(dayOf);
      const later: Item[] = [];
      for (const pk of days) {
        const missing = limit - later.length;
        later.push(
          ...(await table.query({ pk, index: true, prefix: PREFIX, after, limit: missing })),
        );
      }
      return parseAll(Event, later);
    },
    /** Of one cloud: its verdicts, and what people ordered. */
    listCloudEvents: (cloud: CloudName, history: History) => listOf(ofCloud(cloud), history),
    /**
     * Of everything, from `now` at most 30 days back, one day of the index at a time: eventually
     * consistent, so an event may show up a moment later than its fact.
     */
    listEvents: async (history: History & { now: Date }): Promise<EventPage> => {
      const { now, since, limit, marker } = history;
      // A marker of the future would mean a query for each of its days.
      const latest = now.getTime() + SKEW_MS;
      const newest = marker === undefined ? latest : Math.min(latest, timeOf(marker));
      const kept = now.getTime() - KEPT_DAYS * DAY_MS;
      const oldest = Math.max(kept, since === undefined ? kept : Date.parse(since) - SKEW_MS);
      const items: Item[] = [];
      for (let day = newest; dayOf(day) >= dayOf(oldest) && items.length <= limit; day -= DAY_MS) {
        const missing = limit + 1 - items.length;
        items.push(...(await query({ pk: dayOf(day), index: true }, history, missing)));
      }
      return pageOf(items, history);
    },
  };
}

function pageOf(items: Item[], { since, limit }: History): EventPage {
  const shown = items.slice(0, limit);
  const events = parseAll(Event, shown).filter(({ at }) => since === undefined || at >= since);
  const last = shown.at(-1)?.sk.slice(PREFIX.length);
  if (last === undefined || items.length <= limit) return { events };
  // What comes before the last one is older still, but for the moment between an id and its time.
  if (since !== undefined && timeOf(last) < Date.parse(since) - SKEW_MS) return { events };
  return { events, next: last };
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** The time in a ULID, in epoch milliseconds: its first ten letters, in Crockford's base 32. */
function timeOf(ulid: string): number {
  const digits = [...ulid.slice(0, 10)].map((letter) => CROCKFORD.indexOf(letter));
  if (ulid.length !== 26 || digits.includes(-1)) throw new TypeError(`${ulid} is not a ULID`);
  return digits.reduce((time, digit) => time * 32 + digit, 0);
}
