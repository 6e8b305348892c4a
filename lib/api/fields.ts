import * as z from "zod";

export type Fault = {
  /** RFC 6901, into what was sent. */
  pointer: string;
  message: string;
  /** It cannot be understood, rather than not be accepted. */
  isStructural: boolean;
};

/** Every fault that zod found in `sent`, as a field and what to do about it. */
export function faultsOf(schema: z.ZodType, error: z.ZodError, sent: unknown): Fault[] {
  return error.issues.flatMap((issue) => faultsOfIssue(schema, issue, sent));
}

function faultsOfIssue(schema: z.ZodType, issue: z.core.$ZodIssue, sent: unknown): Fault[] {
  const at = pointerOf(issue.path);
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(schema, issue.path);
    const remedy =
      known.length === 0 ? "nothing is expected here" : `there are ${known.join(", ")}`;
    const isOurs = !issue.message.startsWith("Unrecognized key");
    return issue.keys.map((key) => ({
      pointer: `${at}${pointerOf([key])}`,
      message: isOurs ? issue.message : `is not known; ${remedy}`,
      isStructural: true,
    }));
  }
  if (issue.code === "invalid_key") {
    const [inner] = issue.issues;
    return [{ pointer: at, message: inner?.message ?? issue.message, isStructural: false }];
  }
  if (issue.code !== "invalid_type") {
    return [{ pointer: at, message: saidOf(issue), isStructural: false }];
  }
  const value = valueAt(sent, issue.path);
  if (value === undefined) return [{ pointer: at, message: "is missing", isStructural: true }];
  const isNumber = issue.expected === "int" || issue.expected === "number";
  const expected = issue.expected === "record" ? "object" : issue.expected;
  const said = issue.message.startsWith("Invalid input") ? wanted(expected, value) : issue.message;
  return [{ pointer: at, message: said, isStructural: !(isNumber && typeof value === "number") }];
}

/** What a value must be, and what it is; of a number for a number, only what it must be. */
function wanted(expected: string, value: unknown): string {
  const kind = expected === "int" ? "whole number" : expected;
  if (typeof value !== "number" || !kind.endsWith("number")) {
    return `must be ${article(kind)}, not ${article(kindOf(value))}`;
  }
  // JSON has no such number, but 1e999 becomes one.
  return Number.isFinite(value)
    ? `must be ${article(kind)}`
    : "must be a number that is not so large";
}

/** Our own message, or zod's in words that say what to give. */
function saidOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "too_small" && /^Too small: expected (number|int)/.test(issue.message)) {
    return `must be at least ${issue.minimum}`;
  }
  if (issue.code === "too_big" && /^Too big: expected (number|int)/.test(issue.message)) {
    return `must be at most ${issue.maximum}`;
  }
  if (issue.code === "invalid_value" && issue.message.startsWith("Invalid")) {
    return `must be ${issue.values.length > 1 ? "one of " : ""}${issue.values.map(String).join(", ")}`;
  }
  return lowerFirst(issue.message);
}

/** RFC 6901. */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function valueAt(sent: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => {
    const isInside = typeof value === "object" && value !== null && Object.hasOwn(value, key);
    return isInside ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  }, sent);
}

/** The fields of the object at a path of the schema. */
function keysAt(schema: unknown, path: readonly PropertyKey[]): string[] {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) {
    return keysAt(schema.unwrap(), path);
  }
  if (!(schema instanceof z.ZodObject)) return [];
  const [key, ...rest] = path;
  return key === undefined ? Object.keys(schema.shape) : keysAt(schema.shape[String(key)], rest);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function article(kind: string): string {
  if (kind === "null") return kind;
  return /^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
