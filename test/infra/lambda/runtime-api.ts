import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** What a function that threw reports, as Lambda hands it on. */
export type FunctionError = Error & { errorType: string; trace: string[] };

export type RuntimeApi = {
  /** For AWS_LAMBDA_RUNTIME_API. */
  address: string;
  /** Resolves when the function asks for its first event; rejects with what failed at init. */
  ready: Promise<void>;
  /** Hands an event over, and resolves with the answer. Rejects with a FunctionError where it threw. */
  invoke: (event: unknown) => Promise<unknown>;
  /** Ends everything that waits with this error: the process is gone, say. */
  fail: (error: Error) => void;
  stop: () => Promise<void>;
};

type Invocation = { id: string; event: unknown; answer: PromiseWithResolvers<unknown> };

/** Paths of Lambda's Runtime API, version 2018-06-01. */
const PREFIX = "/2018-06-01/runtime";

/**
 * Lambda's Runtime API on a loopback port, for one execution environment: one event at a time, in
 * order. `onIdle` is called whenever the function asks for an event and there is none, `onBusy` before
 * it is handed one.
 */
export async function runtimeApi(options: {
  functionArn: string;
  timeoutMs: number;
  onIdle: () => void;
  onBusy: () => void;
}): Promise<RuntimeApi> {
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  const queue: Invocation[] = [];
  const running = new Map<string, Invocation>();
  let asking: ServerResponse | undefined;

  function handOver(): void {
    const invocation = asking && queue.shift();
    if (!asking || !invocation) return;
    running.set(invocation.id, invocation);
    options.onBusy();
    asking.writeHead(200, {
      "content-type": "application/json",
      "lambda-runtime-aws-request-id": invocation.id,
      "lambda-runtime-deadline-ms": String(Date.now() + options.timeoutMs),
      "lambda-runtime-invoked-function-arn": options.functionArn,
      "lambda-runtime-trace-id": "Root=1-00000000-000000000000000000000000;Sampled=0",
    });
    asking.end(JSON.stringify(invocation.event));
    asking = undefined;
  }

  function fail(error: Error): void {
    ready.reject(error);
    for (const { answer } of [...running.values(), ...queue.splice(0)]) answer.reject(error);
    running.clear();
  }

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.startsWith(PREFIX) ? request.url.slice(PREFIX.length) : "";
    if (request.method === "GET" && path === "/invocation/next") {
      asking = response;
      ready.resolve();
      options.onIdle();
      return handOver();
    }
    const [, id, outcome] = /^\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    const invocation = running.get(decodeURIComponent(id ?? ""));
    const sent: unknown = await json(request).catch(() => undefined);
    if (path === "/init/error") fail(errorOf(sent));
    else if (invocation) {
      running.delete(invocation.id);
      if (outcome === "response") invocation.answer.resolve(sent);
      else invocation.answer.reject(errorOf(sent));
    } else return void response.writeHead(404).end();
    response.writeHead(202, { "content-type": "application/json" }).end('{"status":"OK"}');
  }

  const server = createServer((request, response) => {
    take(request, response).catch((error) => fail(error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    ready: ready.promise,
    invoke: async (event) => {
      await ready.promise;
      const invocation = { id: randomUUID(), event, answer: Promise.withResolvers<unknown>() };
      queue.push(invocation);
      handOver();
      return invocation.answer.promise;
    },
    fail,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function errorOf(sent: unknown): FunctionError {
  const { errorMessage, errorType, trace } = (sent ?? {}) as Record<string, unknown>;
  const traced = Array.isArray(trace) ? trace.map(String) : [];
  const own = { errorType: String(errorType), trace: traced };
  return Object.assign(new Error(String(errorMessage)), own);
}
