import { type Endpoint, history, nothing, ofCloud, ofEvent, ofStack } from "../endpoint.ts";
import { EventDetail, EventList } from "../schema.ts";

/** What happened, kept for 30 days. */
export const eventEndpoints = {
  listStackEvents: {
    method: "GET",
    path: "/v1/stacks/{stack_name}/events",
    tag: "events",
    summary: "The history of a stack, newest first; also for 30 days after its deletion",
    role: "reader",
    params: ofStack,
    query: history,
    reply: EventList,
    errors: ["stack.missing"],
  },
  listEvents: {
    method: "GET",
    path: "/v1/events",
    tag: "events",
    summary: "What happened, newest first",
    description:
      "Up to 30 days back. `since` is the oldest time wanted. With `evidence=true` each event carries what its decision rested on, and a page has at most 50.",
    role: "reader",
    params: nothing,
    query: history,
    reply: EventList,
    errors: [],
  },
  showEvent: {
    method: "GET",
    path: "/v1/events/{id}",
    tag: "events",
    summary: "An event with its evidence, and the story of it in sentences",
    description:
      "What `judge` or `allocate` was given, so that the same verdict or the same shares follow from it again; who saw what since when, which rule decided, and what it brought about.",
    role: "reader",
    params: ofEvent,
    query: nothing,
    reply: EventDetail,
    errors: ["event.missing"],
  },
  listCloudEvents: {
    method: "GET",
    path: "/v1/clouds/{cloud}/events",
    tag: "events",
    summary: "The history of a cloud, newest first",
    role: "reader",
    params: ofCloud,
    query: history,
    reply: EventList,
    errors: ["cloud.missing"],
  },
} as const satisfies Record<string, Endpoint>;
