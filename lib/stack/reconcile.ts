import { type Fault, isSilence } from "../cloud/faults.ts";
import type { CloudName } from "../cloud/schema.ts";
import { withAlarms } from "./alarm.ts";
import type { Decision } from "./decision.ts";
import type { ReconcileDeps, StackView } from "./deps.ts";
import { factsOf } from "./facts.ts";
import { push } from "./push.ts";
import { decideOnFreshReads, type Met, type RunMemory, remember } from "./reading.ts";
import type { Share, StackName } from "./schema.ts";
import { statusMoved, statusOf } from "./status.ts";
import { type Declared, isDeclared, ofThisStack } from "./view.ts";

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
  const met: Met = { memory, faults: new Map(), underWay: new Map(), untaken: new Map() };
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const view = await deps.readStackView(name);
    const outcome = isDeclared(view)
      ? await reconcileOnce(deps, ofThisStack(view), met)
      : await forget(deps, name, view);
    if (outcome === "done") return;
  }
}

async function reconcileOnce(
  deps: ReconcileDeps,
  view: Declared,
  met: Met,
): Promise<"done" | "again"> {
  const kept = new Map([...view.seen].map(([cloud, { read_at }]) => [cloud, read_at]));
  const decided = await decideOnFreshReads(deps, view, { ...met, kept });
  if (decided === "stale") return "again";
  const { decision, late } = decided;
  const now = deps.now().toISOString();
  const status = statusOf({ view, decision, kept, now, settings: deps.settings });
  const hasMovedOn = statusMoved(view.status, status) || sharesMoved(view, decision);
  const shares = decision.shares.map((share) => ({
    ...share,
    version: hasMovedOn ? status.version : share.version,
  }));
  if (hasMovedOn && !(await save(deps, view, { ...decision, shares }, status))) return "again";
  const byCloud = new Map(shares.map((share) => [share.cloud, share]));
  const heard = (cloud: CloudName, fault: Fault) => remember(met, cloud, fault);
  const faults = await push(deps, { view, decision, shares: byCloud, heard });
  await Promise.all(late);
  const isTurnedDown = (fault: Fault) => !isSilence(fault) && fault.class !== "answer";
  return late.length > 0 || faults.some(isTurnedDown) ? "again" : "done";
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
  const facts = factsOf(view, decision, { now: deps.now().toISOString(), newId: deps.newId });
  return deps.saveReconciled({
    status,
    version_read: view.status?.version,
    shares: decision.shares.map((share) => ({ share, push_id_read: ids.get(share.cloud) })),
    removed: decision.removed.map((cloud) => ({ cloud, push_id_read: ids.get(cloud) })),
    events: withAlarms(view, decision, facts),
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
