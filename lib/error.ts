/** Codes of what a caller can act on, and the HTTP status that the API gives each. */
export const statusOf = {
  "request.invalid": 400,
  "request.unauthorized": 401,
  "request.forbidden": 403,
  "request.not_found": 404,
  "request.method_not_allowed": 405,
  "request.too_large": 413,
  "request.media_type": 415,
  "request.too_many": 429,
  "stack.missing": 404,
  "stack.conflict": 409,
  "stack.changed": 412,
  "stack.invalid": 422,
  "cloud.missing": 404,
  "cloud.conflict": 409,
  "cloud.invalid": 422,
  "vantage.missing": 404,
  "vantage.conflict": 409,
  "vantage.invalid": 422,
  "event.missing": 404,
  "table.unavailable": 503,
} as const;
export type ErrorCode = keyof typeof statusOf;

/** A field that was wrong, by its JSON pointer, and what to do about it. In the body unless said. */
export type FieldFault = { pointer: string; message: string; in?: "path" | "query" | "header" };

/** What a caller can act on. Everything else that throws is a bug. */
export class ControlError extends Error {
  readonly code: ErrorCode;
  readonly fields: FieldFault[];

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & { fields?: FieldFault[] } = {},
  ) {
    super(message, options);
    this.name = "ControlError";
    this.code = code;
    this.fields = options.fields ?? [];
  }
}
