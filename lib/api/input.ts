import type * as z from "zod";
import { ControlError, type ErrorCode, type FieldFault } from "../error.ts";
import { jsonBody, type RawBody } from "./body.ts";
import type { Endpoint, Precondition } from "./endpoint.ts";
import { type Fault, faultsOf } from "./fields.ts";

export type RawRequest = RawBody & {
  params: Record<string, string>;
  query: Record<string, string | undefined>;
};

/** Any endpoint's input; that it is what its handler takes is the contract's promise. */
export type AnyInput = {
  params: Record<string, unknown>;
  query: Record<string, unknown>;
  body?: unknown;
  precondition: Precondition;
};

const invalid: Partial<Record<Endpoint["tag"], ErrorCode>> = {
  clouds: "cloud.invalid",
  vantages: "vantage.invalid",
};

/**
 * A request as its endpoint's handler takes it. Throws one error with every field at fault: 400 for
 * what cannot be understood and for anything in the URL, 422 for values that are not acceptable.
 */
export function inputOf(endpoint: Endpoint, raw: RawRequest): AnyInput {
  const params = endpoint.params.safeParse(raw.params);
  const query = endpoint.query.safeParse(raw.query);
  if (!params.success || !query.success) {
    throw refusal("request.invalid", [
      ...faultsIn(endpoint.params, params, raw.params, "path"),
      ...faultsIn(endpoint.query, query, raw.query, "query"),
    ]);
  }
  const precondition = preconditionOf(endpoint, raw.headers);
  const input = { params: params.data, query: query.data, precondition };
  if (endpoint.body === undefined) return input;
  const sent = jsonBody(raw);
  const body = endpoint.body.safeParse(sent);
  if (body.success) return { ...input, body: body.data };
  const faults = faultsOf(endpoint.body, body.error, sent);
  const isUnclear = endpoint.tag !== "legacy" && faults.some(({ isStructural }) => isStructural);
  const code = invalid[endpoint.tag] ?? "stack.invalid";
  throw refusal(isUnclear ? "request.invalid" : code, faults.map(fieldOf));
}

function faultsIn(
  schema: z.ZodType,
  result: z.ZodSafeParseResult<unknown>,
  sent: unknown,
  place: "path" | "query",
): FieldFault[] {
  if (result.success) return [];
  return faultsOf(schema, result.error, sent).map((fault) => ({ ...fieldOf(fault), in: place }));
}

function fieldOf({ pointer, message }: Fault): FieldFault {
  return { pointer, message };
}

function refusal(code: ErrorCode, fields: FieldFault[]): ControlError {
  const texts = fields.map(({ pointer, message }) =>
    pointer === "" ? message : `${pointer.slice(1)}: ${message}`,
  );
  return new ControlError(code, `${texts.join("; ")}.`, { fields });
}

function preconditionOf(endpoint: Endpoint, headers: RawBody["headers"]): Precondition {
  if (endpoint.conditional === undefined) return {};
  const match = headers["if-match"]?.trim();
  const noneMatch = headers["if-none-match"]?.trim();
  if (noneMatch !== undefined && noneMatch !== "*") {
    throw headerRefusal("if-none-match", "takes * only, for a stack that must not exist yet");
  }
  return {
    ...(match === undefined ? {} : { generations: match === "*" ? "any" : tagsOf(match) }),
    ...(noneMatch === undefined ? {} : { absent: true }),
  };
}

/** A weak tag never matches here (RFC 9110, 13.1.1), so it is no generation. */
function tagsOf(header: string): number[] {
  const tags = header.split(/\s*,\s*/);
  if (!tags.every((tag) => /^(W\/)?"[^"]*"$/.test(tag))) {
    throw headerRefusal("if-match", 'is a generation in quotes, such as "3"');
  }
  return tags.map((tag) => (/^"\d{1,15}"$/.test(tag) ? Number(tag.slice(1, -1)) : -1));
}

function headerRefusal(name: string, message: string): ControlError {
  return new ControlError("request.invalid", `${name} ${message}.`, {
    fields: [{ pointer: `/${name}`, message, in: "header" }],
  });
}
