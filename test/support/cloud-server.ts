import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** What a test sees of a request, and how it answers. */
export type Call = {
  method: string;
  path: string;
  query: URLSearchParams;
  token: string | undefined;
  headers: IncomingMessage["headers"];
  body: string;
  response: ServerResponse;
};
export type Answer = (call: Call) => void;

export type TestStack = {
  id: string;
  stack_name: string;
  stack_status: string;
  stack_status_reason?: string;
  parameters: Record<string, string>;
  updated_time: string | null;
};

export type CloudServer = {
  /** Without a path: Keystone is at /v3, Heat at /v1/<project id>. */
  origin: string;
  projectId: string;
  /** Every request that arrived, oldest first. */
  calls: Call[];
  /** Calls of one method and path. */
  callsOf: (route: string) => Call[];
  /** Answers this route (`PATCH /v1/...`; `*` ends a prefix) so, until told otherwise; undefined: as a good cloud does. */
  answers: (route: string, answer: Answer | undefined) => void;
  /** Read afresh by every request. */
  cloud: {
    password: string;
    tokenLifetimeMs: number;
    catalog: unknown[];
    stacks: TestStack[];
    /** Tokens that Heat takes. */
    tokens: Set<string>;
  };
  close: () => Promise<void>;
};

export const PASSWORD = "a-password-that-no-fault-may-hold";
export const PROJECT = "7c8d41c5e1f24b0fa1f2f0c0ffee0001";

/** An entry of clouds.yaml for it, as PyYAML would read it; `changes` go over it. */
export function entryFor({ origin }: { origin: string }, changes: object = {}) {
  return {
    auth: { auth_url: `${origin}/v3`, username: "demo", password: PASSWORD, project_name: "demo" },
    region_name: "RegionOne",
    ...changes,
  };
}

/** A certificate or key of test/support/certificates, as PEM. */
export function pem(name: string): string {
  return readFileSync(join(import.meta.dirname, "certificates", `${name}.pem`), "utf8");
}

/**
 * Keystone and Heat on one port of loopback, behaving as FACTS of real ones have it until a test says
 * otherwise for a route. With `certificate`, over TLS.
 */
export async function cloudServer(
  options: { certificate?: string; clientCa?: string } = {},
): Promise<CloudServer> {
  const calls: Call[] = [];
  const routes = new Map<string, Answer>();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const answered = received(request).then((body) => {
      const url = new URL(request.url ?? "/", "http://cloud");
      const call: Call = {
        method: request.method ?? "",
        path: url.pathname,
        query: url.searchParams,
        token: request.headers["x-auth-token"]?.toString(),
        headers: request.headers,
        body,
        response,
      };
      calls.push(call);
      const route = [...routes].find(([pattern]) => matches(pattern, call));
      if (route) route[1](call);
      else if (call.path.startsWith("/v3")) keystone(self, call);
      else heat(self, call);
    });
    // The client went away before its request was whole.
    answered.catch(() => response.destroy());
  };
  const server: Server = options.certificate
    ? createTlsServer(
        {
          cert: pem(options.certificate),
          key: pem("key"),
          ...(options.clientCa ? { ca: pem(options.clientCa), requestCert: true } : {}),
        },
        listener,
      )
    : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `${options.certificate ? "https" : "http"}://127.0.0.1:${port}`;
  const self: CloudServer = {
    origin,
    projectId: PROJECT,
    calls,
    callsOf: (route) => calls.filter((call) => matches(route, call)),
    answers(route, answer) {
      routes.delete(route);
      if (answer) routes.set(route, answer);
    },
    cloud: {
      password: PASSWORD,
      tokenLifetimeMs: 3_600_000,
      catalog: [heatService(`${origin}/v1/${PROJECT}`)],
      stacks: [],
      tokens: new Set(),
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return self;
}

/** Heat in a catalog, all three interfaces of one region. */
export function heatService(url: string, region = "RegionOne") {
  const endpoints = ["admin", "internal", "public"].map((name) => ({
    interface: name,
    region_id: region,
    region,
    url,
  }));
  return { type: "orchestration", name: "heat", endpoints };
}

/** Sends JSON as Heat does. */
export function json(call: Call, status: number, body: unknown, headers = {}): void {
  call.response.writeHead(status, { "content-type": "application/json", ...headers });
  call.response.end(JSON.stringify(body));
}

/** Heat's own form of an error; a 500 has no message. */
export function heatError(call: Call, code: number, type: string, message?: string): void {
  const error = { type, traceback: null, ...(message === undefined ? {} : { message }) };
  json(call, code, { code, title: "Error", explanation: "...", error });
}

/** Keystone's form of an error, and its middleware's in front of Heat. */
export function keystoneError(call: Call, code: number): void {
  json(call, code, { error: { code, title: "Error", message: "The request ..." } });
}

function matches(route: string, { method, path }: Call): boolean {
  const asked = `${method} ${path}`;
  return route.endsWith("*") ? asked.startsWith(route.slice(0, -1)) : asked === route;
}

async function received(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function keystone({ cloud, projectId }: CloudServer, call: Call): void {
  if (call.method === "GET" && call.path === "/v3") {
    json(call, 200, { version: { id: "v3.14", status: "stable" } });
    return;
  }
  if (call.method !== "POST" || call.path !== "/v3/auth/tokens") {
    keystoneError(call, 404);
    return;
  }
  const { identity } = JSON.parse(call.body).auth;
  const secret =
    identity.password?.user.password ??
    identity.application_credential?.secret ??
    identity.token?.id;
  if (secret !== cloud.password) {
    keystoneError(call, 401);
    return;
  }
  const token = `gAAAA${randomBytes(20).toString("hex")}`;
  cloud.tokens.add(token);
  const issuedAt = Date.now();
  const body = {
    issued_at: new Date(issuedAt).toISOString(),
    expires_at: new Date(issuedAt + cloud.tokenLifetimeMs).toISOString(),
    project: { id: projectId, name: "demo", domain: { id: "default", name: "Default" } },
    catalog: cloud.catalog,
  };
  json(call, 201, { token: body }, { "x-subject-token": token });
}

function heat({ cloud, origin, projectId }: CloudServer, call: Call): void {
  const base = `/v1/${projectId}/stacks`;
  if (!cloud.tokens.has(call.token ?? "")) keystoneError(call, 401);
  else if (!call.path.startsWith(base)) heatError(call, 403, "HTTPForbidden", "Access was denied.");
  else if (call.path === base) list(cloud.stacks, call, origin + base);
  else {
    const [name, id, rest] = call.path
      .slice(base.length + 1)
      .split("/")
      .map(decodeURIComponent);
    const stack = cloud.stacks.find((one) => one.stack_name === name && one.id === id);
    if (!stack) heatError(call, 404, "EntityNotFound", `The Stack (${name}) could not be found.`);
    else if (call.method === "PATCH") patch(stack, call);
    else if (rest === "events")
      json(call, 200, { events: [{ event_time: "2026-11-20T16:17:50Z" }] });
    else
      json(call, 200, { stack: { ...item(stack), parameters: stack.parameters, timeout_mins: 5 } });
  }
}

/** FACTS: a marker that there is not gives the first page again; a full page has a next one, even if empty. */
function list(stacks: TestStack[], call: Call, url: string): void {
  const name = call.query.get("name");
  const found = stacks.filter((stack) => name === null || stack.stack_name === name);
  const start = found.findIndex((stack) => stack.id === call.query.get("marker")) + 1;
  const limit = Number(call.query.get("limit") ?? found.length);
  const page = found.slice(start, start + limit);
  const last = page.at(-1);
  const next = last && page.length === limit && call.query.has("limit");
  const href = `${url}?limit=${limit}&marker=${last?.id}`;
  json(call, 200, { stacks: page.map(item), ...(next ? { links: [{ rel: "next", href }] } : {}) });
}

function patch(stack: TestStack, call: Call): void {
  Object.assign(stack.parameters, JSON.parse(call.body).parameters);
  stack.stack_status = "UPDATE_IN_PROGRESS";
  call.response.writeHead(202, { "content-type": "text/html" });
  call.response.end("<html>The request is accepted for processing.</html>");
}

function item({ id, stack_name, stack_status, stack_status_reason, updated_time }: TestStack) {
  return {
    id,
    stack_name,
    stack_status,
    stack_status_reason: stack_status_reason ?? "Stack CREATE completed successfully",
    creation_time: "2026-11-20T16:17:50Z",
    updated_time,
    links: [],
    tags: [],
  };
}
