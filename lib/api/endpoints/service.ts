import * as z from "zod";
import { type Endpoint, nothing } from "../endpoint.ts";
import { Health, Whoami } from "../schema.ts";

/** The API about itself: here are the only endpoints without a token. */
export const serviceEndpoints = {
  getOpenapi: {
    method: "GET",
    path: "/v1/openapi.json",
    tag: "service",
    summary: "This API as an OpenAPI 3.1 document",
    role: "none",
    params: nothing,
    query: nothing,
    reply: z.looseObject({ openapi: z.string() }),
    errors: [],
  },
  getDocs: {
    method: "GET",
    path: "/v1/docs",
    tag: "service",
    summary: "This API as a page to read",
    role: "none",
    params: nothing,
    query: nothing,
    reply: z.string(),
    media: "text/html",
    errors: [],
  },
  getHealth: {
    method: "GET",
    path: "/v1/healthz",
    tag: "service",
    summary: "Whether the API answers",
    role: "none",
    params: nothing,
    query: nothing,
    reply: Health,
    errors: [],
  },
  getWhoami: {
    method: "GET",
    path: "/v1/whoami",
    tag: "service",
    summary: "Whose token this is, and what it may do",
    role: "anybody",
    params: nothing,
    query: nothing,
    reply: Whoami,
    errors: [],
  },
} as const satisfies Record<string, Endpoint>;
