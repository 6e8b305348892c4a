import { CloudName, type Known, type Seen, type Verdict } from "../../lib/cloud/schema.ts";
import type { Blocked, Push, Share, Stack, Status } from "../../lib/stack/schema.ts";
import { Policy, StackName, weightSum } from "../../lib/stack/schema.ts";
import { type Declared, verdictMarks } from "../../lib/stack/view.ts";

export const athens = CloudName.parse("athens");
export const lisbon = CloudName.parse("lisbon");
export const manchester = CloudName.parse("manchester");

const MINUTE = 60_000;
export const settings = {
  retryPauseMs: MINUTE,
  longestPauseMs: 60 * MINUTE,
  pushSilenceMs: 5 * MINUTE,
  stuckGraceMs: 5 * MINUTE,
  updateTimeoutMs: 60 * MINUTE,
};

/** So many minutes after noon. */
export function at(minutes: number): string {
  return new Date(Date.parse("2026-01-01T12:00:00.000Z") + minutes * MINUTE).toISOString();
}

/** One cloud as a test draws it; what is left out is as it is in a quiet, converged stack. */
export type Sketch = {
  /** Undefined, but given: no longer weighed. */
  weight?: number | undefined;
  /** What runs there, and what the parameter says. */
  count?: number;
  desired?: number;
  verdict?: Partial<Verdict>;
  drained?: boolean;
  ordered_at?: string;
  /** Undefined, but given: never read. */
  seen?: Partial<Seen> | undefined;
  /** Undefined, but given: no share yet. `blocked` by its code. */
  share?: (Omit<Partial<Share>, "blocked"> & { blocked?: Blocked | string }) | undefined;
};

export function verdictOf(cloud: CloudName, more: Partial<Verdict> = {}): Verdict {
  const base = { since: at(-60), at: at(-60), reason: "Heat answers (asked from home)", votes: [] };
  return { cloud, verdict: "reachable", ...base, ...more };
}

/** A heat stack at rest with this count, read five minutes before noon. */
export function seenOf(cloud: CloudName, count: number, more: Partial<Seen> = {}): Seen {
  return {
    cloud,
    stack_name: "web",
    read_at: at(-5),
    parameter: "count",
    count,
    in_place: count,
    heat_status: "UPDATE_COMPLETE",
    updated_time: "2026-01-01T11:00:00Z",
    heat_stack_id: `id-of-${cloud}`,
    project_id: `project-of-${cloud}`,
    ...more,
  };
}

/** A reading as one clock for all would have it: it knows of what was written down before it began. */
export function knowing(seen: Seen, verdict?: Verdict, push?: Push, asked_at?: string): Seen {
  const { read_at, complete_at, stuck } = seen;
  const until = (time: string | undefined) => (time && time <= read_at ? time : undefined);
  const pushedBefore = (time: string | undefined) =>
    push && time && push.at < time ? push.id : undefined;
  const isAnswered = push?.answered !== undefined && push.answered.at < read_at;
  const after: Known = {
    verdict_at: until(verdict?.at),
    returned_at: until(verdict?.returned_at),
    push_id: pushedBefore(read_at),
    answered: isAnswered ? true : undefined,
    asked_at: until(asked_at),
  };
  return {
    ...seen,
    after,
    complete_after: pushedBefore(complete_at),
    stuck_after: pushedBefore(stuck?.since),
  };
}

/** A push of generation 1 at noon, not answered yet. */
export function pushOf(count: number, more: Partial<Push> = {}): Push {
  const before = { heat_stack_id: "id-of-athens", updated_time: "2026-01-01T11:00:00Z" };
  return { id: "push", generation: 1, count, at: at(0), before, ...more };
}

export function blockedBy(code: string, more: Partial<Blocked> = {}): Blocked {
  return { class: "stack", code, message: `${code}.`, since: at(-5), witness: "", ...more };
}

/** A stack over these clouds as the table has it, at rest but for what the sketches say. */
export function declared(
  clouds: Record<string, Sketch>,
  stack: Partial<Stack> | Record<string, unknown> = {},
): Declared {
  const entries = Object.entries(clouds).map(
    ([name, sketch]) => [CloudName.parse(name), sketch] as const,
  );
  const weighed = entries.filter(([, one]) => !("weight" in one) || one.weight !== undefined);
  const weights = Object.fromEntries(
    weighed.map(([cloud, { weight }]) => [cloud, weight ?? 1 / weighed.length]),
  ) as Record<CloudName, number>;
  const stack_name = StackName.parse("web");
  const count = entries.reduce((sum, [, one]) => sum + (one.desired ?? one.count ?? 4), 0);
  const declaration = {
    stack_name,
    uid: "uid",
    generation: 1,
    count,
    count_parameter: "count",
    weights,
    policy: Policy.parse({}),
    paused: false,
    partial: false,
    completed: weightSum(weights) === 1,
    created_at: at(-90),
    updated_at: at(-90),
    ...stack,
  } as Stack;
  const status: Status = {
    stack_name,
    version: 7,
    uid: "uid",
    observed_generation: 1,
    old_total: count,
    inputs: { generation: 1 },
    open: [],
    attempts: 0,
    state: "converged",
    conditions: [],
  };
  const view: Declared = {
    stack: declaration,
    shares: entries.flatMap(([cloud, one]) => shareOf(cloud, one)),
    verdicts: new Map(entries.map(([cloud, one]) => [cloud, verdictOf(cloud, one.verdict)])),
    orders: new Map(
      entries.flatMap(([cloud, { drained, ordered_at = at(-60) }]) =>
        drained === undefined ? [] : [[cloud, { cloud, drained, at: ordered_at }] as const],
      ),
    ),
    seen: new Map(
      entries.flatMap(([cloud, one]) =>
        "seen" in one && one.seen === undefined ? [] : [[cloud, seenIn(cloud, one)] as const],
      ),
    ),
  };
  const inputs = { generation: 1, verdicts: verdictMarks(view) };
  return { ...view, status: { ...status, inputs } };
}

function seenIn(cloud: CloudName, { count = 4, seen, verdict, share }: Sketch): Seen {
  return knowing(seenOf(cloud, count, seen), verdictOf(cloud, verdict), share?.push);
}

function shareOf(cloud: CloudName, sketch: Sketch): Share[] {
  if ("share" in sketch && sketch.share === undefined) return [];
  const { count = 4, desired = count, share } = sketch;
  const { blocked, ...more } = share ?? {};
  const block = typeof blocked === "string" ? blockedBy(blocked) : blocked;
  return [
    {
      stack_name: StackName.parse("web"),
      cloud,
      desired,
      version: 7,
      attempts: 0,
      ...more,
      ...(block ? { blocked: block } : {}),
    },
  ];
}
