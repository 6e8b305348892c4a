import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import * as z from "zod";
import { Event } from "../event/schema.ts";
import type { Log } from "../log.ts";

/** How many facts are kept in memory; the table has all of them. */
const KEPT = 1000;

const Call = z.object({
  Entries: z
    .array(z.object({ Detail: z.string() }))
    .min(1)
    .max(10),
});
type Result = { EventId: string } | { ErrorCode: string; ErrorMessage: string };

export type LocalBus = {
  /** For AWS_ENDPOINT_URL_EVENTBRIDGE. */
  endpoint: string;
  /** The newest facts, oldest first. */
  facts: () => Event[];
  stop: () => Promise<void>;
};

/**
 * An event bus on a loopback port that speaks EventBridge's PutEvents: hands each fact on, once
 * however often it is announced, and keeps the newest 1,000. A fact that could not be handed on is
 * refused, and comes again.
 */
export async function localBus(options: {
  /** Waited for. */
  onFact: (event: Event) => unknown;
  log: Log;
}): Promise<LocalBus> {
  const { onFact, log } = options;
  const kept = new Map<string, Event>();

  async function take(detail: string): Promise<Result> {
    const parsed = Event.safeParse(jsonOf(detail));
    if (!parsed.success) {
      log.warning("fact refused", { error: parsed.error });
      return { ErrorCode: "MalformedDetail", ErrorMessage: "The detail is not an event." };
    }
    try {
      if (!kept.has(parsed.data.id)) await onFact(parsed.data);
    } catch (error) {
      log.warning("fact not handed on", { event: parsed.data.id, error });
      return { ErrorCode: "InternalFailure", ErrorMessage: "The event could not be handed on." };
    }
    kept.set(parsed.data.id, parsed.data);
    const [oldest] = kept.keys();
    if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
    return { EventId: randomUUID() };
  }

  const server = createServer(async (request, response) => {
    const reply = await answer(request, take);
    response.writeHead(reply.status, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    facts: () => [...kept.values()],
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  request: IncomingMessage,
  take: (detail: string) => Promise<Result>,
): Promise<{ status: number; body: unknown }> {
  if (request.headers["x-amz-target"] !== "AWSEvents.PutEvents") {
    return { status: 400, body: { __type: "UnknownOperationException" } };
  }
  const call = Call.safeParse(await json(request).catch(() => undefined));
  if (!call.success) {
    return { status: 400, body: { __type: "ValidationException", message: call.error.message } };
  }
  const results: Result[] = [];
  for (const { Detail } of call.data.Entries) results.push(await take(Detail));
  const refused = results.filter((result) => "ErrorCode" in result).length;
  return { status: 200, body: { FailedEntryCount: refused, Entries: results } };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
