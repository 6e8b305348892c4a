import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
} from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";

export type Request = {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** Parsed; undefined where there is none, or no JSON. */
  body: unknown;
};
export type Reply = { status: number; headers?: Record<string, string>; body?: unknown };

export type ServiceState = "up" | "frozen" | "down";

export type Service = {
  /** `http://127.0.0.1:<port>`, the same for as long as it lives. */
  origin: string;
  /** Connections are refused from now on, and what was under way is lost. */
  down: () => Promise<void>;
  /** Connects, and never answers; what is asked meanwhile is carried out after `up`, as real services do. */
  freeze: () => void;
  up: () => Promise<void>;
  state: () => ServiceState;
  /** Answers everything so, until told `undefined`. */
  answerWith: (reply: Reply | undefined) => void;
  requests: () => Load;
};

/** Requests to one or several services: how many so far, now, and at the most at one time. */
export type Load = { total: number; underWay: number; mostAtOnce: number };

/** A load before the first request. */
export function noLoad(): Load {
  return { total: 0, underWay: 0, mostAtOnce: 0 };
}

/** One service of a simulated cloud on a loopback port, over real HTTP. Counts itself in `loads`. */
export async function service(options: {
  answer: (request: Request) => Reply;
  latencyMs: number;
  loads?: Load[];
}): Promise<Service> {
  const { answer, latencyMs } = options;
  let state: ServiceState = "up";
  let moved = Promise.withResolvers<void>();
  let override: Reply | undefined;
  const own = noLoad();
  const loads = [own, ...(options.loads ?? [])];
  const move = (to: ServiceState) => {
    state = to;
    moved.resolve();
    moved = Promise.withResolvers();
  };

  async function replyTo(request: Request): Promise<Reply | undefined> {
    for (const load of loads) {
      load.total += 1;
      load.underWay += 1;
      load.mostAtOnce = Math.max(load.mostAtOnce, load.underWay);
    }
    if (latencyMs > 0) await pause(latencyMs);
    while (state === "frozen") await moved.promise;
    for (const load of loads) load.underWay -= 1;
    return state === "up" ? (override ?? answer(request)) : undefined;
  }

  let server = listener(replyTo);
  const port = await listen(server, 0);
  return {
    origin: `http://127.0.0.1:${port}`,
    down: async () => {
      if (state === "down") return;
      move("down");
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    freeze: () => move("frozen"),
    up: async () => {
      if (state === "down") {
        server = listener(replyTo);
        await listen(server, port);
      }
      move("up");
    },
    state: () => state,
    answerWith: (reply) => {
      override = reply;
    },
    requests: () => ({ ...own }),
  };
}

function listener(replyTo: (request: Request) => Promise<Reply | undefined>): Server {
  return createServer(async (incoming, response) => {
    const request = await requestOf(incoming).catch(() => undefined);
    const reply = request && (await replyTo(request));
    if (reply === undefined) return void response.destroy();
    const isJson = reply.body !== undefined;
    response.writeHead(reply.status, {
      ...(isJson ? { "content-type": "application/json" } : {}),
      ...reply.headers,
    });
    response.end(isJson ? JSON.stringify(reply.body) : undefined);
  });
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const url = new URL(incoming.url ?? "/", "http://cloud");
  const body = await text(incoming);
  return {
    method: incoming.method ?? "GET",
    path: decodeURI(url.pathname),
    query: url.searchParams,
    headers: incoming.headers,
    body: jsonOf(body),
  };
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return (server.address() as AddressInfo).port;
}
