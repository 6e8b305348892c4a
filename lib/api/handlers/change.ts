import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { ControlError } from "../../error.ts";
import type { Event } from "../../event/schema.ts";
import {
  entriesOf,
  Policy,
  type Stack,
  type StackName,
  type Weights,
  type Witnesses,
  weightSum,
} from "../../stack/schema.ts";
import { witnessText } from "../../stack/witness.ts";
import type { ApiDeps } from "../deps.ts";
import type { Precondition } from "../endpoint.ts";

/** The part of a declaration that its user writes. */
export type Draft = Pick<
  Stack,
  "count" | "count_parameter" | "weights" | "policy" | "paused" | "partial"
> &
  Partial<Pick<Stack, "witnesses" | "released" | "deleted_at">>;

export type Change = {
  stack_name: StackName;
  precondition: Precondition;
  /** Who asked for it, for the event. */
  who: string;
  /** The declaration as it should be. Throws a ControlError when that is not acceptable. */
  edit: (current: Stack | undefined) => Draft;
};

type ChangeDeps = Pick<ApiDeps, "now" | "newId" | "readStack" | "saveStack">;

const ATTEMPTS = 8;
const KEPT_MS = 30 * 86_400_000;

/**
 * Writes one change of a declaration, with its event, on the condition that nobody else wrote since
 * it was read; who lost reads again. Nothing is written, and no generation counted, when it changes
 * nothing. Throws 412 when the precondition does not hold, 409 after losing eight times.
 */
export async function change(
  deps: ChangeDeps,
  { stack_name, precondition, who, edit }: Change,
): Promise<{ stack: Stack; isNew: boolean }> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const found = await deps.readStack(stack_name);
    const current = declared(found);
    requireThat(precondition, current, stack_name);
    const draft = edit(current);
    if (current !== undefined && isSame(current, draft)) return { stack: current, isNew: false };
    const stack = stamped(draft, { stack_name, found, current, now: deps.now() });
    const event = declaredEvent(stack, current, { id: deps.newId(), who });
    if (await deps.saveStack({ stack, previous: found, event })) {
      return { stack, isNew: current === undefined };
    }
    // A reconcile's transaction holds the item for some milliseconds.
    await pause(Math.random() * 10 * 2 ** attempt);
  }
  throw new ControlError(
    "stack.conflict",
    `${stack_name} is being changed by others all the time; nothing was written. Try again.`,
  );
}

/** A stack that exists: there, and no tombstone. */
export function declared(found: Stack | undefined): Stack | undefined {
  return found?.deleted_at === undefined ? found : undefined;
}

/** Throws 404 unless there is such a stack. */
export function existing(stack: Stack | undefined, name: string): Stack {
  if (stack !== undefined && stack.deleted_at === undefined) return stack;
  throw new ControlError("stack.missing", `There is no stack ${name}.`);
}

/** The part of a stack that its user writes, as it is. */
export function draftOf(stack: Stack): Draft {
  const { count, count_parameter, weights, policy, paused, partial } = stack;
  const { witnesses, released } = stack;
  return {
    ...{ count, count_parameter, weights, policy, paused, partial },
    ...(witnesses === undefined ? {} : { witnesses }),
    ...(released === undefined ? {} : { released }),
  };
}

/** A draft with these weights. With its weight a cloud's witness goes, too: nobody would ask it. */
export function reweighed({ witnesses = {}, ...draft }: Draft, weights: Weights): Draft {
  const left = entriesOf(witnesses).filter(([cloud]) => Object.hasOwn(weights, cloud));
  if (left.length === 0) return { ...draft, weights };
  return { ...draft, weights, witnesses: Object.fromEntries(left) };
}

function requireThat(wanted: Precondition, current: Stack | undefined, name: StackName): void {
  const { generations, absent } = wanted;
  if (absent && current !== undefined) {
    throw new ControlError("stack.changed", `${name} exists already; nothing was written.`);
  }
  if (generations === undefined) return;
  if (current === undefined) {
    throw new ControlError("stack.changed", `There is no stack ${name}; nothing was written.`);
  }
  if (generations === "any" || generations.includes(current.generation)) return;
  throw new ControlError(
    "stack.changed",
    `${name} is at generation ${current.generation}, not ${generations.join(" or ")}; nothing was written. Read it again.`,
  );
}

function isSame(current: Stack, draft: Draft): boolean {
  return isDeepStrictEqual(draftOf(current), draft);
}

type Stamp = {
  stack_name: StackName;
  found: Stack | undefined;
  current: Stack | undefined;
  now: Date;
};

function stamped(draft: Draft, { stack_name, found, current, now }: Stamp): Stack {
  const at = now.toISOString();
  const expires_at = Math.ceil((now.getTime() + KEPT_MS) / 1000);
  return {
    ...draft,
    stack_name,
    uid: current?.uid ?? randomUUID(),
    // A tombstone's generation too: what was asked of the old stack must look older than the new.
    generation: (found?.generation ?? 0) + 1,
    completed: current?.completed === true || weightSum(draft.weights) === 1,
    created_at: current?.created_at ?? at,
    updated_at: at,
    ...(draft.deleted_at === undefined ? {} : { expires_at }),
  };
}

function declaredEvent(
  stack: Stack,
  before: Stack | undefined,
  { id, who }: { id: string; who: string },
): Event {
  const { stack_name, generation, updated_at: at, deleted_at } = stack;
  const isDeleted = deleted_at !== undefined;
  return {
    id,
    at,
    type: isDeleted ? "stack.deleted" : "stack.declared",
    stack_name,
    generation,
    message: isDeleted
      ? `${stack_name} was deleted; its heat stacks stay as they are`
      : `${stack_name} was declared: ${differences(stack, before).join(", ")}`,
    changes: [],
    cause: `asked for by ${who}`,
  };
}

function differences(stack: Stack, before: Stack | undefined): string[] {
  const flags = (of: Stack | undefined): Record<string, unknown> => ({
    count: of?.count,
    count_parameter: of?.count_parameter,
    ...(of?.policy ?? Policy.parse({})),
    paused: of?.paused ?? false,
    partial: of?.partial ?? false,
  });
  const old = flags(before);
  const fields = Object.entries(flags(stack)).filter(([key, value]) => value !== old[key]);
  const clouds = new Set(
    [...entriesOf(before?.weights ?? {}), ...entriesOf(stack.weights)].map(([cloud]) => cloud),
  );
  const oldWeights = new Map(entriesOf(before?.weights ?? {}));
  const newWeights = new Map(entriesOf(stack.weights));
  const moved = [...clouds].filter((cloud) => oldWeights.get(cloud) !== newWeights.get(cloud));
  const isReleased = stack.released?.at !== before?.released?.at;
  return [
    ...fields.map(([key, value]) => `${key} ${step(old[key], value)}`),
    ...moved.map(
      (cloud) => `${cloud} ${step(oldWeights.get(cloud), newWeights.get(cloud) ?? "no weight")}`,
    ),
    ...witnessDifferences(stack.witnesses ?? {}, before?.witnesses ?? {}),
    ...(isReleased ? ["its failback was released"] : []),
  ];
}

function witnessDifferences(witnesses: Witnesses, before: Witnesses): string[] {
  const next = new Map(entriesOf(witnesses));
  const old = new Map(entriesOf(before));
  return [...new Set([...old.keys(), ...next.keys()])].flatMap((cloud) => {
    const [from, to] = [old.get(cloud), next.get(cloud)];
    if (isDeepStrictEqual(from, to)) return [];
    const [says, said] = [from && witnessText(from), to ? witnessText(to) : "none"];
    return [`witness of ${cloud} ${says === said ? "changed (its query)" : step(says, said)}`];
  });
}

function step(from: unknown, to: unknown): string {
  return from === undefined ? String(to) : `${from} -> ${to}`;
}
