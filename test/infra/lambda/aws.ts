import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { definition } from "../../../lib/table/definition.ts";
import { type Call, covers, type Grant } from "./grants.ts";

export type Aws = {
  /** For AWS_ENDPOINT_URL. */
  endpoint: string;
  /** What was asked for so far, by whom; a transaction counts as its single writes. */
  calls: readonly Call[];
  /** What was refused of it, in IAM's words. */
  refusals: readonly string[];
  stop: () => Promise<void>;
};

type Scope = { role: string; region: string; service: string };
type Asked = Omit<Call, "role">;

/** Actions that a write of a transaction needs: not its own name, but theirs. */
const ofTransaction: Record<string, string> = {
  Put: "dynamodb:PutItem",
  Update: "dynamodb:UpdateItem",
  Delete: "dynamodb:DeleteItem",
  ConditionCheck: "dynamodb:ConditionCheckItem",
};

/**
 * AWS as functions reach it, on one loopback port: DynamoDB and EventBridge, each call handed on to
 * the stand-in of its service. The key of a call's signature names the role; a call that `grants` does
 * not let that role make is refused, as IAM refuses it; services in `outages` answer 503.
 */
export async function aws(options: {
  account: string;
  /** By the service's name in a signature, where it answers. */
  services: Record<string, string>;
  /** Looked up at each call: those of functions that start later are added later. */
  grants: readonly Grant[];
  outages: ReadonlySet<string>;
}): Promise<Aws> {
  const { account, services, grants, outages } = options;
  const calls: Call[] = [];
  const refusals: string[] = [];

  async function answer(request: IncomingMessage): Promise<Response> {
    const scope = scopeOf(request.headers);
    const upstream = services[scope.service];
    const body = await text(request);
    if (upstream === undefined) return refusal(`There is no ${scope.service} here.`);
    const target = String(request.headers["x-amz-target"]);
    for (const asked of askedFor(target, JSON.parse(body), { ...scope, account })) {
      const call = { role: scope.role, ...asked };
      calls.push(call);
      if (grants.some((grant) => covers(grant, call))) continue;
      const message = deniedTo(call, account);
      refusals.push(message);
      return refusal(message);
    }
    if (outages.has(scope.service)) return Response.json({}, { status: 503 });
    return fetch(upstream, { method: "POST", headers: handedOn(request.headers), body });
  }

  const server = createServer(async (request, response) => {
    try {
      const reply = await answer(request);
      response.writeHead(reply.status, handedOn(Object.fromEntries(reply.headers)));
      response.end(Buffer.from(await reply.arrayBuffer()));
    } catch (error) {
      // As a service that cannot be reached: the stand-in behind it is away.
      response.destroy(error instanceof Error ? error : undefined);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    calls,
    refusals,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Who signed a call, and for which region and service. */
function scopeOf({ authorization = "" }: IncomingHttpHeaders): Scope {
  const [, role = "", region = "", service = ""] =
    /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\/aws4_request/.exec(authorization) ?? [];
  return { role, region, service };
}

// biome-ignore lint/suspicious/noExplicitAny: the body of any call
type Body = any;

/** What IAM is asked for a call, with the resources that AWS's service authorization reference names. */
function askedFor(target: string, body: Body, of: Scope & { account: string }): Asked[] {
  const [, operation = ""] = target.split(".");
  const action = `${of.service}:${operation}`;
  const prefix = `arn:aws:${of.service}:${of.region}:${of.account}:`;
  const table = (name: string) => `${prefix}table/${name}`;
  switch (operation) {
    case "PutEvents":
      return body.Entries.map((entry: Body) => ({
        action,
        resource: `${prefix}event-bus/${entry.EventBusName}`,
      }));
    case "BatchGetItem":
      return Object.entries<Body>(body.RequestItems).map(([name, { Keys }]) => ({
        ...{ action, resource: table(name) },
        leadingKeys: Keys.map(leadingKey),
      }));
    case "TransactWriteItems":
      return body.TransactItems.flatMap((item: Body) =>
        Object.entries<Body>(item).map(([kind, { TableName, Item, Key = Item }]) => ({
          action: String(ofTransaction[kind]),
          resource: table(TableName),
          leadingKeys: [leadingKey(Key)],
        })),
      );
    case "Query": {
      const index = body.IndexName === undefined ? "" : `/index/${body.IndexName}`;
      return [{ action, resource: `${table(body.TableName)}${index}` }];
    }
    default: {
      const { TableName, Item, Key = Item } = body;
      return [{ action, resource: table(TableName), leadingKeys: [leadingKey(Key)] }];
    }
  }
}

function leadingKey(key: Body): string {
  return key[definition.hashKey].S;
}

function deniedTo({ role, action, resource }: Call, account: string): string {
  const user = `arn:aws:sts::${account}:assumed-role/${role}/function`;
  return `User: ${user} is not authorized to perform: ${action} on resource: ${resource}`;
}

function refusal(message: string): Response {
  const __type = "com.amazon.coral.service#AccessDeniedException";
  return Response.json({ __type, Message: message }, { status: 400 });
}

function handedOn(headers: IncomingHttpHeaders): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) =>
    /^(authorization|content-type|x-amzn?-.*)$/.test(name),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}
