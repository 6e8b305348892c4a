import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";

/** The API's own limit is 64 KiB; a little more lets it be the one that explains. */
export const MOST_BYTES = 66 * 1024;

/** A request as an HTTP API of API Gateway hands it to its function (payload 2.0). */
export function gatewayEvent(request: IncomingMessage, body: Buffer): APIGatewayProxyEventV2 {
  const { method = "GET", url = "/", httpVersion, socket } = request;
  const { path, query } = target(url);
  const { cookie, ...headers } = joinedHeaders(request);
  const parameters = joinedParameters(query);
  const text = utf8(body);
  const now = new Date();
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: query,
    ...(cookie === undefined ? {} : { cookies: cookie.split(/;\s*/) }),
    headers,
    ...(query === "" ? {} : { queryStringParameters: parameters }),
    requestContext: {
      accountId: "000000000000",
      apiId: "local",
      domainName: headers.host ?? "localhost",
      domainPrefix: "local",
      http: {
        method,
        path,
        protocol: `HTTP/${httpVersion}`,
        sourceIp: socket.remoteAddress ?? "",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: randomUUID(),
      routeKey: "$default",
      stage: "$default",
      time: now.toUTCString(),
      timeEpoch: now.getTime(),
    },
    ...(body.length === 0 ? {} : { body: text ?? body.toString("base64") }),
    isBase64Encoded: text === undefined,
  };
}

/** Writes a function's answer, as API Gateway does. */
export function writeResult(
  response: ServerResponse,
  result: APIGatewayProxyStructuredResultV2,
): void {
  const { statusCode = 200, headers = {}, cookies = [], body = "", isBase64Encoded } = result;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, String(value));
  if (cookies.length > 0) response.setHeader("set-cookie", cookies);
  const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
  if (bytes.length > 0 || statusCode !== 204) response.setHeader("content-length", bytes.length);
  response.writeHead(statusCode);
  response.end(bytes);
}

/** The body, or undefined as soon as it is larger than the limit: the rest is not read. */
export async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > MOST_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  const events = request.iterator({ destroyOnReturn: false });
  for await (const chunk of events as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Clients of proxies may send the whole URL instead of the path. */
function target(url: string): { path: string; query: string } {
  const local = url.replace(/^https?:\/\/[^/?]*/i, "");
  const at = local.indexOf("?");
  const path = at < 0 ? local : local.slice(0, at);
  return {
    path: path.startsWith("/") ? path : `/${path}`,
    query: at < 0 ? "" : local.slice(at + 1),
  };
}

function joinedHeaders(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headersDistinct).map(([name, values]) => [
      name,
      (values ?? []).join(name === "cookie" ? "; " : ","),
    ]),
  );
}

function joinedParameters(query: string): Record<string, string> {
  const joined = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(joined);
}

function utf8(body: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}
