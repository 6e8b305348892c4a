import type { Client } from "../../api/client.ts";
import type { Event } from "../../event/schema.ts";
import { Failure } from "../failure.ts";

/** An id begins with its time, so that those of one hour look alike: its end tells it from others. */
const LETTERS = 6;
/** As many as one page of the API has. */
const NEWEST = 1000;

/** The end of an event's id, by which `explain` finds it. */
export function shortId({ id }: Pick<Event, "id">): string {
  return id.slice(-LETTERS);
}

/** Whether it may be the end of an id, of at least 6 characters. Capital letters. */
export function isShortId(text: string): boolean {
  return /^[0-9A-HJKMNP-TV-Z]{6,25}$/.test(text);
}

/** The whole id of the event, among the newest 1,000, whose id ends so. Throws a Failure unless it is one. */
export async function wholeId(client: Client, end: string): Promise<string> {
  const { events } = await client.listEvents({ query: { limit: NEWEST } });
  const [found, ...others] = events.map(({ id }) => id).filter((id) => id.endsWith(end));
  if (found === undefined) {
    throw new Failure(
      `There is no event ${end} among the newest ${NEWEST}. Of an older one give the whole id, as heat-spreader events -c id shows it; for the last one of a stack or cloud --stack or --cloud.`,
    );
  }
  if (others.length === 0) return found;
  throw new Failure(
    `${others.length + 1} events end in ${end}: ${[found, ...others].join(", ")}. Give more of the id.`,
  );
}
