import * as z from "zod";
import { CloudName } from "../../cloud/schema.ts";
import { Count, CountParameter, StackName, Weight, Weights } from "../../stack/schema.ts";
import { type Endpoint, nothing } from "../endpoint.ts";

/** What the original read with marshmallow: numbers may come as strings. */
const numeric = <T extends z.ZodType>(schema: T) =>
  z.preprocess(
    (value) => (typeof value === "string" && value.trim() !== "" ? Number(value) : value),
    schema,
  );

/** The original's four keys. */
export const LegacyStack = z
  .strictObject({
    stack_name: StackName,
    count: numeric(Count),
    count_parameter: CountParameter,
    weights: z.record(CloudName, numeric(Weight)).pipe(Weights),
  })
  .meta({ id: "LegacyStack" });
export type LegacyStack = z.infer<typeof LegacyStack>;

export const LegacyList = z.object({ stacks: z.array(LegacyStack) }).meta({ id: "LegacyList" });
export const LegacyError = z.object({ error: z.string() }).meta({ id: "LegacyError" });

const named = z.strictObject({ stack_name: z.string() });

/** The original's two paths, for what was scripted against it. */
export const legacyEndpoints = {
  legacyList: {
    method: "GET",
    path: "/multicloudstack",
    tag: "legacy",
    summary: "The original's list of stacks",
    role: "reader",
    params: nothing,
    query: nothing,
    reply: LegacyList,
    errors: [],
  },
  legacyGet: {
    method: "GET",
    path: "/multicloudstack/{stack_name}",
    tag: "legacy",
    summary: "The original's four keys of a stack",
    role: "reader",
    params: named,
    query: nothing,
    reply: LegacyStack,
    errors: ["stack.missing"],
  },
  legacyPut: {
    method: "PUT",
    path: "/multicloudstack/{stack_name}",
    tag: "legacy",
    summary: "Create a stack, or change the original's four keys of it",
    description:
      "Policy, paused and partial of an existing stack stay. Whatever is wrong with the body is a 422.",
    role: "operator",
    params: named,
    query: nothing,
    body: LegacyStack,
    example: {
      stack_name: "web",
      count: 10,
      count_parameter: "instance_count",
      weights: { athens: 1 },
    },
    reply: LegacyStack,
    errors: ["stack.conflict", "stack.invalid"],
  },
  legacyDelete: {
    method: "DELETE",
    path: "/multicloudstack/{stack_name}",
    tag: "legacy",
    summary: "Forget a stack; answers with an empty body",
    role: "operator",
    params: named,
    query: nothing,
    reply: z.undefined(),
    errors: ["stack.missing", "stack.conflict"],
  },
} as const satisfies Record<string, Endpoint>;
