import type { CloudName } from "../cloud/schema.ts";
import type { Event } from "../event/schema.ts";
import type { ReconcileDeps } from "./deps.ts";
import type { RunMemory } from "./reading.ts";
import { reconcileStack } from "./reconcile.ts";
import type { Stack, StackName, Status } from "./schema.ts";

/** What one stream record names; only names are taken from it, the state is read afresh. */
export type NamedBy = { sequence: string; stack?: StackName; cloud?: CloudName; event?: Event };

export type BatchDeps = ReconcileDeps & {
  /** Names of all stacks that weigh the cloud. */
  stacksWeighing: (cloud: CloudName) => Promise<StackName[]>;
  wake: (name: StackName, at: string) => Promise<void>;
  readStack: (name: StackName) => Promise<Stack | undefined>;
  readStatuses: (names: StackName[]) => Promise<Status[]>;
  /** Ids of the events that the bus refused. */
  announce: (events: Event[]) => Promise<string[]>;
  remainingMs: () => number;
  /** Told of every stack that made us throw. */
  report: (name: StackName, error: unknown) => void;
};

/** Stacks at work at the same time; what limits calls to one cloud is its own pool. */
const AT_ONCE = 48;
/** With less time left than a read, a PATCH and their writes take, a stack is left for a wake. */
const MARGIN_MS = 15_000;

/**
 * Reconciles every stack that a batch names, each once; a verdict or an order on a cloud names every
 * stack that weighs it. Answers the sequence numbers of the records to be sent again: only where the
 * table could not be written, or the bus refused. What does not fit the time left is woken for later.
 */
export async function reconcileBatch(deps: BatchDeps, records: NamedBy[]): Promise<string[]> {
  const firstRecord = new Map<StackName, string>();
  const claim = (name: StackName, sequence: string) => {
    if (!firstRecord.has(name)) firstRecord.set(name, sequence);
  };
  const clouds = new Map<CloudName, StackName[]>();
  for (const { sequence, stack, cloud } of records) {
    if (stack) claim(stack, sequence);
    if (!cloud) continue;
    const names = clouds.get(cloud) ?? (await deps.stacksWeighing(cloud));
    clouds.set(cloud, names);
    for (const name of names) claim(name, sequence);
  }
  const announcing = announced(deps, records);
  const memory: RunMemory = { givenUp: new Map() };
  const failed: string[] = [];
  await atMost(AT_ONCE, [...firstRecord], async ([name, sequence]) => {
    const log: BatchDeps["log"] = (message, fields) =>
      deps.log(message, { record: sequence, ...fields });
    if (!(await attempted({ ...deps, log }, name, memory))) failed.push(sequence);
  });
  return [...failed, ...(await announcing)];
}

/** A bus that cannot be reached has refused them all, and keeps no stack waiting. */
async function announced({ announce }: BatchDeps, records: NamedBy[]): Promise<string[]> {
  const events = records.flatMap(({ event }) => event ?? []);
  if (events.length === 0) return [];
  const refused = new Set(await announce(events).catch(() => events.map(({ id }) => id)));
  return records
    .filter(({ event }) => event && refused.has(event.id))
    .map(({ sequence }) => sequence);
}

/** False: not even the failure could be written down, so the record must come again. */
async function attempted(deps: BatchDeps, name: StackName, memory: RunMemory): Promise<boolean> {
  try {
    if (deps.remainingMs() < MARGIN_MS) await deps.wake(name, deps.now().toISOString());
    else await reconcileStack(deps, name, memory);
    return true;
  } catch (error) {
    deps.report(name, error);
    return putAside(deps, name).catch(() => false);
  }
}

/** How often a stack is put aside anew because somebody else wrote first. */
const MAX_ROUNDS = 3;

/**
 * A stack that makes us throw gets a growing pause and an event, and stands in nobody's way. Its
 * shares and clouds are not read for that: they may be what made us throw.
 */
async function putAside(deps: BatchDeps, name: StackName): Promise<boolean> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const [status] = await deps.readStatuses([name]);
    const stack = await deps.readStack(name);
    if (!stack || stack.deleted_at !== undefined) return true;
    const own = status?.uid === stack.uid ? status : undefined;
    const paused = pausedStatus(deps, stack, own);
    const saved = await deps.saveReconciled({
      status: { ...paused, version: (status?.version ?? 0) + 1 },
      version_read: status?.version,
      shares: [],
      removed: [],
      events: [failure(deps, stack, paused.due_at)],
      declaration: { uid: stack.uid, generation: stack.generation },
    });
    if (saved) break;
  }
  return true;
}

function pausedStatus({ now, settings }: BatchDeps, stack: Stack, before: Status | undefined) {
  const { stack_name, uid, generation } = stack;
  const attempts = (before?.attempts ?? 0) + 1;
  const { retryPauseMs, longestPauseMs } = settings;
  const pauseMs = Math.min(longestPauseMs, retryPauseMs * 2 ** Math.min(attempts - 1, 20));
  const at = now();
  return {
    ...(before ?? { stack_name, uid, open: [], state: "converging" as const, conditions: [] }),
    // As if it had seen all there is: what it has not dealt with is tried again when it is due.
    inputs: { generation },
    attempts,
    due_at: new Date(at.getTime() + pauseMs).toISOString(),
  };
}

function failure({ newId, now }: BatchDeps, stack: Stack, due_at: string): Event {
  const { stack_name, generation } = stack;
  return {
    id: newId(),
    at: now().toISOString(),
    type: "stack.failed",
    stack_name,
    generation,
    message: `${stack_name}: reconciling it failed for a reason of ours; it is tried again at ${due_at}`,
    changes: [],
    cause: "see the log",
  };
}

async function atMost<T>(limit: number, all: T[], work: (one: T) => Promise<void>): Promise<void> {
  const queue = all.values();
  const worker = async () => {
    for (const one of queue) await work(one);
  };
  await Promise.all(Array.from({ length: Math.min(limit, all.length) }, worker));
}
