import type { Dispatcher, Pool } from "undici";
import type { Outcome } from "../cloud/faults.ts";
import { isMetadataAddress } from "./addresses.ts";
import { configFault, DEADLINE, ENCODED, TOO_LARGE, transportFault } from "./faults.ts";
import { type OriginPool, originPool, type Tls } from "./pool.ts";

export type Request = {
  method: "GET" | "POST" | "PATCH";
  url: string;
  token?: string;
  body?: unknown;
};
export type Answer = { status: number; headers: Record<string, string | undefined>; text: string };

export type HttpClient = {
  /** Any answer is ok, whatever its status. A GET is redirected within its origin only. */
  send: (request: Request, deadline: AbortSignal) => Promise<Outcome<Answer>>;
  /** Ends when the requests under way have; what is sent later fails as `closed`. */
  close: () => Promise<void>;
};

/** 500 stacks of a full list are some 500 kB. */
const LONGEST_ANSWER = 8 * 1024 * 1024;
const MOST_REDIRECTS = 3;

/**
 * One cloud's HTTP: a pool of 16 connections for each of its origins, with the cloud's own TLS. The
 * caller's deadline covers waiting for a connection, connecting, headers and body, and redirects.
 */
export function httpClient(tls: Tls, deadlineMs: number): HttpClient {
  const pools = new Map<string, OriginPool>();
  const poolOf = (origin: string) => {
    const known = pools.get(origin) ?? originPool(origin, tls, deadlineMs);
    pools.set(origin, known);
    return known;
  };
  return {
    async send(request, deadline) {
      let url = new URL(request.url);
      for (let redirects = 0; ; redirects++) {
        const where = whereOf(request.method, url);
        if (isMetadataAddress(url.hostname)) return { ok: false, fault: metadataFault(where) };
        const { pool, tlsAlerts } = poolOf(url.origin);
        const sending = { sent: false };
        const alertsBefore = tlsAlerts().count;
        let answer: Answer;
        try {
          answer = await exchange(pool, { ...request, url }, deadline, sending);
        } catch (thrown) {
          const { count, last } = tlsAlerts();
          const error = count > alertsBefore ? last : thrown;
          return { ok: false, fault: transportFault(where, { error, ...sending }) };
        }
        const next = redirectOf(request, url, answer);
        if (!next || redirects === MOST_REDIRECTS) return { ok: true, value: answer };
        url = next;
      }
    },
    async close() {
      await Promise.all([...pools.values()].map(({ pool }) => pool.close()));
    },
  };
}

/** A request for a person: method, origin and path, without the query. */
export function whereOf(method: string, url: string | URL): string {
  const { origin, pathname } = new URL(url);
  return `${method} ${origin}${pathname}`;
}

function metadataFault(where: string) {
  const says = "a link-local, metadata or other special address is refused";
  return configFault("metadata_address", `${where}: ${says}.`);
}

function redirectOf(request: Request, url: URL, answer: Answer): URL | undefined {
  const { location } = answer.headers;
  if (request.method !== "GET" || ![301, 302, 303, 307, 308].includes(answer.status)) return;
  if (location === undefined || !URL.canParse(location, url.href)) return;
  const next = new URL(location, url);
  return next.origin === url.origin ? next : undefined;
}

/** One request and its whole answer. `sending.sent` turns true before the first byte is written. */
function exchange(
  pool: Pool,
  request: Omit<Request, "url"> & { url: URL },
  deadline: AbortSignal,
  sending: { sent: boolean },
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let controller: Dispatcher.DispatchController | undefined;
  const giveUp = (code: string) => {
    const reason = Object.assign(new Error(code), { code });
    reject(reason);
    controller?.abort(reason);
  };
  const onDeadline = () => giveUp(DEADLINE);
  if (deadline.aborted) {
    onDeadline();
    return promise;
  }
  deadline.addEventListener("abort", onDeadline, { once: true });

  const answer: Answer = { status: 0, headers: {}, text: "" };
  const chunks: Buffer[] = [];
  let length = 0;
  const { url, method, token, body } = request;
  pool.dispatch(
    {
      method,
      path: url.pathname + url.search,
      headers: {
        accept: "application/json",
        "user-agent": "heat-spreader",
        ...(token === undefined ? {} : { "x-auth-token": token }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    },
    {
      onRequestStart(started) {
        controller = started;
        // Its turn came too late: undici does not write what is aborted here.
        if (deadline.aborted) controller.abort(new Error(DEADLINE));
        else sending.sent = true;
      },
      onResponseStart(_, status, headers) {
        answer.status = status;
        for (const [name, value] of Object.entries(headers)) answer.headers[name] = String(value);
        const encoding = answer.headers["content-encoding"] ?? "identity";
        if (status >= 200 && encoding !== "identity") giveUp(ENCODED);
      },
      onResponseData(_, chunk) {
        length += chunk.length;
        if (length > LONGEST_ANSWER) giveUp(TOO_LARGE);
        else chunks.push(chunk);
      },
      onResponseEnd() {
        answer.text = Buffer.concat(chunks).toString("utf8");
        resolve(answer);
      },
      onResponseError: (_, error) => reject(error),
    },
  );
  return promise.finally(() => deadline.removeEventListener("abort", onDeadline));
}
