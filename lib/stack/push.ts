import type { Fault } from "../cloud/faults.ts";
import type { CloudName } from "../cloud/schema.ts";
import type { Decision } from "./decision.ts";
import type { ReconcileDeps } from "./deps.ts";
import type { NextPush } from "./pushes.ts";
import type { Push, Share } from "./schema.ts";
import type { Declared } from "./view.ts";

/** A cloud that was calm for so long has its attempts counted anew. */
const FORGIVEN_AFTER_MS = 24 * 3600_000;

export type Sending = {
  view: Declared;
  decision: Decision;
  next: NextPush;
  /** As this run left it in the table. */
  share: Share | undefined;
};

/**
 * Sends one PATCH, written down on its share before it goes: who finds the share changed does not
 * push. A refusal is recorded as such, an unanswered one stays open until a read tells. Returns the
 * fault, if there was one.
 */
export async function push(
  deps: ReconcileDeps,
  { view, decision, next, share }: Sending,
): Promise<{ cloud: CloudName; fault: Fault } | undefined> {
  const { cloud, count } = next;
  const seen = decision.clouds.get(cloud)?.seen;
  const client = deps.cloudClient(cloud);
  if (!share || !seen?.heat_stack_id || !client.ok) return undefined;
  const { stack_name, generation, count_parameter } = view.stack;
  const { heat_stack_id, updated_time = null } = seen;
  const at = deps.now();
  const planned: Push = {
    id: deps.newId(),
    generation,
    count,
    at: at.toISOString(),
    before: { heat_stack_id, updated_time },
  };
  const attempts = attemptsOf(share, planned);
  const isOurs = await deps.savePush({
    stack_name,
    cloud,
    push: planned,
    attempts,
    retry_at: new Date(at.getTime() + pause(deps, attempts)).toISOString(),
    version: share.version,
    push_id_read: share.push?.id,
  });
  if (!isOurs) return undefined;
  const sent = await client.value.patchCount({ stack_name, heat_stack_id }, count_parameter, count);
  await deps.saveAnswer(stack_name, cloud, planned.id, {
    at: deps.now().toISOString(),
    outcome: sent.ok ? "accepted" : isRefusal(sent.fault) ? "refused" : "unanswered",
  });
  const fields = { stack: stack_name, cloud, count, before: seen.count, generation, attempts };
  if (sent.ok) deps.log("count pushed", fields);
  else deps.log("push failed", { ...fields, fault: sent.fault });
  return sent.ok ? undefined : { cloud, fault: sent.fault };
}

/** Never sent, or turned down with a 4xx: Heat will not carry it out later. */
function isRefusal({ unsent, status }: Fault): boolean {
  return unsent === true || (status !== undefined && status >= 400 && status < 500);
}

function attemptsOf({ push: last, attempts }: Share, { generation, count, at }: Push): number {
  const isSame = last?.generation === generation && last.count === count;
  const isCalm = last !== undefined && Date.parse(at) - Date.parse(last.at) >= FORGIVEN_AFTER_MS;
  return isSame && !isCalm ? attempts + 1 : 1;
}

/** Milliseconds until the same number may go again: 1 min, 2, 4 ... 1 h, less up to a fifth at random. */
function pause({ settings, random }: ReconcileDeps, attempts: number): number {
  const { retryPauseMs, longestPauseMs } = settings;
  const full = Math.min(longestPauseMs, retryPauseMs * 2 ** Math.min(attempts - 1, 20));
  return Math.round(full * (1 - random() / 5));
}
