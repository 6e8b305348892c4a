import * as z from "zod";
import {
  detail,
  events,
  fault,
  isThere,
  missing,
  moved,
  summary,
  unauthorized,
} from "./heat-answers.ts";
import {
  beginDelete,
  beginUpdate,
  type SimulatedStack,
  settle,
  simulatedStack,
  type UpdateTime,
} from "./heat-stack.ts";
import type { Reply, Request } from "./service.ts";

const Parameters = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));
const Patch = z.object({ parameters: Parameters.default({}) });
const Creation = z.object({ stack_name: z.string(), parameters: Parameters.default({}) });
const DEFAULT_COUNT = "1";

export type Heat = {
  answer: (request: Request) => Reply;
  /** The stack of this name that is not deleted, as it is now. */
  find: (name: string) => SimulatedStack | undefined;
  add: (name: string, count: number) => SimulatedStack;
  /** Updates to more instances than this fail. */
  setMost: (most: number) => void;
};

type HeatOptions = {
  projectId: string;
  origin: () => string;
  isValid: (token: string | undefined) => boolean;
  updateTime: UpdateTime;
  onPatch: (name: string, count: number) => void;
};

/** One project's stacks, by id, oldest first. */
type Project = Omit<HeatOptions, "isValid"> & { stacks: Map<string, SimulatedStack>; most: number };

/**
 * Heat's API over stacks of one template, with one parameter that counts: answers as Heat 19 does,
 * its swallowed parameters, whole seconds and overtaking updates included.
 */
export function heat({ isValid, ...options }: HeatOptions): Heat {
  const project: Project = { ...options, stacks: new Map(), most: Number.POSITIVE_INFINITY };
  return {
    find: (name) => find(project, name),
    add: (name, count) => add(project, name, count),
    setMost: (most) => {
      project.most = most;
    },
    answer: (request) => {
      const [, version, projectId, kind, name, id, rest] = request.path.split("/");
      if (version === "") return { status: 300, body: { versions: [] } };
      const token = request.headers["x-auth-token"];
      if (!isValid(typeof token === "string" ? token : undefined)) return unauthorized;
      if (projectId !== project.projectId) {
        return fault(403, "HTTPForbidden", "Access was denied to this resource.");
      }
      if (version !== "v1" || kind !== "stacks") return notFound;
      if (name !== undefined) return named(project, request, { name, id, rest });
      return request.method === "POST" ? create(project, request) : list(project, request);
    },
  };
}

const notFound = fault(404, "HTTPNotFound", "The resource could not be found.");
const incomprehensible = fault(400, "HTTPBadRequest", "The server could not comply.");

/** All of them, as they are now. */
function current({ stacks }: Project): SimulatedStack[] {
  const now = Date.now();
  const all = [...stacks.values()];
  for (const stack of all) settle(stack, now);
  return all;
}

function find(project: Project, name: string): SimulatedStack | undefined {
  return current(project).find((stack) => stack.name === name && isThere(stack));
}

function add(project: Project, name: string, count: number): SimulatedStack {
  const stack = simulatedStack(name, count, Date.now());
  project.stacks.set(stack.id, stack);
  return stack;
}

function list(project: Project, { query }: Request): Reply {
  const limit = Number(query.get("limit") ?? Number.POSITIVE_INFINITY);
  if (Number.isNaN(limit)) return incomprehensible;
  const names = query.getAll("name");
  const listed = current(project)
    .filter((stack) => isThere(stack) && (names.length === 0 || names.includes(stack.name)))
    .reverse();
  // A marker that is gone gives the first page again.
  const from = listed.findIndex((stack) => stack.id === query.get("marker")) + 1;
  const page = listed.slice(from, from + limit);
  const last = page.at(-1);
  const isFull = page.length === limit && last !== undefined;
  const href = `${baseUrl(project)}?limit=${limit}&marker=${last?.id}`;
  return {
    status: 200,
    body: {
      stacks: page.map((stack) => summary(stack, urlOf(project, stack))),
      ...(isFull ? { links: [{ rel: "next", href }] } : {}),
    },
  };
}

function create(project: Project, { body }: Request): Reply {
  const wanted = Creation.safeParse(body);
  if (!wanted.success) return incomprehensible;
  const { stack_name: name, parameters } = wanted.data;
  const unknown = Object.keys(parameters).find((key) => !["count", "flavor"].includes(key));
  if (unknown !== undefined) {
    const message = `The Parameter (${unknown}) was not defined in template.`;
    return fault(400, "UnknownUserParameter", message);
  }
  if (find(project, name)) {
    return fault(409, "StackExists", `The Stack (${name}) already exists.`);
  }
  const stack = add(project, name, Number(parameters.count ?? DEFAULT_COUNT));
  const location = urlOf(project, stack);
  const links = [{ href: location, rel: "self" }];
  return { status: 201, headers: { location }, body: { stack: { id: stack.id, links } } };
}

function named(
  project: Project,
  request: Request,
  path: { name: string; id: string | undefined; rest: string | undefined },
): Reply {
  const { method, query } = request;
  const { name, id, rest } = path;
  if (id === undefined) {
    const newest = find(project, name) ?? current(project).findLast((stack) => stack.name === name);
    return newest ? moved(urlOf(project, newest)) : missing(name);
  }
  const stack = current(project).find((each) => each.id === id && each.name === name);
  if (!stack) return missing(name);
  if (method === "GET" && rest === undefined) {
    const isFull = query.get("resolve_outputs") !== "false";
    const { projectId } = project;
    return {
      status: 200,
      body: { stack: detail(stack, urlOf(project, stack), { projectId, isFull }) },
    };
  }
  if (method === "GET" && rest === "events") return { status: 200, body: events(stack, query) };
  if (stack.status === "DELETE_COMPLETE") return missing(name);
  if (method === "PATCH" && rest === undefined) return patch(project, stack, request);
  if (method !== "DELETE" || rest !== undefined) return notFound;
  beginDelete(stack, Date.now(), project.updateTime);
  return { status: 204 };
}

function patch(project: Project, stack: SimulatedStack, { body }: Request): Reply {
  if (stack.status === "DELETE_IN_PROGRESS") {
    const message = "Updating a stack when it is deleting is not supported.";
    return fault(400, "NotSupported", message);
  }
  const asked = Patch.safeParse(body);
  if (!asked.success) return incomprehensible;
  // What the template lacks is accepted, and ignored.
  const { count } = asked.data.parameters;
  const value = count === null ? DEFAULT_COUNT : String(count ?? stack.parameters.get("count"));
  const problem = countProblem(value);
  if (problem !== undefined) {
    const message = `Parameter 'count' is invalid: ${problem}`;
    return fault(400, "StackValidationFailed", message);
  }
  stack.parameters.set("count", value);
  beginUpdate(stack, Date.now(), project);
  project.onPatch(stack.name, Number(value));
  const message = "The request is accepted for processing.<br /><br />\n\n\n";
  return { status: 202, body: { message, code: "202 Accepted", title: "Accepted" } };
}

function countProblem(value: string): string | undefined {
  if (value.trim() === "" || Number.isNaN(Number(value))) {
    return `could not convert string to float: '${value}'`;
  }
  return Number(value) < 0 ? "count must be at least 0" : undefined;
}

function baseUrl({ origin, projectId }: Project): string {
  return `${origin()}/v1/${projectId}/stacks`;
}

function urlOf(project: Project, { name, id }: SimulatedStack): string {
  return `${baseUrl(project)}/${name}/${id}`;
}
