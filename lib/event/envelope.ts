import type { Event } from "./schema.ts";

/** EventBridge's `source` of our events. */
export const SOURCE = "heat-spreader";

/** What EventBridge hands a target, an API destination's endpoint say, of one of our events. */
export type Envelope = {
  version: "0";
  id: string;
  "detail-type": Event["type"];
  source: typeof SOURCE;
  account: string;
  time: string;
  region: string;
  resources: string[];
  detail: Announced;
};

/** An event as it is announced: its evidence stays in the table, where its id finds it. */
export type Announced = Omit<Event, "evidence">;

/** An event without its evidence: a bus takes 256 KB an entry. */
export function announced({ evidence: _, ...event }: Event): Announced {
  return event;
}

/**
 * The envelope as EventBridge makes it, for where there is none: no account, the region `local`, and
 * the event's own id, the same at every try. `time` has whole seconds, as there.
 */
export function envelope(event: Event): Envelope {
  return {
    version: "0",
    id: event.id,
    "detail-type": event.type,
    source: SOURCE,
    account: "000000000000",
    time: event.at.replace(/\.\d{3}Z$/, "Z"),
    region: "local",
    resources: [],
    detail: announced(event),
  };
}
