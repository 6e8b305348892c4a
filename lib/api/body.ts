import { ControlError } from "../error.ts";

/** A declaration of 45 clouds is 4 KB. */
export const MAX_BODY_BYTES = 64 * 1024;

export type RawBody = {
  body?: string | undefined;
  isBase64Encoded?: boolean | undefined;
  headers: Record<string, string | undefined>;
};

/**
 * The JSON value of a request's body. Throws 415 for another media type, 413 above 64 KiB, and 400,
 * with the position, for what is not JSON in UTF-8.
 */
export function jsonBody(raw: RawBody): unknown {
  const bytes = Buffer.from(raw.body ?? "", raw.isBase64Encoded ? "base64" : "utf8");
  if (bytes.length > MAX_BODY_BYTES) {
    throw new ControlError("request.too_large", "The body is over 64 KiB.");
  }
  if (bytes.length === 0) throw new ControlError("request.invalid", "The body is missing.");
  refuseOtherMedia(raw.headers);
  const text = utf8(bytes);
  const value = parsed(text);
  refuseProto(value);
  return value;
}

function refuseOtherMedia(headers: RawBody["headers"]): void {
  const [type, ...parameters] = (headers["content-type"] ?? "").toLowerCase().split(/\s*;\s*/);
  const charset = parameters.find((parameter) => parameter.startsWith("charset="));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  const encoding = headers["content-encoding"] ?? "identity";
  if (type?.trim() === "application/json" && isUtf8 && encoding === "identity") return;
  throw new ControlError(
    "request.media_type",
    "The body must be JSON in UTF-8, not compressed, with `Content-Type: application/json`.",
  );
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ControlError("request.invalid", "The body is not UTF-8.", { cause });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : "";
    throw new ControlError("request.invalid", `The body is not JSON: ${fault(text, message)}.`, {
      cause,
    });
  }
}

/** V8 names the position of all faults but an unexpected token, and quotes the body there instead. */
function fault(text: string, message: string): string {
  const token = /^Unexpected token '(.+?)',/su.exec(message)?.[1];
  if (token === undefined) return lowerFirst(message.replace(" in JSON", ""));
  const position = firstUnexpected(text);
  const lines = text.slice(0, position).split("\n");
  const column = (lines.at(-1)?.length ?? 0) + 1;
  return `unexpected '${token}' at position ${position} (line ${lines.length} column ${column})`;
}

/** The shortest prefix with the token fails as the whole does, and so do all longer ones. */
function firstUnexpected(text: string): number {
  let fine = 0;
  let broken = text.length;
  while (broken - fine > 1) {
    const middle = (fine + broken) >>> 1;
    if (hasUnexpected(text.slice(0, middle))) broken = middle;
    else fine = middle;
  }
  return broken - 1;
}

function hasUnexpected(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    return error instanceof Error && error.message.startsWith("Unexpected token");
  }
}

/** zod leaves such keys of a record out silently; what is ignored must not look accepted. */
function refuseProto(value: unknown): void {
  const waiting: [pointer: string, value: unknown][] = [["", value]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [pointer, inner] = next;
    if (typeof inner !== "object" || inner === null) continue;
    if (Object.hasOwn(inner, "__proto__")) {
      throw new ControlError("request.invalid", "`__proto__` is not a name that can be used.", {
        fields: [{ pointer: `${pointer}/__proto__`, message: "that name cannot be used" }],
      });
    }
    for (const [key, child] of Object.entries(inner)) waiting.push([`${pointer}/${key}`, child]);
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
