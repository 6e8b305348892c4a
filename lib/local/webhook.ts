import { envelope } from "../event/envelope.ts";
import type { Event } from "../event/schema.ts";
import type { Log } from "../log.ts";
import { version } from "../version.ts";
import { bell } from "./bell.ts";
import type { Outbox } from "./outbox.ts";
import { post } from "./post.ts";

/** Where events go, and what goes with them. Both may hold secrets: neither is ever logged. */
export type WebhookTarget = { url: string; headers: Record<string, string> };

export type WebhookSettings = {
  /** As long as EventBridge waits for an API destination. */
  timeoutMs: number;
  /** The first pause after a failure; doubles up to the longest. */
  pauseMs: number;
  longestPauseMs: number;
  /** An event that could not be delivered for so long is given up on. */
  oldestMs: number;
  /** So many wait at most; what comes on top is given up on at once. */
  most: number;
};

export const webhookSettings: WebhookSettings = {
  timeoutMs: 5_000,
  pauseMs: 1_000,
  longestPauseMs: 300_000,
  oldestMs: 24 * 3_600_000,
  most: 10_000,
};

export type WebhookOptions = {
  target: WebhookTarget;
  outbox: Outbox;
  /** Keeps an event that was given up on. */
  bury: (event: Event, why: { attempts: number; reason: string }) => Promise<void>;
  log: Log;
  settings?: Partial<WebhookSettings>;
};

export type Webhook = {
  /** Resolves when the event is kept until it is delivered; waits for no delivery. */
  add: (event: Event) => Promise<void>;
  /** Lets a delivery under way end. What is not delivered waits for the next start. */
  stop: () => Promise<void>;
};

type Pending = { event: Event; attempts: number; notBefore: number };

/**
 * Delivers events to a URL, in EventBridge's envelope, at least once and one at a time, until it
 * answers 2xx. An event that is refused keeps no other waiting, so order is not kept, as EventBridge
 * keeps none: each try is of the oldest whose pause is over. Begins with what an earlier start left
 * in the outbox.
 */
export async function webhook(options: WebhookOptions): Promise<Webhook> {
  const { outbox, bury, log } = options;
  const settings = { ...webhookSettings, ...options.settings };
  const pending = new Map<string, Pending>();
  const rung = bell();
  let isStopping = false;
  const keep = (event: Event) => {
    if (!pending.has(event.id)) pending.set(event.id, { event, attempts: 0, notBefore: 0 });
  };
  for (const event of await outbox.read()) keep(event);
  const deliver = deliverer({ ...options, settings }, pending);

  async function run(): Promise<void> {
    while (!isStopping) {
      const pauseMs = await deliver();
      if (pauseMs > 0) await rung.wait(pauseMs);
    }
  }
  const running = run();
  return {
    add: async (event) => {
      if (pending.size >= settings.most) {
        log.error("event given up", { event: event.id, type: event.type, reason: "queue full" });
        const reason = `webhook: ${settings.most} events were waiting already`;
        return bury(event, { attempts: 0, reason });
      }
      await outbox.put(event);
      keep(event);
      rung.ring();
    },
    stop: async () => {
      isStopping = true;
      rung.ring();
      await running;
      if (pending.size > 0) log.warning("events not delivered yet", { waiting: pending.size });
    },
  };
}

type Delivering = WebhookOptions & { settings: WebhookSettings };

/** Tries the oldest event that may be tried now; answers how long there is nothing to do, in milliseconds. */
function deliverer(options: Delivering, pending: Map<string, Pending>): () => Promise<number> {
  const { target, outbox, settings, log } = options;
  /** Events refused since the last one taken: the more, the longer nothing at all is sent. */
  const refused = new Set<string>();
  let restUntil = 0;
  const pause = (failures: number) =>
    Math.min(settings.longestPauseMs, settings.pauseMs * 2 ** Math.min(failures - 1, 20));

  return async () => {
    const now = Date.now();
    const [oldest] = [...pending.values()].filter(({ notBefore }) => notBefore <= now);
    if (!oldest || restUntil > now) {
      const next = Math.min(...[...pending.values()].map(({ notBefore }) => notBefore));
      return Math.min(60_000, Math.max(1, next - now, restUntil - now));
    }
    const refusal = await send(target, oldest.event, settings.timeoutMs);
    const { id, type } = oldest.event;
    if (refusal === undefined) {
      refused.clear();
    } else {
      oldest.attempts += 1;
      oldest.notBefore = Date.now() + pause(oldest.attempts);
      restUntil = Date.now() + pause(refused.add(id).size);
      const failed = { event: id, type, attempts: oldest.attempts, reason: refusal };
      if (!(await isGivenUp(options, oldest, refusal))) {
        log.warning("event not delivered", { ...failed, waiting: pending.size });
        return 0;
      }
      log.error("event given up", failed);
    }
    pending.delete(id);
    refused.delete(id);
    await outbox.remove(id).catch((error) => {
      log.warning("a delivered event comes again after the next start", { event: id, error });
    });
    return 0;
  };
}

/** True: it is too old for another try, and was put where it can be found. */
async function isGivenUp(
  { bury, settings, log }: Delivering,
  { event, attempts }: Pending,
  refusal: string,
): Promise<boolean> {
  if (Date.now() - Date.parse(event.at) <= settings.oldestMs) return false;
  try {
    await bury(event, { attempts, reason: `webhook: ${refusal}` });
    return true;
  } catch (error) {
    log.error("dead letter not written", { event: event.id, error });
    return false;
  }
}

/** Undefined: delivered; else why not, without the URL, which may hold a secret. */
async function send(
  { url, headers }: WebhookTarget,
  event: Event,
  timeoutMs: number,
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const status = await post(url, {
      headers: { "user-agent": `heat-spreader/${version}`, ...headers },
      body: JSON.stringify(envelope(event)),
      signal,
    });
    return status >= 200 && status < 300 ? undefined : `it answered ${status}`;
  } catch (error) {
    if (signal.aborted) return `no answer within ${timeoutMs / 1000} s`;
    return error instanceof Error && "code" in error ? `${error.code}` : "it could not be asked";
  }
}
