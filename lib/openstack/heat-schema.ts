import * as z from "zod";
import type { HeatStack } from "../cloud/schema.ts";
import { listOf } from "./answers.ts";

/** A page has 500 at most; a Heat that heeds no limit gives all that a project has. */
const MOST_STACKS = 10_000;

/** One line of the list, in our words; times stay as Heat has them. */
const Item = z
  .object({
    /** It goes into paths. */
    id: z.string().regex(/^[\w-]+$/),
    stack_name: z.string().min(1),
    stack_status: z.string(),
    stack_status_reason: z.string().nullish(),
    creation_time: z.string(),
    updated_time: z.string().nullish(),
  })
  .transform(
    (item): HeatStack => ({
      heat_stack_id: item.id,
      stack_name: item.stack_name,
      heat_status: item.stack_status,
      reason: withoutTraceback(item.stack_status_reason ?? ""),
      creation_time: item.creation_time,
      updated_time: item.updated_time ?? null,
    }),
  );

/** What an engine passes on of another's failure has Python's call stack behind it (oslo.messaging). */
function withoutTraceback(reason: string): string {
  return reason.replace(/\s*\nTraceback \(most recent call last\):[\s\S]*$/, "");
}

/** Of the link to the next page only the marker counts: its host and scheme are how Heat sees itself. */
const Link = z.object({ rel: z.string(), href: z.string() });

/** `GET /stacks`. */
export const StackList = z
  .object({ stacks: listOf(Item, MOST_STACKS), links: listOf(Link, 100).default([]) })
  .transform(({ stacks, links }) => {
    const next = links.find(({ rel }) => rel === "next");
    const marker = next && new URLSearchParams(next.href.replace(/^[^?]*/, "")).get("marker");
    return { stacks, ...(marker ? { marker } : {}) };
  });

/** `GET /stacks/{name}/{id}`: parameters are strings already, but for what a plugin may add. */
export const ShownStack = z.object({
  stack: z.intersection(
    Item,
    z
      .object({ parameters: z.custom<object>(isObject), timeout_mins: z.number().nullish() })
      .transform(({ parameters, timeout_mins }) => ({
        parameters: new Map(
          Object.entries(parameters).map(([name, value]) => [
            name,
            typeof value === "string" ? value : JSON.stringify(value),
          ]),
        ),
        timeout_mins: timeout_mins ?? null,
      })),
  ),
});

/** `GET /stacks/{name}/{id}/events`. */
export const EventList = z.object({
  events: listOf(z.object({ event_time: z.string() }), 1_000),
});

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
