import { createHash } from "node:crypto";
import type { CloudClient } from "../cloud/client.ts";
import {
  findStack,
  type HeatService,
  listStacks,
  newestEvent,
  patchCount,
  showStack,
} from "./heat.ts";
import { httpClient } from "./http.ts";
import { keystone } from "./keystone.ts";
import type { CloudSettings } from "./settings.ts";

/** A client whose connections end when it is closed, once the calls under way have ended. */
export type ClosableClient = CloudClient & { close: () => Promise<void> };

/**
 * One cloud to be called, with connections and a token of its own. `deadlineMs` is the longest that a
 * call may take, login and all; `api_timeout` in clouds.yaml can only shorten it, because a tick waits
 * for every cloud.
 */
export function cloudClient(
  settings: CloudSettings,
  { deadlineMs: longestMs, now = Date.now }: { deadlineMs: number; now?: () => number },
): ClosableClient {
  const deadlineMs = Math.min(longestMs, settings.timeoutMs ?? longestMs);
  const http = httpClient(settings.tls, deadlineMs);
  const service: HeatService = {
    http,
    keystone: keystone(settings, http, { deadlineMs, now }),
    deadlineMs,
  };
  return {
    credential_hash: credentialHash(settings),
    listStacks: ({ limit, pages, login }) =>
      listStacks(service, { limit, pages, login: login ? "yes" : "no" }),
    askVersion: () => service.keystone.askVersion(AbortSignal.timeout(deadlineMs)),
    findStack: (stackName) => findStack(service, stackName),
    showStack: (ref) => showStack(service, ref),
    newestEvent: (ref) => newestEvent(service, ref),
    patchCount: (ref, parameter, count) => patchCount(service, ref, parameter, count),
    close: http.close,
  };
}

function credentialHash({ authUrl, identity, scope }: CloudSettings): string {
  return createHash("sha256")
    .update(JSON.stringify([authUrl, identity, scope ?? null]))
    .digest("hex");
}
