import type { CloudClient } from "../cloud/client.ts";
import type { Fault } from "../cloud/faults.ts";
import type { CloudName, Seen } from "../cloud/schema.ts";
import type { Decision } from "./decision.ts";
import type { AnswerWrite, PushWrite, ReconcileDeps } from "./deps.ts";
import { leastOf, mostOf } from "./ledger.ts";
import type { NextPush } from "./pushes.ts";
import type { Push, Share, StackName } from "./schema.ts";
import type { CloudView, Declared } from "./view.ts";

/** A cloud that was calm for so long has its attempts counted anew. */
const FORGIVEN_AFTER_MS = 24 * 3600_000;

export type Sending = {
  view: Declared;
  decision: Decision;
  /** As this run left them in the table. */
  shares: ReadonlyMap<CloudName, Share>;
  /** Told of each fault as it comes: whoever hangs keeps the rest of the run from learning of another. */
  heard: (cloud: CloudName, fault: Fault) => void;
};
type Planned = {
  write: PushWrite;
  client: CloudClient;
  parameter: string;
  before?: number | undefined;
};

/**
 * Sends the PATCHes of a decision side by side, each written down on its share before it goes: who
 * finds the share changed does not push. A refusal is recorded as such, an unanswered one stays open
 * until a read tells. Answers the faults that there were.
 */
export async function push(deps: ReconcileDeps, sending: Sending): Promise<Fault[]> {
  const planned = sending.decision.pushes.flatMap((next) => plan(deps, sending, next) ?? []);
  if (planned.length === 0) return [];
  const ours = await deps.savePushes(planned.map(({ write }) => write));
  const record = recorder(deps, sending.view.stack.stack_name);
  const sent = await Promise.all(
    planned
      .filter(({ write }) => ours.has(write.push.id))
      .map((one) => send(deps, one, { record, heard: sending.heard })),
  );
  return sent.filter((fault) => fault !== undefined);
}

function plan(
  deps: ReconcileDeps,
  { view, decision, shares }: Sending,
  { cloud, count }: NextPush,
): Planned | undefined {
  const share = shares.get(cloud);
  const own = decision.clouds.get(cloud);
  const seen = own?.seen;
  const client = deps.cloudClient(cloud);
  if (!share || !own || !seen?.heat_stack_id || !client.ok) return undefined;
  const { stack_name, generation, count_parameter: parameter } = view.stack;
  const { heat_stack_id, updated_time = null } = seen;
  const at = deps.now();
  const planned: Push = {
    id: deps.newId(),
    generation,
    count,
    ...unseen(own, seen),
    at: at.toISOString(),
    ...(view.wake?.asked_at ? { asked_at: view.wake.asked_at } : {}),
    before: { heat_stack_id, updated_time },
  };
  const attempts = attemptsOf(share, planned);
  const retry_at = new Date(at.getTime() + pause(deps, attempts)).toISOString();
  const fence = { version: share.version, push_id_read: share.push?.id };
  const write = { stack_name, cloud, push: planned, attempts, retry_at, ...fence };
  return { write, client: client.value, parameter, before: seen.count };
}

/** What the pushes before it may have left there, as far as the reading does not say so: this one may be refused. */
function unseen(own: CloudView, seen: Seen): Pick<Push, "at_least" | "at_most"> {
  const [least, most] = [leastOf(own), mostOf(own)];
  const known = Math.max(seen.count ?? 0, seen.in_place, seen.at_most ?? 0);
  return {
    ...(least < seen.in_place ? { at_least: least } : {}),
    ...(most !== undefined && most > known ? { at_most: most } : {}),
  };
}

async function send(
  deps: ReconcileDeps,
  { write, client, parameter, before }: Planned,
  tell: { record: (answer: AnswerWrite) => Promise<void>; heard: Sending["heard"] },
): Promise<Fault | undefined> {
  const { stack_name, cloud, attempts } = write;
  const { id, count, generation } = write.push;
  const { heat_stack_id } = write.push.before;
  const sent = await client.patchCount({ stack_name, heat_stack_id }, parameter, count);
  const outcome = sent.ok ? "accepted" : isRefusal(sent.fault) ? "refused" : "unanswered";
  if (!sent.ok) tell.heard(cloud, sent.fault);
  await tell.record({ cloud, push_id: id, answered: { at: deps.now().toISOString(), outcome } });
  const fields = { stack: stack_name, cloud, count, before, generation, attempts };
  if (sent.ok) deps.log("count pushed", fields);
  else deps.log("push failed", { ...fields, fault: sent.fault });
  return sent.ok ? undefined : sent.fault;
}

/** Writes answers down as they come: at once, or, while a write is under way, together after it. */
function recorder({ saveAnswers }: ReconcileDeps, name: StackName) {
  let waiting: AnswerWrite[] = [];
  let last = Promise.resolve();
  return (answer: AnswerWrite): Promise<void> => {
    waiting.push(answer);
    if (waiting.length > 1) return last;
    last = last
      .catch(() => undefined)
      .then(() => {
        const together = waiting;
        waiting = [];
        return saveAnswers(name, together);
      });
    return last;
  };
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
