import { type Fault, isSilence, type Outcome } from "../cloud/faults.ts";
import { readHeatStack } from "../cloud/observe.ts";
import type { CloudName, Seen, Time } from "../cloud/schema.ts";
import { hasMoved, knownNow, knowsMore, type TableNow } from "../cloud/seen.ts";
import { elapsed } from "../cloud/vote.ts";
import { type Decision, decide } from "./decision.ts";
import type { ReconcileDeps } from "./deps.ts";
import { canBeAsked, cloudViews, type Declared, needsReading } from "./view.ts";

/** What one run of the function has met: after one path or service fault no further call goes to that cloud. */
export type RunMemory = { givenUp: Map<CloudName, Fault> };
export type Met = {
  memory: RunMemory;
  faults: Map<CloudName, Fault>;
  /** Readings that have not ended, of whichever round: no cloud is asked twice at a time. */
  underWay: Map<CloudName, Promise<Read>>;
  /** Those that ended after their round had decided without them. */
  untaken: Map<CloudName, Read>;
};
/** With when the readings began that the table has. */
type Reading = Met & { kept: Map<CloudName, Time> };

type Read = {
  cloud: CloudName;
  previous: Seen | undefined;
  outcome: Outcome<Seen>;
  endedAt: Time;
};
export type Decided = {
  decision: Decision;
  /** Readings that the decision did not wait for: the stack is to be looked at again after them. */
  late: Promise<unknown>[];
};
/** Undefined: it was begun in a round before, and was understood with what was known then. */
type Late = Map<CloudName, Promise<Read | undefined>>;

/** Of clouds that are read side by side, one that takes longer does not keep the others waiting. */
const PATIENCE_MS = 500;
/** What a cloud counts as while the others go on without it. */
const TAKES_LONG: Fault = {
  class: "service",
  code: "slow",
  message: "Heat has not answered yet",
};

/** Keeps a fault: of silence for the whole run, of anything else for this stack. */
export function remember({ memory, faults }: Met, cloud: CloudName, fault: Fault): void {
  if (isSilence(fault)) memory.givenUp.set(cloud, fault);
  else faults.set(cloud, fault);
}

/**
 * Reads in full what must be read, and whatever is about to be pushed, until a decision rests on
 * reads of this run; "stale" when somebody else's newer reading was in the way. A cloud that is slow
 * to answer counts as one that does not while there is something to push elsewhere.
 */
export async function decideOnFreshReads(
  deps: ReconcileDeps,
  view: Declared,
  met: Reading,
): Promise<Decided | "stale"> {
  const fresh = new Set<CloudName>();
  const late: Late = new Map();
  for (const [cloud, one] of met.underWay) late.set(cloud, untilEnd(one));
  for (;;) {
    const { decision, wanted } = look(deps, view, met, late);
    const unread = wanted.filter((cloud) => !fresh.has(cloud));
    const isEnough = unread.length === 0 && (late.size === 0 || decision.pushes.length > 0);
    if (isEnough) return { decision, late: [...late.values()] };
    const reads =
      unread.length > 0
        ? await inTime(
            deps,
            new Map(unread.map((cloud) => [cloud, begin(deps, view, cloud, met)])),
            late,
          )
        : await whatCame(late);
    const taken = await Promise.all(reads.map((each) => take(deps, view, each, met)));
    if (taken.includes("stale")) return "stale";
    for (const { cloud } of reads) fresh.add(cloud);
  }
}

/** What would be decided now, and which clouds it wants read in this run. */
function look(
  deps: ReconcileDeps,
  view: Declared,
  met: Reading,
  late: ReadonlyMap<CloudName, unknown>,
): { decision: Decision; wanted: CloudName[] } {
  const { settings } = deps;
  const now = deps.now().toISOString();
  const slow = [...late.keys()].map((cloud): [CloudName, Fault] => [cloud, TAKES_LONG]);
  const faults = new Map([...met.memory.givenUp, ...met.faults, ...slow]);
  const clouds = cloudViews(view, faults, settings);
  const due = [...clouds.values()].filter((own) =>
    needsReading(own, { wake: view.wake, now, settings }),
  );
  const decision = decide(view, { now, settings, faults });
  const pushed = decision.pushes.flatMap(({ cloud }) => clouds.get(cloud) ?? []);
  const wanted = new Set([...due, ...pushed].filter(canBeAsked).map(({ cloud }) => cloud));
  return { decision, wanted: [...wanted] };
}

/** Those that are back before patience ends; the others go to `late`. One alone is waited for. */
async function inTime(
  { sleep }: ReconcileDeps,
  reads: Map<CloudName, Promise<Read>>,
  late: Late,
): Promise<Read[]> {
  const back: Read[] = [];
  const all = Promise.all([...reads.values()].map(async (one) => back.push(await one)));
  all.catch(() => undefined);
  await (reads.size + late.size > 1 ? Promise.race([all, sleep(PATIENCE_MS)]) : all);
  const found = [...back];
  const isBack = (cloud: CloudName) => found.some((one) => one.cloud === cloud);
  for (const [cloud, one] of reads) if (!isBack(cloud)) late.set(cloud, one);
  return found;
}

/** All that were late; what a round before asked for is asked again, unless it still holds. */
async function whatCame(late: Late): Promise<Read[]> {
  const reads = await Promise.all(late.values());
  late.clear();
  return reads.filter((one) => one !== undefined);
}

function begin(deps: ReconcileDeps, view: Declared, cloud: CloudName, met: Reading): Promise<Read> {
  const before = met.untaken.get(cloud);
  if (before && isStillTrue(deps, view, before)) return Promise.resolve(before);
  const one = read(deps, view, cloud, met).finally(() => met.underWay.delete(cloud));
  met.underWay.set(cloud, one);
  // What nobody waits for any more must not end the process with its bug; whoever takes it throws it.
  one.catch(() => undefined);
  return one;
}

/**
 * Whether a reading that has just ended was understood with what is known now: a slow cloud need not be
 * asked twice. Of an older one nobody knows what its heat stack has begun since.
 */
function isStillTrue(deps: ReconcileDeps, view: Declared, before: Read): boolean {
  const { cloud, previous, outcome, endedAt } = before;
  const now = deps.now();
  if (!outcome.ok || previous?.read_at !== view.seen.get(cloud)?.read_at) return false;
  if (elapsed(endedAt, now.toISOString()) > PATIENCE_MS) return false;
  const known = knownNow({ ...tableNow(view, cloud), now }, deps.settings);
  return JSON.stringify(known) === JSON.stringify(outcome.value.after);
}

function tableNow({ stack, verdicts, shares, wake }: Declared, cloud: CloudName) {
  const push = shares.find((share) => share.cloud === cloud)?.push;
  const verdict = verdicts.get(cloud);
  return { stack, verdict, push, asked_at: wake?.asked_at } satisfies Omit<TableNow, "now">;
}

async function untilEnd(one: Promise<Read>): Promise<undefined> {
  await one.catch(() => undefined);
}

/** A silence is known to the whole run at once, however late it is taken into account here. */
async function read(
  deps: ReconcileDeps,
  view: Declared,
  cloud: CloudName,
  { memory, untaken }: Met,
): Promise<Read> {
  const client = deps.cloudClient(cloud);
  const previous = view.seen.get(cloud);
  const ended = (outcome: Outcome<Seen>) => {
    return { cloud, previous, outcome, endedAt: deps.now().toISOString() };
  };
  if (!client.ok) return ended(client);
  const outcome = await readHeatStack({
    cloud,
    client: client.value,
    stack_name: view.stack.stack_name,
    parameter: view.stack.count_parameter,
    previous,
    ...tableNow(view, cloud),
    now: deps.now,
    settings: deps.settings,
  });
  if (!outcome.ok && isSilence(outcome.fault)) memory.givenUp.set(cloud, outcome.fault);
  const one = ended(outcome);
  untaken.set(cloud, one);
  return one;
}

/** Takes a reading, or its fault, into the view, and saves it if it says anything. */
async function take(
  deps: ReconcileDeps,
  view: Declared,
  { cloud, outcome }: Read,
  met: Reading,
): Promise<"taken" | "stale"> {
  const previous = view.seen.get(cloud);
  met.untaken.delete(cloud);
  if (!outcome.ok) {
    const { fault } = outcome;
    deps.log("heat stack not read", { stack: view.stack.stack_name, cloud, fault });
    remember(met, cloud, fault);
    return "taken";
  }
  const seen = outcome.value;
  view.seen.set(cloud, seen);
  if (!isWorthSaving(previous, seen)) return "taken";
  if (!(await deps.saveSeen(seen, previous?.read_at))) return "stale";
  met.kept.set(cloud, seen.read_at);
  return "taken";
}

/**
 * Something moved, or that it was read since says something: of a verdict, a person's question, a
 * push, an answer, the lack of a trace. Each of these once, as what is saved wakes the stack.
 */
function isWorthSaving(previous: Seen | undefined, seen: Seen): boolean {
  return !previous || hasMoved(previous, seen) || knowsMore(previous, seen);
}
