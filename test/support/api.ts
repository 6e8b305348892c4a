import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Context } from "aws-lambda";
import { monotonicFactory } from "ulid";
import { type ApiEvent, app } from "../../lib/api/app.ts";
import { tokenEntries } from "../../lib/api/auth.ts";
import { allHandlers } from "../../lib/api/handlers/all.ts";
import type { Problem } from "../../lib/api/schema.ts";
import type { CloudName, Seen, Verdict, VerdictKind } from "../../lib/cloud/schema.ts";
import { config } from "../../lib/config.ts";
import { type LogLine, log } from "../../lib/log.ts";
import type { Share, StackName, Status } from "../../lib/stack/schema.ts";
import { cloudTable } from "../../lib/table/clouds.ts";
import { eventTable } from "../../lib/table/events.ts";
import type { Table } from "../../lib/table/item.ts";
import { stackTable } from "../../lib/table/stacks.ts";
import { memoryTable } from "./memory-table.ts";

export const tokens = { operator: "op-secret", reader: "read-secret", vantage: "vantage-secret" };

export type Sent = {
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: string;
  base64?: boolean;
  headers?: Record<string, string>;
  /** Undefined: the operator's; null: none. */
  token?: string | null;
  query?: Record<string, string>;
  claims?: Record<string, unknown>;
};

// biome-ignore lint/suspicious/noExplicitAny: a test looks into what it got
export type Got = { status: number; headers: Record<string, string>; body: any; text: string };

/** An event as API Gateway's HTTP API makes it (payload 2.0). */
export function apiEvent(method: string, path: string, sent: Sent = {}): ApiEvent {
  const { body, raw, base64 = false, token = tokens.operator, query, claims } = sent;
  const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const headers = {
    Host: "heat-spreader.example",
    ...(text === undefined ? {} : { "Content-Type": "application/json" }),
    ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
    ...sent.headers,
  };
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: new URLSearchParams(query).toString(),
    headers,
    ...(query === undefined ? {} : { queryStringParameters: query }),
    requestContext: {
      requestId: "request-1",
      http: { method },
      ...(claims === undefined ? {} : { authorizer: { jwt: { claims } } }),
    },
    ...(text === undefined ? {} : { body: base64 ? Buffer.from(text).toString("base64") : text }),
    isBase64Encoded: base64,
  };
}

/** The API's own handler over a table (in memory unless given), with its log and stores at hand. */
export function testApi(
  options: {
    table?: Table;
    now?: () => Date;
    apiTokens?: string;
    environment?: Record<string, string>;
  } = {},
) {
  const { table = memoryTable(), now = () => new Date() } = options;
  const lines: LogLine[] = [];
  const ulid = monotonicFactory();
  const clouds = cloudTable(table);
  const stacks = stackTable(table);
  const environment = { TABLE_NAME: "table", BUS_NAME: "bus", ...options.environment };
  const { reconcile: settings, judging, witness } = config(environment);
  const stores = { ...clouds, ...stacks, ...eventTable(table) };
  const deps = { ...stores, now, newId: () => ulid(now().getTime()), settings, judging, witness };
  const handler = app({
    handlers: allHandlers(deps),
    tokens: tokenEntries(options.apiTokens ?? defaultTokens()),
    roleClaim: "role",
    log: log({ level: "DEBUG", write: (line) => lines.push(line) }),
  });
  const call = async (method: string, path: string, sent?: Sent): Promise<Got> => {
    const context = { awsRequestId: "invocation-1" } as Context;
    const result = await handler(apiEvent(method, path, sent), context);
    const text = result.body ?? "";
    const isJson = result.headers["content-type"]?.includes("json") && text !== "";
    const body = isJson ? JSON.parse(text) : undefined;
    return { status: result.statusCode ?? 0, headers: result.headers, body, text };
  };
  return {
    call,
    handler,
    table,
    stores,
    lines,
    settings,
    /** As ticks would: these clouds are known. */
    know: async (verdicts: Record<string, VerdictKind>) => {
      for (const [cloud, kind] of Object.entries(verdicts)) {
        await clouds.saveVerdict(verdictOf(cloud, kind), undefined, []);
      }
    },
    /** As a reconcile would: shares and what was seen, all of it in place. */
    settle: (name: string, counts: Record<string, number>) => settle(stores, name, counts),
  };
}

export function defaultTokens(): string {
  return (["operator", "reader", "vantage"] as const)
    .map((role) => `${role}-1:${role}:${sha256(tokens[role])}`)
    .join(",");
}

export function sha256(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** Asserts a problem of this status and code, and returns it. */
export function problemIn(got: Got, status: number, code: string): Problem {
  assert.equal(got.status, status, got.text);
  assert.match(got.headers["content-type"] ?? "", /application\/problem\+json/);
  const problem = got.body as Problem;
  assert.equal(problem.code, code, got.text);
  assert.equal(problem.status, status);
  assert.equal(problem.request_id, "request-1");
  return problem;
}

export function verdictOf(cloud: string, verdict: VerdictKind): Verdict {
  const at = new Date(Date.now() - 60_000).toISOString();
  return {
    cloud: cloud as CloudName,
    verdict,
    since: at,
    at,
    reason: "the test says so",
    votes: [],
    ...(verdict === "suspected" || verdict === "unreachable" ? { lost_at: at } : {}),
  };
}

async function settle(
  stores: ReturnType<typeof stackTable>,
  name: string,
  counts: Record<string, number>,
): Promise<void> {
  const stack_name = name as StackName;
  const view = await stores.readStackView(stack_name);
  assert.ok(view.stack);
  const { uid, generation, count_parameter } = view.stack;
  const version = (view.status?.version ?? 0) + 1;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const status: Status = {
    stack_name,
    version,
    uid,
    observed_generation: generation,
    old_total: total,
    inputs: { generation },
    open: [],
    attempts: 0,
    state: "converged",
    conditions: [],
  };
  const shares = Object.entries(counts).map(([cloud, desired]) => {
    const share: Share = { stack_name, cloud: cloud as CloudName, desired, version, attempts: 0 };
    return { share, push_id_read: undefined };
  });
  const isSaved = await stores.saveReconciled({
    status,
    version_read: view.status?.version,
    shares,
    removed: [],
    events: [],
    declaration: { uid, generation },
  });
  assert.ok(isSaved);
  for (const [cloud, count] of Object.entries(counts)) {
    const seen: Seen = {
      cloud: cloud as CloudName,
      stack_name: name,
      read_at: new Date().toISOString(),
      parameter: count_parameter,
      count,
      in_place: count,
      heat_status: "UPDATE_COMPLETE",
      updated_time: null,
      heat_stack_id: `${cloud}-${name}`,
    };
    await stores.saveSeen(seen, undefined);
  }
}
