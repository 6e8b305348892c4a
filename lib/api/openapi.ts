import * as z from "zod";
import { type ErrorCode, statusOf } from "../error.ts";
import "./components.ts";
import { contract } from "./contract.ts";
import type { Endpoint } from "./endpoint.ts";
import { LegacyError } from "./endpoints/legacy.ts";
import { titles } from "./problem.ts";
import { Problem } from "./schema.ts";
import { words } from "./words.ts";

export type JsonSchema = z.core.JSONSchema.BaseSchema;
type Media = Record<string, { schema: JsonSchema; example?: unknown }>;
export type Response = {
  description: string;
  headers?: Record<string, unknown>;
  content?: Media;
};
export type Parameter = {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  description: string;
  schema: JsonSchema;
};
export type Operation = {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters: Parameter[];
  requestBody?: { required: true; content: Media };
  responses: Record<string, Response>;
  security?: [];
  "x-role": Endpoint["role"];
};
export type OpenApi = {
  openapi: string;
  info: { title: string; version: string; description: string };
  servers: { url: string }[];
  security: Record<string, never[]>[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema>; securitySchemes: Record<string, unknown> };
};

const endpoints = Object.entries(contract as Record<string, Endpoint>);
const COMPONENTS = "#/components/schemas/";

/** The contract as an OpenAPI 3.1 document. The same every time. */
export function openapi(): OpenApi {
  const paths: OpenApi["paths"] = {};
  for (const [name, endpoint] of endpoints) {
    const operation = { [endpoint.method.toLowerCase()]: operationOf(name, endpoint) };
    paths[endpoint.path] = { ...paths[endpoint.path], ...operation };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Heat Spreader",
      version: "1.0.0",
      description:
        "Treats the Heat stacks of one name in several OpenStack clouds as one unit. Writing a declaration is enough: the answer does not wait for the clouds. Times are ISO 8601 in UTC. Bodies are JSON of at most 64 KiB. What cannot be understood is a 400, what is not acceptable a 422; nothing is written then, and every field at fault is named.",
    },
    servers: [{ url: "/" }],
    security: [{ token: [] }],
    tags: [
      { name: "stacks", description: "What is wanted, and where it stands" },
      { name: "events", description: "What happened, and why" },
      { name: "clouds", description: "Whether each cloud is there" },
      { name: "vantages", description: "The places that probe" },
      { name: "service", description: "This API itself; only whoami needs a token" },
      { name: "legacy", description: "The two paths of the original Heat Spreader" },
    ],
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
  };
}

function operationOf(name: string, endpoint: Endpoint): Operation {
  const { tag, summary, description, role, body, example } = endpoint;
  const content = body && { "application/json": { schema: refOf(body), example } };
  return {
    operationId: name,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    parameters: parametersOf(endpoint),
    ...(content === undefined ? {} : { requestBody: { required: true, content } }),
    responses: { ...successesOf(endpoint), ...errorsOf(endpoint) },
    ...(role === "none" ? { security: [] } : {}),
    "x-role": role,
  };
}

function parametersOf({ params, query, conditional, method, path }: Endpoint): Parameter[] {
  const named = ({ shape }: z.ZodObject, place: "path" | "query") =>
    Object.entries(shape as Record<string, z.ZodType>).map(([name, schema]) => ({
      name,
      in: place,
      required: place === "path",
      description: words[`${place}.${name}`] ?? words[name] ?? "",
      schema: refOf(schema),
    }));
  const header = (name: string, description: string): Parameter[] => [
    { name, in: "header", required: false, description, schema: { type: "string" } },
  ];
  const isCreation = conditional === true && method === "PUT" && path.endsWith("{stack_name}");
  return [
    ...named(params, "path"),
    ...named(query, "query"),
    ...(conditional ? header("If-Match", 'The generation it must still have, such as "3".') : []),
    ...(isCreation ? header("If-None-Match", "`*`: it must not exist yet.") : []),
  ];
}

function successesOf({ reply, media, statuses = [200], conditional }: Endpoint) {
  const isEmpty = reply instanceof z.ZodUndefined;
  const schema = isEmpty ? undefined : refOf(reply);
  const texts: Record<number, string> = { 200: "Done", 201: "Created", 202: "Asked for" };
  const headers = {
    ETag: { description: "The generation, in quotes", schema: { type: "string" } },
  };
  const response = (status: number): Response => ({
    description: texts[status] ?? "Done",
    ...(conditional ? { headers } : {}),
    ...(schema ? { content: { [media ?? "application/json"]: { schema } } } : {}),
  });
  return Object.fromEntries(statuses.map((status) => [String(status), response(status)]));
}

/** The codes that an endpoint may answer: its own, and those of any call of its kind. */
export function codesOf({ role, body, errors }: Endpoint): ErrorCode[] {
  const codes: ErrorCode[] = [
    // Of any: a query parameter that is not known is refused everywhere.
    "request.invalid",
    ...(role === "none" ? [] : (["request.unauthorized", "request.forbidden"] as const)),
    ...(body ? (["request.too_large", "request.media_type"] as const) : []),
    ...errors,
    "request.too_many",
  ];
  return [...new Set(codes)].sort((a, b) => statusOf[a] - statusOf[b]);
}

function errorsOf(endpoint: Endpoint): Record<string, Response> {
  const isLegacy = endpoint.tag === "legacy";
  const content: Media = isLegacy
    ? { "application/json": { schema: refOf(LegacyError) } }
    : { "application/problem+json": { schema: refOf(Problem) } };
  const byStatus = Map.groupBy(codesOf(endpoint), (code) => String(statusOf[code]));
  const responses = [...byStatus].map(([status, codes]) => {
    const description = codes.map((code) => `${titles[code]} (\`${code}\`)`).join(", or ");
    return [status, { description, content }];
  });
  return Object.fromEntries(responses);
}

function refOf(schema: z.ZodType): JsonSchema {
  const id = z.globalRegistry.get(schema)?.id;
  return id === undefined
    ? bare(z.toJSONSchema(schema, { io: "input" }))
    : { $ref: `${COMPONENTS}${id}` };
}

/** Bodies as they are sent, before defaults; everything else as it is answered. */
function componentSchemas(): Record<string, JsonSchema> {
  const asSent = schemasFor("input");
  const asAnswered = schemasFor("output");
  const bodies = new Set(
    endpoints.flatMap(([, { body }]) => (body ? [z.globalRegistry.get(body)?.id] : [])),
  );
  const names = Object.keys(asAnswered).sort();
  return Object.fromEntries(
    names.map((id) => {
      const schema = (bodies.has(id) ? asSent : asAnswered)[id] as JsonSchema;
      return [id, worded(id, bare(schema))];
    }),
  );
}

function schemasFor(io: "input" | "output") {
  const { schemas } = z.toJSONSchema(z.globalRegistry, {
    io,
    uri: (id) => `${COMPONENTS}${id}`,
    override: ({ jsonSchema }) => {
      // JavaScript's own limits are none of the API's.
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      // Answers may get more fields later, and a client must not refuse them.
      if (io === "output" && jsonSchema.additionalProperties === false) {
        delete jsonSchema.additionalProperties;
      }
    },
  });
  return schemas;
}

function bare({ $schema: _, $id: __, ...schema }: JsonSchema): JsonSchema {
  return schema;
}

/** Every field with what its word says. */
function worded(id: string, schema: JsonSchema): JsonSchema {
  const walk = (value: unknown, name: string): unknown => {
    if (Array.isArray(value)) return value.map((inner) => walk(inner, name));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(([key, inner]) => {
      if (key !== "properties") return [key, walk(inner, name)];
      return [key, wordedProperties(inner as Record<string, JsonSchema>, name)];
    });
    return Object.fromEntries(entries);
  };
  const wordedProperties = (properties: Record<string, JsonSchema>, name: string) =>
    Object.fromEntries(
      Object.entries(properties).map(([key, property]) => {
        const description = words[`${name}.${key}`] ?? words[key];
        const inner = walk(property, key.charAt(0).toUpperCase() + key.slice(1)) as JsonSchema;
        return [key, description === undefined ? inner : { description, ...inner }];
      }),
    );
  return walk(schema, id) as JsonSchema;
}
