import { type Contract, contract } from "./contract.ts";
import type { Call, Endpoint, Reply } from "./endpoint.ts";
import { Problem } from "./schema.ts";

export type ClientOptions = {
  /** Where the API is, without `/v1`. */
  url: string;
  token?: string | undefined;
  /** Over the whole call; 30 s unless said. */
  timeoutMs?: number;
  fetch?: typeof fetch;
};

type Arguments<E extends Endpoint> =
  Record<never, never> extends Call<E> ? [call?: Call<E>] : [call: Call<E>];

/** One function for every endpoint of the contract. */
export type Client = {
  [K in keyof Contract]: (...call: Arguments<Contract[K]>) => Promise<Reply<Contract[K]>>;
};

/** What the API refused, or why it could not be asked (status 0). Its message is one sentence to print. */
export class ApiError extends Error {
  /** 0: there was no answer of the API. */
  readonly status: number;
  /** The problem's code, or `connection.failed`, `connection.timeout`, `answer.unexpected`, `options.invalid`. */
  readonly code: string;
  readonly detail: string;
  readonly fields: NonNullable<Problem["errors"]>;
  readonly requestId: string | undefined;

  constructor(
    problem: Pick<Problem, "status" | "code" | "detail"> & Partial<Problem>,
    options?: ErrorOptions,
  ) {
    super(problem.detail, options);
    this.name = "ApiError";
    this.status = problem.status;
    this.code = problem.code;
    this.detail = problem.detail;
    this.fields = problem.errors ?? [];
    this.requestId = problem.request_id;
  }
}

/**
 * A client of the whole API, derived from the contract. Calls are made once and not repeated; what
 * goes wrong is an ApiError, in which the token never appears. Throws one at once for a bad url or token.
 */
export function client(options: ClientOptions): Client {
  const base = baseOf(options.url);
  const token = tokenOf(options.token);
  const call = async (endpoint: Endpoint, input: LooseCall = {}) => {
    const response = await ask(options, base, requestOf(endpoint, base, token, input));
    const text = await response.text().catch((cause: unknown) => {
      throw unreachable(base, options, cause);
    });
    if (!response.ok) throw refused(base, response, text);
    const parsed = endpoint.reply.safeParse(replyOf(endpoint, text));
    if (!parsed.success) throw unexpected(base, response, parsed.error);
    return parsed.data;
  };
  const calls = Object.entries(contract).map(([name, endpoint]) => [
    name,
    (input?: LooseCall) => call(endpoint, input),
  ]);
  return Object.fromEntries(calls) as Client; // one entry for every key of the contract
}

type LooseCall = {
  query?: Record<string, unknown>;
  body?: unknown;
  ifMatch?: number;
  ifNoneMatch?: string;
  [param: string]: unknown;
};

function requestOf(
  endpoint: Endpoint,
  base: URL,
  token: string | undefined,
  input: LooseCall,
): Request {
  const path = endpoint.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(input[name])),
  );
  // Not relative to the base: a path that begins with // would be another host.
  const url = new URL(`${base.origin}${base.pathname.replace(/\/+$/, "")}${path}`);
  for (const [name, value] of Object.entries(input.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return new Request(url, {
    method: endpoint.method,
    redirect: "manual",
    headers: {
      accept: endpoint.media ?? "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(input.body === undefined ? {} : { "content-type": "application/json" }),
      ...(input.ifMatch === undefined ? {} : { "if-match": `"${input.ifMatch}"` }),
      ...(input.ifNoneMatch === undefined ? {} : { "if-none-match": input.ifNoneMatch }),
    },
    ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
  });
}

async function ask(options: ClientOptions, base: URL, request: Request): Promise<Response> {
  const signal = AbortSignal.timeout(options.timeoutMs ?? 30_000);
  try {
    return await (options.fetch ?? fetch)(request, { signal });
  } catch (cause) {
    throw unreachable(base, options, cause);
  }
}

function replyOf(endpoint: Endpoint, text: string): unknown {
  if (endpoint.media !== undefined) return text;
  return text === "" ? undefined : jsonOf(text);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refused(base: URL, response: Response, text: string): ApiError {
  const body = jsonOf(text);
  const problem = Problem.safeParse(body);
  if (problem.success) return new ApiError(problem.data);
  const { status } = response;
  const legacy = body as { error?: unknown; message?: unknown } | null | undefined;
  const said = [legacy?.error, legacy?.message].find((value) => typeof value === "string");
  if (said !== undefined) return new ApiError({ status, code: `http.${status}`, detail: said });
  return unexpected(base, response);
}

function unexpected(base: URL, response: Response, cause?: unknown): ApiError {
  const detail = `What answers at ${base.host} is not a Heat Spreader API of this version (HTTP ${response.status}). Check the url.`;
  return new ApiError({ status: response.status, code: "answer.unexpected", detail }, { cause });
}

function unreachable(base: URL, options: ClientOptions, cause: unknown): ApiError {
  if (cause instanceof Error && cause.name === "TimeoutError") {
    const seconds = (options.timeoutMs ?? 30_000) / 1000;
    const detail = `Heat Spreader at ${base.origin} did not answer within ${seconds} s.`;
    return new ApiError({ status: 0, code: "connection.timeout", detail }, { cause });
  }
  const detail = `Heat Spreader at ${base.origin} cannot be reached: ${reasonOf(cause)}.`;
  return new ApiError({ status: 0, code: "connection.failed", detail }, { cause });
}

const reasons: Record<string, string> = {
  ECONNREFUSED: "nothing listens there (connection refused)",
  ECONNRESET: "the connection was cut",
  UND_ERR_SOCKET: "the connection was cut",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "its name cannot be resolved now",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  UND_ERR_CONNECT_TIMEOUT: "no connection in time",
};

/** fetch says only "fetch failed"; why is in its cause, or in the first error of several addresses. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "the call failed";
  const nested = error instanceof AggregateError ? error.errors[0] : error.cause;
  const code = "code" in error ? String(error.code) : "";
  return (
    reasons[code] ??
    (nested instanceof Error ? reasonOf(nested) : error.message.replace(/\.$/, "").toLowerCase())
  );
}

function baseOf(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  const isHttp = base?.protocol === "http:" || base?.protocol === "https:";
  if (base === undefined || !isHttp || base.username !== "" || base.password !== "") {
    // The url is not repeated: it may hold a password.
    const detail =
      "The url of the API must be like http://127.0.0.1:8080, without user or password.";
    throw new ApiError({ status: 0, code: "options.invalid", detail });
  }
  return base;
}

/** fetch would repeat a token that it cannot send in its error. */
function tokenOf(token: string | undefined): string | undefined {
  const trimmed = token?.trim();
  if (trimmed === undefined || trimmed === "") return undefined;
  if (/^[\x21-\x7e]+$/.test(trimmed)) return trimmed;
  const detail = "The token has spaces or characters that no token has.";
  throw new ApiError({ status: 0, code: "options.invalid", detail });
}
