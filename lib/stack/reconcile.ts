import { type Fault, isSilence } from "../cloud/faults.ts";
import { readHeatStack } from "../cloud/observe.ts";
import type { CloudName, Seen, Time } from "../cloud/schema.ts";
import { hasMoved } from "../cloud/seen.ts";
import { type Decision, decide } from "./decision.ts";
import type { ReconcileDeps, StackView } from "./deps.ts";
import { factsOf } from "./facts.ts";
import { push } from "./push.ts";
import type { Share, StackName } from "./schema.ts";
import { statusMoved, statusOf } from "./status.ts";
import {
  canBeAsked,
  cloudViews,
  type Declared,
  isDeclared,
  needsReading,
  ofThisStack,
  traceDue,
} from "./view.ts";

/** What one run of the function has met: after one path or service fault no further call goes to that cloud. */
export type RunMemory = { givenUp: Map<CloudName, Fault> };

/** How often a reconcile that lost a race starts again before it is left to the next wake. */
const MAX_ROUNDS = 8;

/**
 * Makes the clouds run what is declared of one stack, as far as that is possible now: reads all
 * afresh, allocates, writes down what moved, pushes what may go, side by side. Idempotent: a second
 * run writes and pushes nothing. Throws only what is a bug or a table that cannot be reached.
 */
export async function reconcileStack(
  deps: ReconcileDeps,
  name: StackName,
  memory: RunMemory,
): Promise<void> {
  const faults = new Map<CloudName, Fault>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const view = await deps.readStackView(name);
    const outcome = isDeclared(view)
      ? await reconcileOnce(deps, ofThisStack(view), { memory, faults })
      : await forget(deps, name, view);
    if (outcome === "done") return;
  }
}

type Met = { memory: RunMemory; faults: Map<CloudName, Fault> };
/** With when the readings began that the table has. */
type Reading = Met & { kept: Map<CloudName, Time> };

async function reconcileOnce(
  deps: ReconcileDeps,
  view: Declared,
  met: Met,
): Promise<"done" | "again"> {
  const kept = new Map([...view.seen].map(([cloud, { read_at }]) => [cloud, read_at]));
  const decision = await decideOnFreshReads(deps, view, { ...met, kept });
  if (decision === "stale") return "again";
  const now = deps.now().toISOString();
  const status = statusOf({ view, decision, kept, now, settings: deps.settings });
  const hasMovedOn = statusMoved(view.status, status) || sharesMoved(view, decision);
  const shares = decision.shares.map((share) => ({
    ...share,
    version: hasMovedOn ? status.version : share.version,
  }));
  if (hasMovedOn && !(await save(deps, view, { ...decision, shares }, status))) return "again";
  const byCloud = new Map(shares.map((share) => [share.cloud, share]));
  const refused = await push(deps, { view, decision, shares: byCloud });
  for (const { cloud, fault } of refused) remember(met, cloud, fault);
  return refused.some(({ fault }) => !isSilence(fault) && fault.class !== "answer")
    ? "again"
    : "done";
}

/**
 * Reads in full what must be read, and whatever is about to be pushed, until a decision rests on
 * reads of this run; "stale" when somebody else's newer reading was in the way.
 */
async function decideOnFreshReads(
  deps: ReconcileDeps,
  view: Declared,
  met: Reading,
): Promise<Decision | "stale"> {
  const fresh = new Set<CloudName>();
  for (;;) {
    const now = deps.now().toISOString();
    const faults = new Map([...met.memory.givenUp, ...met.faults]);
    const clouds = cloudViews(view, faults, deps.settings);
    const due = [...clouds.values()].filter((own) =>
      needsReading(own, { wake: view.wake, now, settings: deps.settings }),
    );
    const decision = decide(view, { now, settings: deps.settings, faults });
    const pushed = decision.pushes.flatMap(({ cloud }) => clouds.get(cloud) ?? []);
    const wanted = new Set([...due, ...pushed].filter(canBeAsked).map(({ cloud }) => cloud));
    const unread = [...wanted].filter((cloud) => !fresh.has(cloud));
    if (unread.length === 0) return decision;
    const read = await Promise.all(unread.map((cloud) => readOne(deps, view, cloud, met)));
    if (read.includes("stale")) return "stale";
    for (const cloud of unread) fresh.add(cloud);
  }
}

async function readOne(
  deps: ReconcileDeps,
  view: Declared,
  cloud: CloudName,
  met: Reading,
): Promise<"read" | "stale"> {
  const client = deps.cloudClient(cloud);
  const previous = view.seen.get(cloud);
  const verdict = view.verdicts.get(cloud);
  const read = client.ok
    ? await readHeatStack({
        cloud,
        client: client.value,
        stack_name: view.stack.stack_name,
        parameter: view.stack.count_parameter,
        previous,
        verdict,
        now: deps.now,
        settings: deps.settings,
      })
    : client;
  if (!read.ok) {
    deps.log("heat stack not read", { stack: view.stack.stack_name, cloud, fault: read.fault });
    remember(met, cloud, read.fault);
    return "read";
  }
  const seen = read.value;
  view.seen.set(cloud, seen);
  if (!isWorthSaving(deps, view, previous, seen)) return "read";
  if (!(await deps.saveSeen(seen, previous?.read_at))) return "stale";
  met.kept.set(cloud, seen.read_at);
  return "read";
}

/**
 * Something moved, or that it was read since says something: of a verdict, a person's question, a
 * push, the lack of its trace. Each of these once, as what is saved wakes the stack.
 */
function isWorthSaving(
  { settings }: ReconcileDeps,
  view: Declared,
  previous: Seen | undefined,
  seen: Seen,
): boolean {
  if (!previous || hasMoved(previous, seen)) return true;
  const before = previous.read_at;
  const push = view.shares.find(({ cloud }) => cloud === seen.cloud)?.push;
  const verdict = view.verdicts.get(seen.cloud);
  const traced = push ? traceDue(push.at, verdict, settings.pushSilenceMs) : "";
  return (
    before < (verdict?.at ?? "") ||
    before < (view.wake?.asked_at ?? "") ||
    before <= (push?.answered?.at ?? push?.at ?? "") ||
    (before < traced && traced <= seen.read_at)
  );
}

function remember({ memory, faults }: Met, cloud: CloudName, fault: Fault): void {
  if (isSilence(fault)) memory.givenUp.set(cloud, fault);
  else faults.set(cloud, fault);
}

function sharesMoved(view: Declared, { shares, removed }: Decision): boolean {
  const key = (share: Share) => {
    const { version: _, push: __, attempts: ___, ...rest } = share;
    return JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  const before = new Map(view.shares.map((share) => [share.cloud, key(share)]));
  return removed.length > 0 || shares.some((share) => before.get(share.cloud) !== key(share));
}

async function save(
  deps: ReconcileDeps,
  view: Declared,
  decision: Decision,
  status: ReturnType<typeof statusOf>,
): Promise<boolean> {
  const ids = new Map(view.shares.map(({ cloud, push }) => [cloud, push?.id]));
  const { uid, generation } = view.stack;
  return deps.saveReconciled({
    status,
    version_read: view.status?.version,
    shares: decision.shares.map((share) => ({ share, push_id_read: ids.get(share.cloud) })),
    removed: decision.removed.map((cloud) => ({ cloud, push_id_read: ids.get(cloud) })),
    events: factsOf(view, decision, { now: deps.now().toISOString(), newId: deps.newId }),
    declaration: { uid, generation },
  });
}

/**
 * A stack that is gone leaves its heat stacks as they are. Of its shares those stay, as long as the
 * tombstone, whose push may not have ended; what is about to be pushed on another lane loses its fence.
 */
async function forget(
  deps: ReconcileDeps,
  name: StackName,
  { status, stack, shares }: StackView,
): Promise<"done" | "again"> {
  const isOver = ({ push }: Share) =>
    stack === undefined || !push || push.answered?.outcome === "refused";
  const gone = shares.filter(isOver);
  const kept = shares.filter((share) => !isOver(share));
  const isForgotten = gone.length === 0 && (status === undefined || (status.expires_at ?? 0) > 0);
  if (isForgotten) return "done";
  const now = deps.now();
  const in30Days = Math.floor(now.getTime() / 1000) + 30 * 86_400;
  const version = (status?.version ?? 0) + 1;
  const saved = await deps.saveReconciled({
    status: {
      stack_name: name,
      version,
      uid: status?.uid ?? stack?.uid ?? "",
      inputs: status?.inputs ?? { generation: 0 },
      open: [],
      attempts: 0,
      state: "converged",
      conditions: [],
      expires_at: stack?.expires_at ?? in30Days,
    },
    version_read: status?.version,
    shares: kept.map((share) => ({ share: { ...share, version }, push_id_read: share.push?.id })),
    removed: gone.map(({ cloud, push }) => ({ cloud, push_id_read: push?.id })),
    events: [],
    declaration: undefined,
  });
  return saved ? "done" : "again";
}
