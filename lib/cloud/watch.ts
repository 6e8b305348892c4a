import type { Push, Stack, Status } from "../stack/schema.ts";
import type { CloudClient } from "./client.ts";
import type { Board, ProbeDeps } from "./deps.ts";
import { isSilence } from "./faults.ts";
import { hasMark } from "./marks.ts";
import { readHeatStack } from "./observe.ts";
import type { CloudName, HeatStack, HeatStackList, Seen, Time, Verdict } from "./schema.ts";
import {
  hasMoved,
  heatState,
  isReadSinceReturn,
  isUnderWay,
  mayBeStuck,
  type StuckSettings,
} from "./seen.ts";
import { elapsed } from "./vote.ts";

export type WatchDeps = Pick<
  ProbeDeps,
  "now" | "cloudClient" | "readSeen" | "readPushes" | "saveSeen" | "wake"
> & {
  settings: StuckSettings & { intervalMs: number };
};

/** What a tick saw of one cloud's heat stacks; `isCutShort`: time ran out before all that was due was read. */
export type Watched = { cloud: CloudName; updating: boolean; isCutShort: boolean };

/** A cloud's list, and what is known of our stacks there. */
type Watching = {
  cloud: CloudName;
  list: HeatStackList & { complete: boolean };
  verdict: Verdict | undefined;
  /** By name: those that weigh the cloud, or whose push there has not ended. */
  stacks: Map<string, Stack>;
  open: Set<string>;
  /** After it no reading begins but the first of each reader. */
  until: Date;
};

/** Reads in full at a time: after a return all of a cloud's stacks are due at once. */
const READERS = 8;
/** Pushes looked up in one call, DynamoDB's limit; of heat stacks that there is no time for, none are. */
const BATCH = 100;
/** Of an interval: a watch has so long at least, and the readings that are under way when it ends take so long. */
const LEAST_WATCH = 0.1;
const LAST_READINGS = 0.2;

/**
 * When a watch ends: before the next tick is due, whose votes must not wait, however much moved. Where
 * a silent cloud took all that time it is the tick after: what is read goes on in an outage.
 */
export function watchUntil(
  { now, settings: { intervalMs } }: Pick<WatchDeps, "now" | "settings">,
  startedAt: Time,
): Date {
  const startedMs = Date.parse(startedAt);
  const passed = (now().getTime() - startedMs) / intervalMs;
  const due = Math.ceil(passed + LEAST_WATCH + LAST_READINGS);
  return new Date(startedMs + (due - LAST_READINGS) * intervalMs);
}

/**
 * Compares a cloud's list with what was last seen of our stacks there, and reads in full only what
 * moved, what awaits the end of a push, or what may be stuck. A list that broke off says nothing of
 * what it lacks. A cloud that stops answering meanwhile costs one deadline, and time may run out: the rest
 * waits for the next list. Throws what was a bug in one stack's reading, after all others.
 */
export async function watchCloud(
  deps: WatchDeps,
  cloud: CloudName,
  list: HeatStackList & { complete: boolean },
  {
    stacks,
    statuses,
    verdict,
    until,
  }: Pick<Board, "stacks" | "statuses"> & Pick<Watching, "verdict" | "until">,
): Promise<Watched> {
  const client = deps.cloudClient(cloud);
  const open = new Set<string>(
    statuses.filter((status) => status.open.includes(cloud)).map(({ stack_name }) => stack_name),
  );
  const isOurs = ({ stack_name, deleted_at, weights }: Stack) =>
    deleted_at === undefined && (Object.hasOwn(weights, cloud) || open.has(stack_name));
  const ours = new Map<string, Stack>(
    stacks.filter(isOurs).map((stack) => [stack.stack_name, stack]),
  );
  const watching: Watching = { cloud, list, verdict, stacks: ours, open, until };
  const listed = new Map(list.stacks.map((heatStack) => [heatStack.stack_name, heatStack]));
  const seen = (await deps.readSeen(cloud)).filter(({ stack_name }) => ours.has(stack_name));
  const now = deps.now().toISOString();
  const { moved, awaited } = Object.groupBy(seen, (one) =>
    dueFor(one, listed.get(one.stack_name), watching, { now, settings: deps.settings }),
  );
  const due = [...turned(moved, stacks, until), ...turned(awaited, stacks, until)];
  const isCutShort = client.ok && (await readAll(deps, client.value, due, watching));
  const statusOf = new Map<string, Status>(statuses.map((status) => [status.stack_name, status]));
  const missed = seen.flatMap((one) => {
    const [stack, status] = [ours.get(one.stack_name), statusOf.get(one.stack_name)];
    const isNews = stack && status && isMissed(one, { stack, status }, now, deps.settings);
    return isNews && !due.includes(one) ? [stack.stack_name] : [];
  });
  await Promise.all(missed.map((name) => deps.wake(name, now)));
  const updating = seen.some((one) => isUpdating(one, listed.get(one.stack_name)));
  return { cloud, updating, isCutShort };
}

/** What is there for longer than an interval, and the stack's reconcile knows nothing of: its record was lost. */
function isMissed(
  { cloud, read_at }: Seen,
  { stack, status }: { stack: Stack; status: Status },
  now: Time,
  { intervalMs }: { intervalMs: number },
): boolean {
  const { generation, seen: marks } = status.inputs;
  const isOfThis = status.uid === stack.uid && generation === stack.generation;
  if (!isOfThis || marks === undefined || !Object.hasOwn(stack.weights, cloud)) return false;
  const clouds = Object.keys(stack.weights) as CloudName[];
  return elapsed(read_at, now) > intervalMs && !hasMark(marks, clouds, cloud, read_at);
}

/** Why it is to be read: something moved; or it is waited for, and was perhaps read a moment ago. */
type Due = "moved" | "awaited" | "not due";

function dueFor(
  seen: Seen,
  entry: HeatStack | undefined,
  { list, verdict, open }: Watching,
  { now, settings }: { now: Time; settings: StuckSettings },
): Due {
  if (!isReadSinceReturn(seen, verdict)) return "moved";
  if (!entry) return list.complete && seen.missing === undefined ? "moved" : "not due";
  if (seen.missing || isOther(seen, entry)) return "moved";
  const isAwaited = open.has(seen.stack_name) && !isUnderWay(entry);
  return isAwaited || mayBeStuck(seen, verdict, now, settings) ? "awaited" : "not due";
}

/**
 * These, at every tick from another name on: those whose reading fails, and which stay due, are not to
 * keep the same others from being read when time runs out. From the same one in every cloud: a stack
 * that was read in all of them is reconciled once.
 */
function turned(due: Seen[] = [], stacks: Stack[], until: Date): Seen[] {
  const nth = Math.floor(until.getTime() / 1000) % stacks.length;
  const first = stacks[nth]?.stack_name ?? "";
  const { later = [], earlier = [] } = Object.groupBy(due, ({ stack_name }) =>
    stack_name < first ? "earlier" : "later",
  );
  return [...later, ...earlier];
}

function isOther(seen: Seen, entry: HeatStack): boolean {
  return (
    seen.heat_stack_id !== entry.heat_stack_id ||
    seen.heat_status !== entry.heat_status ||
    seen.updated_time !== entry.updated_time
  );
}

/** What has been given up on is not under way, however long Heat says so. */
function isUpdating(seen: Seen, entry: HeatStack | undefined): boolean {
  if (!entry || heatState(entry.heat_status) !== "in_progress") return false;
  return seen.stuck === undefined || isOther(seen, entry);
}

/** In this order. True: time ran out before the last. */
async function readAll(
  deps: WatchDeps,
  client: CloudClient,
  due: Seen[],
  watching: Watching,
): Promise<boolean> {
  const { cloud, until } = watching;
  const queue = [...due];
  const bugs: unknown[] = [];
  while (queue.length > 0) {
    const some = queue.splice(0, BATCH);
    const names = some.map(({ stack_name }) => stack_name);
    // Before Heat is asked: a reading tells nothing of a push that is written down after it began.
    const pushes = await deps.readPushes(cloud, names);
    const readUntilDone = async () => {
      do {
        const next = some.shift();
        if (next === undefined) return;
        const push = pushes.get(next.stack_name);
        try {
          if (!(await isHung(deps, client, { previous: next, push }, watching))) continue;
          for (const unread of [some, queue]) unread.length = 0;
        } catch (error) {
          bugs.push(error);
        }
      } while (deps.now() < until);
    };
    await Promise.all(Array.from({ length: READERS }, readUntilDone));
    queue.unshift(...some);
    if (deps.now() >= until) break;
  }
  if (bugs.length > 0) throw bugs[0];
  return queue.length > 0;
}

/** Reads one and saves it. True: the cloud did not answer; a 500 of one stack is an answer. */
async function isHung(
  deps: WatchDeps,
  client: CloudClient,
  { previous, push }: { previous: Seen; push: Push | undefined },
  { cloud, verdict, stacks, open }: Watching,
): Promise<boolean> {
  const { stack_name } = previous;
  const read = await readHeatStack({
    cloud,
    client,
    stack_name,
    parameter: stacks.get(stack_name)?.count_parameter ?? previous.parameter,
    previous,
    stack: stacks.get(stack_name),
    verdict,
    push,
    // What a person asked for is reconcile's to answer.
    asked_at: previous.after?.asked_at,
    now: deps.now,
    settings: deps.settings,
  });
  if (!read.ok) return isSilence(read.fault) && read.fault.status === undefined;
  const seen = read.value;
  const isAwaited =
    !isReadSinceReturn(previous, verdict) || (open.has(stack_name) && !isUnderWay(seen));
  if (isAwaited || hasMoved(previous, seen)) await deps.saveSeen(seen, previous.read_at);
  return false;
}
