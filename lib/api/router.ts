import { ControlError } from "../error.ts";
import { list } from "../event/words.ts";
import { type Contract, contract } from "./contract.ts";
import type { Endpoint } from "./endpoint.ts";

export type Route = {
  name: keyof Contract;
  endpoint: Endpoint;
  /** Path parameters, decoded, not yet parsed. */
  params: Record<string, string>;
};

const patterns = Object.entries(contract as Record<string, Endpoint>).map(([name, endpoint]) => ({
  name: name as keyof Contract, // Object.entries forgets it
  endpoint,
  segments: endpoint.path.split("/"),
}));

/**
 * The endpoint for a method and a path as sent; HEAD is a GET. Throws 404 for a path that is none,
 * 405 naming the methods that there are, 400 for %-encoding that is none.
 */
export function route(method: string, path: string): Route {
  const segments = (path.length > 1 ? path.replace(/\/$/, "") : path).split("/");
  const here = patterns.filter((pattern) => matches(pattern.segments, segments));
  const wanted = method === "HEAD" ? "GET" : method;
  const found = here.find(({ endpoint }) => endpoint.method === wanted);
  if (found !== undefined) {
    const { name, endpoint } = found;
    return { name, endpoint, params: paramsOf(found.segments, segments) };
  }
  if (here.length === 0) {
    throw new ControlError(
      "request.not_found",
      "There is no such path; /v1/docs has those there are.",
    );
  }
  const allowed = allowedMethods(path);
  throw new ControlError("request.method_not_allowed", `This path takes ${list(allowed)} only.`);
}

/** The methods of a path, for Allow. */
export function allowedMethods(path: string): string[] {
  const segments = path.replace(/\/$/, "").split("/");
  const methods = patterns
    .filter((pattern) => matches(pattern.segments, segments))
    .map(({ endpoint }) => endpoint.method);
  return methods.includes("GET") ? [...methods, "HEAD"] : methods;
}

function matches(pattern: string[], segments: string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, i) => part === segments[i] || (isParam(part) && segments[i] !== ""))
  );
}

function paramsOf(pattern: string[], segments: string[]): Record<string, string> {
  const params = pattern.flatMap((part, i) =>
    isParam(part) ? [[part.slice(1, -1), decoded(segments[i] ?? "")]] : [],
  );
  return Object.fromEntries(params);
}

function isParam(part: string): boolean {
  return part.startsWith("{");
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new ControlError("request.invalid", "The path has a % that begins no character.", {
      cause,
    });
  }
}
