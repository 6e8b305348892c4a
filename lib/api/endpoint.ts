import * as z from "zod";
import { CloudName, Time } from "../cloud/schema.ts";
import type { ErrorCode } from "../error.ts";
import { StackName } from "../stack/schema.ts";

/** A reader sees, an operator also writes; a vantage only votes. `none` asks for no token. */
export const Role = z.enum(["reader", "operator", "vantage"]);
export type Role = z.infer<typeof Role>;

export type Endpoint = {
  method: "GET" | "PUT" | "PATCH" | "POST" | "DELETE";
  path: `/${string}`;
  tag: "stacks" | "clouds" | "vantages" | "events" | "service" | "legacy";
  summary: string;
  description?: string;
  /** `anybody` has a token of any role; `vantage` is for that role alone: people do not vote. */
  role: "none" | "anybody" | Role;
  params: z.ZodObject;
  query: z.ZodObject;
  body?: z.ZodType;
  /** A body to show in the documentation. */
  example?: unknown;
  reply: z.ZodType;
  /** 200 unless said; the first is what the client expects of a fresh call. */
  statuses?: readonly number[];
  /** Other than application/json. */
  media?: "text/html";
  /** Honours If-Match, and PUT of a stack also If-None-Match. */
  conditional?: true;
  /** What it may answer besides the errors that any call of its kind may get. */
  errors: readonly ErrorCode[];
};

/**
 * 400 is for what cannot be understood (no JSON, a wrong type, an unknown or missing field, a bad
 * name or parameter in the URL); 422 for what can, but is not acceptable (out of range, a cloud
 * that the deployment does not know, weights over 1).
 */
export const nothing = z.strictObject({});
export const ofStack = z.strictObject({ stack_name: StackName });
export const ofWeight = z.strictObject({ stack_name: StackName, cloud: CloudName });
export const ofCloud = z.strictObject({ cloud: CloudName });

const markerText = "a marker is the `next` of the page before";
const limit = z.coerce.number<string | number>().int().min(1).max(1000).default(100);
/** DynamoDB refuses to look after an empty name. */
export const byName = z.strictObject({
  limit,
  marker: z.string().min(1, markerText).max(255, markerText).optional(),
});
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
export const ofEvent = z.strictObject({
  id: z
    .string()
    .regex(ULID, "an event's id is 26 capital letters and digits, as the list of events gives it"),
});
export const history = z.strictObject({
  since: z.iso
    .datetime({ offset: true, error: "since is a time such as 2026-01-31T12:00:00Z" })
    .transform((time, context) => {
      const parsed = Time.safeParse(new Date(time).toISOString());
      if (parsed.success) return parsed.data;
      // In UTC it may be of the year 10000, or of -1, for which a Time has no digits.
      context.addIssue("since is of a year from 0000 to 9999 in UTC");
      return z.NEVER;
    })
    .optional(),
  limit,
  marker: z
    .string()
    .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, markerText)
    .optional(),
  evidence: z.enum(["true", "false"], "evidence is true or false").default("false"),
});

type Body<E extends Endpoint, Side extends "input" | "output"> = E extends {
  body: infer B extends z.ZodType;
}
  ? { body: Side extends "input" ? z.input<B> : z.output<B> }
  : unknown;

/** zod's type of an object without keys allows no other key beside it, not even `query`. */
type Params<E extends Endpoint> = keyof E["params"]["shape"] extends never
  ? unknown
  : z.input<E["params"]>;

/** What a client passes: path parameters, query and body before defaults, and the generation it must still have. */
export type Call<E extends Endpoint> = Params<E> &
  Body<E, "input"> &
  (E extends { conditional: true } ? { ifMatch?: number; ifNoneMatch?: "*" } : unknown) & {
    query?: z.input<E["query"]>;
  };

/** If-Match as generations, `*` as "any"; `absent` is If-None-Match: *. */
export type Precondition = { generations?: number[] | "any"; absent?: true };

/** What a handler gets: parsed, with defaults, branded. */
export type Input<E extends Endpoint> = {
  params: z.output<E["params"]>;
  query: z.output<E["query"]>;
  precondition: Precondition;
  /** Who calls, for events and logs. */
  who: string;
  /** Of who calls; a reader's where no token is needed. */
  role: Role;
} & Body<E, "output">;

export type Reply<E extends Endpoint> = z.output<E["reply"]>;

/** A reply with its status (200 unless said) and headers of its own. */
export type Answer<E extends Endpoint> = {
  reply: Reply<E>;
  status?: number;
  headers?: Record<string, string>;
};
