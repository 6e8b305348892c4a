import http from "node:http";
import https from "node:https";
import { guardedLookup } from "../openstack/addresses.ts";

/** Of what an answer says beside its status, so much is taken: nobody reads it. */
const MOST_BYTES = 65_536;

/** A name that hangs is asked for once at a time, however often it is tried. */
const lookup = guardedLookup();

/**
 * POSTs JSON and answers the status; a redirect is one like any other. Rejects with the error that the
 * connection failed with, or the signal's, once it is aborted. Not by fetch: that says it is a
 * browser's (`sec-fetch-mode`, `accept-language`), and asks no port that browsers keep from.
 */
export function post(
  url: string,
  given: { headers: Record<string, string>; body: string; signal: AbortSignal },
): Promise<number> {
  const { body, signal } = given;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = {
    ...given.headers,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  };
  const { request } = new URL(url).protocol === "https:" ? https : http;
  // A connection of its own: one that was kept may be closed by now, and cost an attempt.
  const asking = request(url, { method: "POST", headers, agent: false, lookup, signal });
  asking.once("response", (response) => {
    resolve(response.statusCode ?? 0);
    // What it says beside the status is nobody's concern, nor is how that ends.
    response.on("error", () => {});
    let left = MOST_BYTES;
    response.on("data", ({ length }: Buffer) => {
      left -= length;
      if (left < 0) response.destroy();
    });
  });
  asking.on("error", reject);
  // An answer that only changes the protocol ends without an error, and without a response.
  asking.once("close", () => reject(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
  asking.end(body);
  return promise;
}
