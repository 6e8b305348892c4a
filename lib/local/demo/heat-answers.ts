import { running, type SimulatedStack } from "./heat-stack.ts";
import type { Reply } from "./service.ts";

/** A deleted stack still answers by its id, and is in no list. */
export function isThere({ status }: SimulatedStack): boolean {
  return status !== "DELETE_COMPLETE";
}

/** A line of the list: no parameters, no outputs. */
export function summary(stack: SimulatedStack, url: string): Record<string, unknown> {
  return {
    id: stack.id,
    links: [{ href: url, rel: "self" }],
    stack_name: stack.name,
    description: "A simulated group of instances",
    stack_status: stack.status,
    stack_status_reason: stack.reason,
    creation_time: wholeSeconds(stack.createdAt),
    updated_time: stack.updatedAt === null ? null : wholeSeconds(stack.updatedAt),
    deletion_time: null,
    stack_owner: null,
    parent: null,
    stack_user_project_id: "simulated",
    tags: [],
  };
}

/** A stack in full. */
export function detail(
  stack: SimulatedStack,
  url: string,
  { projectId, isFull }: { projectId: string; isFull: boolean },
): Record<string, unknown> {
  const servers = Array.from({ length: running(stack, Date.now()) }, (_, n) => `server-${n}`);
  const outputs = [
    { output_key: "servers", description: "Their names", output_value: servers },
    { output_key: "count", description: "How many", output_value: servers.length },
  ];
  return {
    ...summary(stack, url),
    parameters: {
      "OS::stack_id": stack.id,
      "OS::project_id": projectId,
      "OS::stack_name": stack.name,
      ...Object.fromEntries(stack.parameters),
    },
    ...(isFull ? { outputs } : {}),
    disable_rollback: true,
    timeout_mins: 5,
    capabilities: [],
    notification_topics: [],
    template_description: "A simulated group of instances",
  };
}

/** Its history, as `sort_dir` and `limit` ask. */
export function events(stack: SimulatedStack, query: URLSearchParams): unknown {
  const all = query.get("sort_dir") === "desc" ? stack.events.toReversed() : stack.events;
  const limit = Number(query.get("limit") ?? all.length);
  return {
    events: all.slice(0, limit).map((event) => ({
      id: event.id,
      event_time: wholeSeconds(event.at),
      resource_name: stack.name,
      logical_resource_id: stack.name,
      physical_resource_id: stack.id,
      resource_status: event.status,
      resource_status_reason: event.reason,
      links: [],
    })),
  };
}

export const unauthorized: Reply = {
  status: 401,
  headers: { "www-authenticate": 'Keystone uri="http://127.0.0.1/v3"' },
  body: {
    error: {
      code: 401,
      title: "Unauthorized",
      message: "The request you have made requires authentication.",
    },
  },
};

/** By its name alone, a stack is somewhere else. */
export function moved(location: string): Reply {
  const body = {
    message: `The resource was found at ${location}`,
    code: "302 Found",
    title: "Found",
  };
  return { status: 302, headers: { location }, body };
}

export function missing(name: string): Reply {
  return fault(404, "EntityNotFound", `The Stack (${name}) could not be found.`);
}

/** An error in the shape of all of Heat's. */
export function fault(code: number, type: string, message: string): Reply {
  const title = { 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 409: "Conflict" }[code];
  const explanation = "The server could not comply with the request.";
  return {
    status: code,
    body: { code, title, explanation, error: { type, traceback: null, message } },
  };
}

function wholeSeconds(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}
