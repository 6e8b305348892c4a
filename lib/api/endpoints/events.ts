import { type Endpoint, history, nothing, ofCloud, ofStack } from "../endpoint.ts";
import { EventList } from "../schema.ts";

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
    description: "Up to 30 days back. `since` is the oldest time wanted.",
    role: "reader",
    params: nothing,
    query: history,
    reply: EventList,
    errors: [],
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
