import http from "node:http";
import https from "node:https";

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
  const asking = request(url, { method: "POST", headers, agent: false, signal });
  asking.once("response", (response) => {
    resolve(response.statusCode ?? 0);
    // What it says beside the status is nobody's concern, nor is how that ends.
    response.on("error", () => {}).resume();
  });
  asking.on("error", reject);
  // An answer that only changes the protocol ends without an error, and without a response.
  asking.once("close", () => reject(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
  asking.end(body);
  return promise;
}
