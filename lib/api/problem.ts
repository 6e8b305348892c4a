import { STATUS_CODES } from "node:http";
import { ControlError, type ErrorCode, statusOf } from "../error.ts";
import type { Problem } from "./schema.ts";

/** What each code means, in a few words: the title of its problem, and its line in the documentation. */
export const titles: Record<ErrorCode, string> = {
  "request.invalid": "The request cannot be understood",
  "request.unauthorized": "A token is needed",
  "request.forbidden": "The token does not allow it",
  "request.not_found": "No such path",
  "request.method_not_allowed": "No such method here",
  "request.too_large": "The body is too large",
  "request.media_type": "The body is not JSON",
  "request.too_many": "Too many requests",
  "stack.missing": "No such stack",
  "stack.conflict": "Somebody else is changing the stack",
  "stack.changed": "The stack is not what the precondition says",
  "stack.invalid": "The declaration is not acceptable",
  "cloud.missing": "No such cloud",
  "cloud.conflict": "The cloud is not in that state",
  "cloud.invalid": "That cannot be said of a cloud",
  "event.missing": "No such event",
  "vantage.missing": "No such vantage",
  "vantage.conflict": "The vantage still votes, or cannot be removed",
  "vantage.invalid": "That is no vote",
  "table.unavailable": "The database cannot be used now",
};

/** A body of 64 KiB can be wrong in nine thousand places: so many fields, and characters, are told. */
const MOST_FIELDS = 100;
const MOST_DETAIL = 2_000;

/** RFC 9457's answer to an error. What is not a ControlError is a bug, of which nothing is told. */
export function problemOf(error: unknown, requestId: string): Problem {
  if (!(error instanceof ControlError)) {
    return {
      type: "about:blank",
      title: STATUS_CODES[500] ?? "",
      status: 500,
      detail: `Something went wrong inside Heat Spreader; its log has more under request ${requestId}.`,
      code: "internal",
      request_id: requestId,
    };
  }
  const { code, message, fields } = error;
  const isLong = message.length > MOST_DETAIL;
  const detail = isLong ? `${message.slice(0, MOST_DETAIL)} ... and more.` : message;
  return {
    type: `/v1/docs#${code}`,
    title: titles[code],
    status: statusOf[code],
    detail,
    code,
    request_id: requestId,
    ...(fields.length === 0 ? {} : { errors: fields.slice(0, MOST_FIELDS) }),
  };
}
