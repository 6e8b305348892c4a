import middy from "@middy/core";
import httpHeaderNormalizer from "@middy/http-header-normalizer";
import httpSecurityHeaders from "@middy/http-security-headers";
import type {
  APIGatewayProxyEventV2WithJWTAuthorizer,
  APIGatewayProxyStructuredResultV2,
} from "aws-lambda";
import type { Log } from "../log.ts";
import { authorize, type Identity, identify, type TokenEntry } from "./auth.ts";
import type { Handlers } from "./contract.ts";
import type { Answer, Endpoint, Role } from "./endpoint.ts";
import { type AnyInput, inputOf } from "./input.ts";
import { problemOf } from "./problem.ts";
import { allowedMethods, type Route, route } from "./router.ts";

export type AppOptions = {
  handlers: Handlers;
  tokens: readonly TokenEntry[];
  /** The claim of a JWT authorizer that holds the role. */
  roleClaim: string;
  log: Log;
};

export type ApiEvent = Omit<APIGatewayProxyEventV2WithJWTAuthorizer, "requestContext"> & {
  requestContext: Pick<APIGatewayProxyEventV2WithJWTAuthorizer["requestContext"], "requestId"> & {
    http: { method: string };
    authorizer?: { jwt?: { claims: Record<string, unknown> } };
  };
};
type Result = APIGatewayProxyStructuredResultV2 & { headers: Record<string, string> };

/** What a request's log line says, gathered on the way. */
type Trail = { startedAt: number; route?: Route; identity?: Identity | undefined };
type Handle = (input: AnyInput & { who: string; role: Role }) => Promise<Answer<Endpoint>>;
type Request = middy.Request<ApiEvent, Result, Error>;

/**
 * The handler of an HTTP API (payload 2.0): match, authorize, parse, handle, answer. Every outcome is
 * a reply of the contract or a problem; each request is logged once, without its body or token.
 */
export function app(options: AppOptions) {
  const trails = new WeakMap<ApiEvent, Trail>();
  const respond = async (event: ApiEvent): Promise<Result> => {
    const trail = trails.get(event) ?? { startedAt: performance.now() };
    const { method } = event.requestContext.http;
    if (event.rawPath === "/") return { statusCode: 303, headers: { location: "/v1/docs" } };
    const found = route(method, event.rawPath);
    trail.route = found;
    const { headers } = event;
    const claims = event.requestContext.authorizer?.jwt?.claims;
    trail.identity = identify({ authorization: headers.authorization, claims }, options);
    authorize(found.endpoint, trail.identity);
    const query = event.queryStringParameters ?? {};
    const input = inputOf(found.endpoint, { ...event, headers, query, params: found.params });
    // The contract ties each handler to its endpoint; here, any of them meets its own input.
    const handle = options.handlers[found.name] as Handle;
    const { name: who, role } = trail.identity ?? { name: "somebody", role: "reader" as const };
    return resultOf(found.endpoint, await handle({ ...input, who, role }));
  };
  return middy<ApiEvent, Result, Error>(respond)
    .use(requestLog(options.log, trails))
    .use(
      httpSecurityHeaders({
        contentSecurityPolicy: false,
        permissionsPolicy: false,
        reportTo: false,
        // What else lives below the host's name is not ours to decide.
        strictTransportSecurity: { includeSubDomains: false, preload: false },
      }),
    )
    .use(httpHeaderNormalizer())
    .use(problems(options.log));
}

/** Exactly the reply that the contract promises: what else an item holds stays inside. */
function resultOf(
  endpoint: Endpoint,
  { reply: found, status = 200, headers = {} }: Answer<Endpoint>,
): Result {
  const isJson = endpoint.media === undefined;
  const reply = endpoint.reply.parse(found);
  return {
    statusCode: status,
    headers: {
      "content-type": isJson ? "application/json" : `${endpoint.media}; charset=utf-8`,
      ...headers,
    },
    ...(reply === undefined ? {} : { body: isJson ? JSON.stringify(reply) : String(reply) }),
  };
}

/** Turns what was thrown into a problem; the original's paths keep its `{"error": ...}`. */
function problems(log: Log): middy.MiddlewareObj<ApiEvent, Result> {
  return {
    onError: (request) => {
      const { event, error } = request as Request;
      const { requestId } = event.requestContext;
      const problem = problemOf(error, requestId);
      if (problem.status >= 500) log.error("request failed", { request_id: requestId, error });
      const isLegacy = event.rawPath.startsWith("/multicloudstack");
      request.response = {
        statusCode: problem.status,
        headers: {
          "content-type": isLegacy ? "application/json" : "application/problem+json",
          ...(problem.status === 401 ? { "www-authenticate": 'Bearer realm="heat-spreader"' } : {}),
          ...(problem.status === 405 ? { allow: allowedMethods(event.rawPath).join(", ") } : {}),
        },
        body: JSON.stringify(isLegacy ? { error: problem.detail } : problem),
      };
    },
  };
}

/** Last of all, whatever came before: the headers of every answer, HEAD's empty body, one line in the log. */
function requestLog(
  log: Log,
  trails: WeakMap<ApiEvent, Trail>,
): middy.MiddlewareObj<ApiEvent, Result> {
  const finish = (request: middy.Request<ApiEvent, Result, Error>) => {
    const { event, response } = request;
    if (response === null || response === undefined) return;
    const trail = trails.get(event);
    const { requestId, http } = event.requestContext;
    response.headers = {
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      ...response.headers,
      "x-request-id": requestId,
    };
    if (http.method === "HEAD") response.body = "";
    // Whoever waits or watches reads every second or two, and agents vote: that must not bury what is written.
    const isRead = ["GET", "HEAD"].includes(http.method) || trail?.route?.name === "putVote";
    const isRoutine = isRead && (response.statusCode ?? 0) < 400;
    const tell = isRoutine ? log.debug : log.info;
    tell("request answered", {
      request_id: requestId,
      method: http.method,
      path: event.rawPath,
      endpoint: trail?.route?.name,
      who: trail?.identity?.name,
      status: response.statusCode,
      duration_ms: trail && Math.round(performance.now() - trail.startedAt),
    });
  };
  return {
    before: ({ event }) => {
      trails.set(event, { startedAt: performance.now() });
    },
    after: (request) => finish(request as Request),
    onError: (request) => finish(request as Request),
  };
}
