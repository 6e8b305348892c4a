import type { Stack } from "../stack/schema.ts";
import type { Board, ProbeDeps } from "./deps.ts";
import { readHeatStack } from "./observe.ts";
import type { CloudName, HeatStack, HeatStackList, Seen, Time, Verdict } from "./schema.ts";
import { hasMoved, heatState, mayBeStuck, type StuckSettings } from "./seen.ts";

export type WatchDeps = Pick<ProbeDeps, "now" | "cloudClient" | "readSeen" | "saveSeen"> & {
  settings: StuckSettings;
};

/** What a tick saw of one cloud's heat stacks. */
export type Watched = { cloud: CloudName; updating: boolean };

/**
 * Compares a cloud's list with what was last seen of our stacks there, and reads in full only what
 * moved, what awaits the end of a push, or what may be stuck. A list that broke off says nothing of
 * what it lacks.
 */
export async function watchCloud(
  deps: WatchDeps,
  cloud: CloudName,
  list: HeatStackList & { complete: boolean },
  board: Pick<Board, "stacks" | "statuses"> & { verdict: Verdict | undefined },
): Promise<Watched> {
  const client = deps.cloudClient(cloud);
  const declared = new Map<string, Stack>(
    board.stacks
      .filter((stack) => stack.deleted_at === undefined && Object.hasOwn(stack.weights, cloud))
      .map((stack) => [stack.stack_name, stack]),
  );
  const open = new Set<string>(
    board.statuses
      .filter((status) => status.open.includes(cloud))
      .map(({ stack_name }) => stack_name),
  );
  const listed = new Map(list.stacks.map((heatStack) => [heatStack.stack_name, heatStack]));
  const seen = (await deps.readSeen(cloud)).filter(({ stack_name }) => declared.has(stack_name));
  const now = deps.now().toISOString();
  const due = seen.filter((one) =>
    isDue(one, {
      entry: listed.get(one.stack_name),
      list,
      verdict: board.verdict,
      now,
      settings: deps.settings,
      isOpen: open.has(one.stack_name),
    }),
  );
  if (client.ok) {
    await Promise.all(
      due.map(async (previous) => {
        const read = await readHeatStack({
          cloud,
          client: client.value,
          stack_name: previous.stack_name,
          parameter: declared.get(previous.stack_name)?.count_parameter ?? previous.parameter,
          previous,
          verdict: board.verdict,
          now: deps.now,
          settings: deps.settings,
        });
        if (read.ok && isWorthSaving(previous, read.value, board.verdict, open))
          await deps.saveSeen(read.value);
      }),
    );
  }
  const updating = seen.some(({ stack_name }) => isUpdating(listed.get(stack_name)));
  return { cloud, updating };
}

type Compared = {
  entry: HeatStack | undefined;
  list: { project_id: string; complete: boolean };
  verdict: Verdict | undefined;
  now: Time;
  settings: StuckSettings;
  isOpen: boolean;
};

function isDue(seen: Seen, { entry, list, verdict, now, settings, isOpen }: Compared): boolean {
  if (seen.read_at < (verdict?.returned_at ?? "")) return true;
  if (!entry) return list.complete && seen.missing === undefined;
  if (seen.missing || seen.heat_stack_id !== entry.heat_stack_id) return true;
  if (seen.heat_status !== entry.heat_status || seen.updated_time !== entry.updated_time)
    return true;
  return (isOpen && !isUpdating(entry)) || mayBeStuck(seen, verdict, now, settings);
}

function isUpdating(entry: HeatStack | undefined): boolean {
  return entry !== undefined && heatState(entry.heat_status) === "in_progress";
}

function isWorthSaving(
  previous: Seen,
  next: Seen,
  verdict: Verdict | undefined,
  open: ReadonlySet<string>,
): boolean {
  return (
    hasMoved(previous, next) ||
    previous.read_at < (verdict?.returned_at ?? "") ||
    open.has(next.stack_name)
  );
}
