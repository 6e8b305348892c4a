import { randomBytes } from "node:crypto";
import type { APIGatewayProxyEventV2 } from "aws-lambda";

export type Sent = {
  body?: unknown;
  token?: string;
  query?: Record<string, string>;
  /** Of a JWT that API Gateway's authorizer has verified. */
  claims?: Record<string, string>;
};

/** A request as an HTTP API of API Gateway hands it over (payload 2.0), with all that it adds. */
export function apiEvent(method: string, path: string, sent: Sent = {}): APIGatewayProxyEventV2 {
  const { body, token, query, claims } = sent;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const domainPrefix = "a1b2c3d4e5";
  const host = `${domainPrefix}.execute-api.eu-west-1.amazonaws.com`;
  const sourceIp = "192.0.2.1";
  const userAgent = "heat-spreader/1.0.0";
  const authorizer = { jwt: { claims, scopes: null } };
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: {
      accept: "application/json",
      "accept-encoding": "gzip, deflate, br",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      "content-length": String(Buffer.byteLength(text ?? "")),
      ...(text === undefined ? {} : { "content-type": "application/json" }),
      host,
      "user-agent": userAgent,
      "x-amzn-trace-id": "Root=1-00000000-000000000000000000000000",
      "x-forwarded-for": sourceIp,
      "x-forwarded-port": "443",
      "x-forwarded-proto": "https",
    },
    ...(query === undefined ? {} : { queryStringParameters: query }),
    requestContext: {
      accountId: "123456789012",
      apiId: domainPrefix,
      ...(claims === undefined ? {} : { authorizer }),
      domainName: host,
      domainPrefix,
      http: { method, path, protocol: "HTTP/1.1", sourceIp, userAgent },
      requestId: randomBytes(11).toString("base64"),
      routeKey: "$default",
      stage: "$default",
      time: "21/Nov/2026:06:00:00 +0000",
      timeEpoch: Date.parse("2026-11-21T06:00:00Z"),
    },
    ...(text === undefined ? {} : { body: text }),
    isBase64Encoded: false,
  };
}

/** What a schedule sends at this time: its planned input, in which the scheduler fills this in. */
export function scheduled(input: string, at: Date): unknown {
  const time = `${at.toISOString().slice(0, 19)}Z`;
  return JSON.parse(input.replaceAll("<aws.scheduler.scheduled-time>", time));
}
