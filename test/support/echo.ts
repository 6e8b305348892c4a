import fc from "fast-check";
import { type Call, json, PASSWORD } from "./cloud-server.ts";

/** Whatever a cloud was told, it gives back: in bodies of every shape, headers, redirects. */
export type Echo = { status: number; shape: string; whenLoggedIn: boolean };

export function echo({ status, shape }: Echo, call: Call): void {
  const secret = `${call.token ?? ""} ${call.body} ${PASSWORD}`;
  const headers = {
    location: `http://127.0.0.1:1/${encodeURIComponent(secret)}`,
    "x-echo": PASSWORD,
  };
  const error = { type: shape, message: secret, traceback: secret };
  if (shape === "text") call.response.writeHead(status, headers).end(secret);
  else if (shape === "cut") {
    call.response.writeHead(status, { ...headers, "content-length": "9999" });
    call.response.write(secret, () => call.response.destroy());
  } else if (shape === "token") {
    json(
      call,
      status,
      { token: { [secret]: secret, catalog: [secret] } },
      { "x-subject-token": secret },
    );
  } else
    json(
      call,
      status,
      { code: status, title: secret, explanation: secret, error, [secret]: 1 },
      headers,
    );
}

/** Every status and shape that a secret could come back in. */
export const anyEcho = fc.record({
  status: fc.constantFrom(
    200,
    201,
    202,
    300,
    302,
    400,
    401,
    403,
    404,
    409,
    429,
    500,
    502,
    503,
    504,
  ),
  shape: fc.constantFrom(
    "text",
    "cut",
    "token",
    "StackValidationFailed",
    "Forbidden",
    "RemoteError",
    "MessagingTimeout",
  ),
  whenLoggedIn: fc.boolean(),
});
