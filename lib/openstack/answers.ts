import * as z from "zod";
import type { Fault, Outcome } from "../cloud/faults.ts";
import type { Answer } from "./http.ts";

/** heat/api/middleware/fault.py; `message` is absent unless Heat holds it safe to show. */
const HeatError = z.object({
  code: z.int(),
  error: z.object({ type: z.string(), message: z.string().nullish() }),
});

const MOST_VALUES = 500_000;
const [COMMA, BRACKET, BRACE] = [0x2c, 0x5b, 0x7b];

/** A 500 of these says that the engine, its queue or its database is gone, whichever stack was asked for. */
const outages = ["MessagingTimeout", "MessageDeliveryFailure", "DBConnectionError"];

/** What Heat's 4xx of one stack mean by their `error.type`; any other is `rejected`. */
const stackCodes = new Map([
  ["EntityNotFound", "no_such_heat_stack"],
  ["NotFound", "no_such_heat_stack"],
  ["ActionInProgress", "conflict"],
  ["StackValidationFailed", "invalid_parameter"],
  ["UnknownUserParameter", "no_such_parameter"],
  ["ImmutableParameterModified", "immutable_parameter"],
  ["NotSupported", "not_supported"],
  ["RequestLimitExceeded", "quota"],
  ["StackResourceLimitExceeded", "quota"],
  ["RemoteError", "remote_error"],
]);

/** What Heat gives no message for. */
const unexplained = new Map([
  [
    "RemoteError",
    "the engine failed at it. It may not reach Keystone; or another user updated the stack last, and an application credential cannot make the trust that Heat needs then: the credential's own user must update the stack once by password",
  ],
]);

/** A list of a cloud's. The length is looked at first: zod would note what is wrong with each of millions. */
export function listOf<T extends z.ZodType>(item: T, most: number) {
  return z.array(z.unknown()).max(most).pipe(z.array(item));
}

/** The body of an answer as the schema reads it; broken JSON or another shape is an `answer` fault. */
export function bodyOf<T>(where: string, answer: Answer, schema: z.ZodType<T>): Outcome<T> {
  if (isTooMuch(answer)) {
    return { ok: false, fault: answerFault(where, answer, "too_large", "with too much in it") };
  }
  const json = jsonOf(answer);
  if (json === undefined) {
    return { ok: false, fault: answerFault(where, answer, "not_json", "which is not JSON") };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { ok: true, value: parsed.data };
  const path = parsed.error.issues[0]?.path.map(String).join(".") ?? "";
  const says = `in which ${printable(path, 100) || "the whole"} is not as it should be`;
  return { ok: false, fault: answerFault(where, answer, "unexpected", says) };
}

/** The fault of an answer that is no success, of whatever service: DESIGN 3.1. */
export function refusal(where: string, answer: Answer): Fault {
  const { status } = answer;
  const code = `http_${status}`;
  const message = `${where}: answered ${status}.`;
  if (status === 401) {
    return {
      class: "credentials",
      code: "unauthorized",
      message: `${where}: answered 401 to a fresh token.`,
      status,
    };
  }
  if (status === 403) return { class: "credentials", code: "forbidden", message, status };
  if (status >= 500 && status < 600) {
    const type = heatError(answer)?.error.type;
    const why = type === "MessagingTimeout" ? ": the engine behind Heat's API is silent" : "";
    return { class: "service", code, message: `${where}: answered ${status}${why}.`, status };
  }
  if (status >= 300 && status < 400)
    return answerFault(where, answer, code, "a redirect that is not followed");
  return { class: "answer", code, message, status };
}

/**
 * The fault of an answer about one heat stack. What Heat itself says of it, in its own form, is class
 * `stack`: its words of why (which parameter, which limit) are kept, at most 300 characters of that one
 * field. `secret` is the token: words that hold it are left out.
 */
export function stackRefusal(where: string, answer: Answer, secret: string): Fault {
  const { status } = answer;
  const heat = heatError(answer);
  const code = heat && stackCodes.get(heat.error.type);
  const ofStack =
    heat !== undefined &&
    ([400, 404, 409].includes(status) ||
      (status === 403 && code === "quota") ||
      (status === 500 && !outages.includes(heat.error.type)));
  if (!ofStack) return refusal(where, answer);
  const said = heat.error.message ?? unexplained.get(heat.error.type) ?? "";
  const why = printable(said.includes(secret) ? "" : said, 300);
  return {
    class: "stack",
    code: code ?? (/quota|limit exceeded/i.test(said) ? "quota" : "rejected"),
    message: `${where}: answered ${status}${why && `: ${why}`}`,
    status,
  };
}

/** True for Heat's own 404, which says that there is no such stack; a proxy's says nothing. */
export function isHeatMissing(answer: Answer): boolean {
  return answer.status === 404 && heatError(answer) !== undefined;
}

/** True for a JSON error with a code, as Keystone gives them. */
export function isKeystoneError(answer: Answer): boolean {
  return z.object({ error: z.object({ code: z.int() }) }).safeParse(jsonOf(answer)).success;
}

function heatError(answer: Answer): z.infer<typeof HeatError> | undefined {
  const parsed = HeatError.safeParse(jsonOf(answer));
  return parsed.success ? parsed.data : undefined;
}

/**
 * True for more values than a cloud has to tell. Eight megabytes of `[[[[` or `{},{},` would become half
 * a gigabyte of objects, and take every other cloud's controller with them.
 */
function isTooMuch({ text }: Answer): boolean {
  if (text.length <= MOST_VALUES) return false;
  let values = 0;
  for (let at = 0; at < text.length && values <= MOST_VALUES; at++) {
    const letter = text.charCodeAt(at);
    if (letter === COMMA || letter === BRACKET || letter === BRACE) values++;
  }
  return values > MOST_VALUES;
}

function jsonOf(answer: Answer): unknown {
  const { text } = answer;
  if (isTooMuch(answer)) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function answerFault(where: string, { status }: Answer, code: string, says: string): Fault {
  return { class: "answer", code, message: `${where}: answered ${status}, ${says}.`, status };
}

function printable(text: string, most: number): string {
  return text
    .replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S}]+/gu, " ")
    .trim()
    .slice(0, most);
}
