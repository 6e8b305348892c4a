import type { CloudName } from "../../cloud/schema.ts";
import { entriesOf, type Stack } from "../../stack/schema.ts";
import type { Handlers } from "../contract.ts";
import type { ApiDeps } from "../deps.ts";
import type { StackPatch } from "../schema.ts";
import { change, type Draft, draftOf, existing, reweighed } from "./change.ts";
import { declarationAnswer, detailOf, leftRunning, summaryOf } from "./show.ts";
import { stampAfter } from "./stamp.ts";
import { acceptable, knownClouds, merged, requireKnown } from "./weights.ts";
import { mergedWitnesses, requireAskable } from "./witnesses.ts";

type StackHandlers = Pick<
  Handlers,
  | "listStacks"
  | "putStack"
  | "getStack"
  | "patchStack"
  | "deleteStack"
  | "reconcileStack"
  | "releaseStack"
>;

/** Declarations: read, written, forgotten, woken, released. */
export function stackHandlers(deps: ApiDeps): StackHandlers {
  return {
    listStacks: async ({ query }) => {
      const { stacks, next } = await deps.listStacks(query);
      const views = await viewsOf(deps, stacks);
      const summaries = views.map((view) => summaryOf(view, deps.settings));
      return { reply: { stacks: summaries, ...(next === undefined ? {} : { next }) } };
    },
    putStack: async ({ params: { stack_name }, body, precondition, who }) => {
      const known = await knownClouds(deps);
      const edit = (current: Stack | undefined): Draft => {
        requireKnown(known, current?.weights ?? {}, body.weights);
        const { witnesses, ...rest } = body;
        const released = current?.released === undefined ? {} : { released: current.released };
        const draft = { ...rest, ...mergedWitnesses({}, witnesses ?? {}), ...released };
        requireAskable({ known, settings: deps.witness }, current?.witnesses, draft);
        return draft;
      };
      const { stack, isNew } = await change(deps, { stack_name, precondition, who, edit });
      const { reply, headers } = declarationAnswer(stack);
      if (!isNew) return { reply, headers };
      return { reply, status: 201, headers: { ...headers, location: `/v1/stacks/${stack_name}` } };
    },
    getStack: async ({ params: { stack_name } }) => {
      const view = await deps.readStackView(stack_name);
      const { generation } = existing(view.stack, stack_name);
      const reply = detailOf({ ...view, stack: existing(view.stack, stack_name) }, deps.settings);
      return { reply, headers: { etag: `"${generation}"` } };
    },
    patchStack: async ({ params: { stack_name }, body, precondition, who }) => {
      const isNaming = body.weights !== undefined || body.witnesses !== undefined;
      const known = isNaming ? await knownClouds(deps) : new Set<CloudName>();
      const edit = (current: Stack | undefined): Draft => {
        const before = existing(current, stack_name);
        const draft = patched(before, body, known);
        requireAskable({ known, settings: deps.witness }, before.witnesses, draft);
        return draft;
      };
      return declarationAnswer((await change(deps, { stack_name, precondition, who, edit })).stack);
    },
    deleteStack: async ({ params: { stack_name }, precondition, who }) => {
      const left_running = leftRunning(await deps.readStackView(stack_name), deps.settings);
      await change(deps, { stack_name, precondition, who, edit: tombstone(deps, stack_name) });
      return { reply: { stack_name, left_running } };
    },
    reconcileStack: async ({ params: { stack_name } }) => {
      existing(await deps.readStack(stack_name), stack_name);
      const asked_at = deps.now().toISOString();
      await deps.wake(stack_name, asked_at, asked_at);
      return { reply: { stack_name, asked_at }, status: 202 };
    },
    releaseStack: async ({ params: { stack_name }, precondition, who }) => {
      const returns = (await deps.listVerdicts()).map(({ returned_at }) => returned_at);
      const edit = (current: Stack | undefined): Draft => ({
        ...draftOf(existing(current, stack_name)),
        released: { at: stampAfter(deps.now(), returns) },
      });
      return declarationAnswer((await change(deps, { stack_name, precondition, who, edit })).stack);
    },
  };
}

/** A declaration after a merge. Throws 422 for weights that are not acceptable. */
export function patched(before: Stack, patch: StackPatch, known: ReadonlySet<CloudName>): Draft {
  const { weights: changed = {}, policy, witnesses: named = {}, ...rest } = patch;
  const weights = merged(before.weights, changed);
  requireKnown(known, before.weights, weights);
  const { witnesses, ...draft } = reweighed(draftOf(before), acceptable(weights));
  return {
    ...draft,
    ...given(rest),
    ...mergedWitnesses(witnesses, named),
    policy: { ...before.policy, ...given(policy ?? {}) },
  };
}

/** What a DELETE makes of a stack. */
export function tombstone(deps: Pick<ApiDeps, "now">, name: string) {
  return (current: Stack | undefined): Draft => ({
    ...draftOf(existing(current, name)),
    deleted_at: deps.now().toISOString(),
  });
}

/** A page of stacks with what the list shows of them, in a handful of batch reads. */
async function viewsOf(deps: ApiDeps, stacks: Stack[]) {
  const names = stacks.map(({ stack_name }) => stack_name);
  const places = stacks.flatMap(({ stack_name, weights }) =>
    entriesOf(weights).map(([cloud]) => ({ stack_name, cloud })),
  );
  const [statuses, shares, seen, verdicts, orders] = await Promise.all([
    deps.readStatuses(names),
    deps.readShares(places),
    deps.readSeenAt(places),
    deps.listVerdicts(),
    deps.listOrders(),
  ]);
  const everywhere = {
    verdicts: new Map(verdicts.map((verdict) => [verdict.cloud, verdict])),
    orders: new Map(orders.map((order) => [order.cloud, order])),
  };
  const statusOf = new Map(statuses.map((status) => [status.stack_name, status]));
  const sharesOf = Map.groupBy(shares, ({ stack_name }) => stack_name);
  const seenOf = Map.groupBy(seen, ({ stack_name }) => stack_name);
  return stacks.map((stack) => {
    const { stack_name } = stack;
    const status = statusOf.get(stack_name);
    const own = {
      stack,
      shares: sharesOf.get(stack_name) ?? [],
      seen: new Map((seenOf.get(stack_name) ?? []).map((reading) => [reading.cloud, reading])),
    };
    return { ...everywhere, ...own, ...(status ? { status } : {}) };
  });
}

/** The fields that are there: a `undefined` would take away what it is spread over. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
