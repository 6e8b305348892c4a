import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type { Log } from "../log.ts";
import { gatewayEvent, MOST_BYTES, readBody, writeResult } from "./gateway.ts";
import { isOurHost, urlHost } from "./host.ts";
import { type ListenOptions, listen, refuseOpenAddress } from "./listen.ts";

/** How long a client that sends too much may take to notice that it was answered. */
const LINGER_MS = 1000;

export type ServerOptions = ListenOptions & {
  /** Host names by which a proxy in front of it is called. */
  names?: readonly string[];
  invoke: (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>;
  log: Log;
};

export type LocalServer = {
  url: string;
  port: number;
  /** No new connections; resolves when the requests under way have been answered. */
  stop: () => Promise<void>;
  /** Cuts off what is still open. */
  cutOff: () => void;
};

/**
 * An HTTP server before the API's handler, as API Gateway is. Throws, saying what to do, when the
 * address is open to others without TLS, or when it cannot be listened on.
 */
export async function httpServer(options: ServerOptions): Promise<LocalServer> {
  const { address } = options;
  refuseOpenAddress(options);
  const server = createServer(
    {
      // A client that sends slowly on purpose holds a connection for this long, and no longer.
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 2_000,
      maxHeaderSize: 16 * 1024,
      // Without a Host it is not ours either, and we say so; Node's own answer is an empty one.
      requireHostHeader: false,
    },
    (request, response) => serve(options, request, response),
  );
  server.maxConnections = 1000;
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    if (Number(request.headers["content-length"] ?? 0) <= MOST_BYTES) response.writeContinue();
    return serve(options, request, response);
  });
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    refuse(request, response, {
      status: 417,
      title: "Not to be expected here",
      code: "request.invalid",
      detail: "Expect takes 100-continue only.",
    });
  });
  server.on("clientError", refuseUnreadable);
  const port = await listen(server, options);
  return {
    url: `http://${urlHost(isWildcard(address) ? "127.0.0.1" : address)}:${port}`,
    port,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      // A kept-alive connection is idle, and can be closed, only once its last answer is out.
      const closing = setInterval(() => server.closeIdleConnections(), 50);
      await closed;
      clearInterval(closing);
    },
    cutOff: () => server.closeAllConnections(),
  };
}

/** Connections with a request that is being answered. */
const answering = new WeakSet<Duplex>();

async function serve(
  { address, names = [], invoke, log }: ServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { socket } = request;
  answering.add(socket);
  response.once("close", () => answering.delete(socket));
  try {
    if (!isOurHost(request.headers.host, { address, names })) {
      return refuse(request, response, {
        status: 421,
        title: "Not the host that was asked for",
        code: "request.misdirected",
        detail: `This server answers to ${[address, ...names].join(", ")} and to loopback names only: call it by one of these, or add the name that a proxy in front of it is called by to \`names\` under \`server\`.`,
      });
    }
    const body = await readBody(request);
    if (body === undefined) {
      return refuse(request, response, {
        status: 413,
        title: "The body is too large",
        code: "request.too_large",
        detail: "A body has at most 64 KiB.",
      });
    }
    writeResult(response, await invoke(gatewayEvent(request, body)));
  } catch (error) {
    if (request.errored || response.destroyed) return;
    log.error("request not answered", { method: request.method, error });
    if (response.headersSent) return void response.destroy();
    refuse(request, response, {
      status: 500,
      title: "Internal Server Error",
      code: "internal",
      detail: "Something went wrong inside Heat Spreader; its log has more.",
    });
  }
}

type Refusal = { status: number; title: string; code: string; detail: string };

function bodyOf(problem: Refusal) {
  const body = JSON.stringify({ type: "about:blank", ...problem, request_id: randomUUID() });
  const headers = {
    "content-type": "application/problem+json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    connection: "close",
  };
  return { headers, body };
}

/** Answers without reading on, and closes: at once would be a reset that hides the answer. */
function refuse(request: IncomingMessage, response: ServerResponse, problem: Refusal): void {
  const { headers, body } = bodyOf(problem);
  response.writeHead(problem.status, headers);
  response.end(body);
  const { socket } = request;
  request.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** What Node's parser gives up on, by its code; all else is a 400. */
const unreadable: Record<string, Refusal> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    title: "The headers are too large",
    code: "request.too_large",
    detail: "Path and headers have at most 16 KiB together.",
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    title: "The body is too large",
    code: "request.too_large",
    detail: "Its chunks' extensions have at most 16 KiB.",
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    title: "The request took too long",
    code: "request.timeout",
    detail: "A request is to arrive within 30 seconds, its headers within 10.",
  },
};
const noHttp: Refusal = {
  status: 400,
  title: "The request cannot be understood",
  code: "request.invalid",
  detail: "What was sent is not HTTP/1.1.",
};

/** Answers what never became a request, and closes. An answer under way is not written into. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  const code = error.code ?? "";
  if (code === "ECONNRESET" || !socket.writable || answering.has(socket)) {
    return void socket.destroy();
  }
  const problem = Object.hasOwn(unreadable, code) ? (unreadable[code] ?? noHttp) : noHttp;
  const { headers, body } = bodyOf(problem);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const first = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`;
  socket.end([first, ...lines, "", body].join("\r\n"));
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function isWildcard(address: string): boolean {
  return ["0.0.0.0", "::", "[::]"].includes(address);
}
