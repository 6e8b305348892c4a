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

/** What a tick saw of one cloud's heat stacks. */
export type Watched = { cloud: CloudName; updating: boolean };

/** A cloud's list, and what is known of our stacks there. */
type Watching = {
  cloud: CloudName;
  list: HeatStackList & { complete: boolean };
  verdict: Verdict | undefined;
  /** By name: those that weigh the cloud, or whose push there has not ended. */
  stacks: Map<string, Stack>;
  open: Set<string>;
};

/** Reads in full at a time: after a return all of a cloud's stacks are due at once. */
const READERS = 8;

/**
 * Compares a cloud's list with what was last seen of our stacks there, and reads in full only what
 * moved, what awaits the end of a push, or what may be stuck. A list that broke off says nothing of
 * what it lacks. A cloud that stops answering meanwhile costs one deadline: the rest waits for the
 * next list. Throws what was a bug in one stack's reading, after all others.
 */
export async function watchCloud(
  deps: WatchDeps,
  cloud: CloudName,
  list: HeatStackList & { complete: boolean },
  { stacks, statuses, verdict }: Pick<Board, "stacks" | "statuses"> & Pick<Watching, "verdict">,
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
  const watching: Watching = { cloud, list, verdict, stacks: ours, open };
  const listed = new Map(list.stacks.map((heatStack) => [heatStack.stack_name, heatStack]));
  const seen = (await deps.readSeen(cloud)).filter(({ stack_name }) => ours.has(stack_name));
  const now = deps.now().toISOString();
  const due = seen.filter((one) =>
    isDue(one, listed.get(one.stack_name), watching, { now, settings: deps.settings }),
  );
  if (client.ok && due.length > 0) await readAll(deps, client.value, due, watching);
  const statusOf = new Map<string, Status>(statuses.map((status) => [status.stack_name, status]));
  const missed = seen.flatMap((one) => {
    const [stack, status] = [ours.get(one.stack_name), statusOf.get(one.stack_name)];
    const isNews = stack && status && isMissed(one, { stack, status }, now, deps.settings);
    return isNews && !due.includes(one) ? [stack.stack_name] : [];
  });
  await Promise.all(missed.map((name) => deps.wake(name, now)));
  return { cloud, updating: seen.some((one) => isUpdating(one, listed.get(one.stack_name))) };
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

function isDue(
  seen: Seen,
  entry: HeatStack | undefined,
  { list, verdict, open }: Watching,
  { now, settings }: { now: Time; settings: StuckSettings },
): boolean {
  if (!isReadSinceReturn(seen, verdict)) return true;
  if (!entry) return list.complete && seen.missing === undefined;
  if (seen.missing || isOther(seen, entry)) return true;
  const isOpen = open.has(seen.stack_name);
  return (isOpen && !isUnderWay(entry)) || mayBeStuck(seen, verdict, now, settings);
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

async function readAll(
  deps: WatchDeps,
  client: CloudClient,
  due: Seen[],
  watching: Watching,
): Promise<void> {
  const queue = [...due];
  const bugs: unknown[] = [];
  const names = due.map(({ stack_name }) => stack_name);
  // Before Heat is asked: a reading tells nothing of a push that is written down after it began.
  const pushes = await deps.readPushes(watching.cloud, names);
  const readUntilDone = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const push = pushes.get(next.stack_name);
      try {
        if (await isHung(deps, client, { previous: next, push }, watching)) queue.length = 0;
      } catch (error) {
        bugs.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: READERS }, readUntilDone));
  if (bugs.length > 0) throw bugs[0];
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
