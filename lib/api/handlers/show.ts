import { wordOf } from "../../cloud/witness.ts";
import type { StackView } from "../../stack/deps.ts";
import { entryOf, ledgerOf } from "../../stack/ledger.ts";
import type { Stack, StackState } from "../../stack/schema.ts";
import {
  type CloudView,
  cloudViews,
  type Declared,
  isDeclared,
  ofThisStack,
  ownStatus,
} from "../../stack/view.ts";
import { witnessOf } from "../../stack/workload.ts";
import type { Declaration, LeftRunning, StackDetail, StackSummary } from "../schema.ts";
import type { ShareDetail } from "../share-schema.ts";

type Settings = { pushSilenceMs: number };

/** The declaration, and its generation as ETag. */
export function declarationAnswer(stack: Stack): {
  reply: Declaration;
  headers: Record<string, string>;
} {
  return { reply: stack, headers: { etag: `"${stack.generation}"` } };
}

/** A stack as the list shows it. */
export function summaryOf(view: Declared, settings: Settings): StackSummary {
  const status = ownStatus(view);
  const observed = status?.observed_generation;
  const views = viewsOf(view, settings);
  const { in_place, up_to } = ledgerOf(view.stack, views);
  return {
    ...view.stack,
    state: stateOf(view),
    ...(observed === undefined ? {} : { observed_generation: observed }),
    totals: {
      desired: views.reduce(
        (sum, { weight, share }) => sum + (weight === undefined ? 0 : (share?.desired ?? 0)),
        0,
      ),
      in_place,
      ...(up_to === undefined ? {} : { up_to }),
    },
  };
}

/** Everything that is known of a stack. */
export function detailOf(view: Declared, settings: Settings): StackDetail {
  const status = ownStatus(view);
  const views = viewsOf(view, settings);
  const shares = views.map((own) => ({
    ...shareDetail(view.stack, own),
    ...defined({ testimony: testimonyOf(view, own) }),
  }));
  return {
    ...summaryOf(view, settings),
    conditions: status?.conditions ?? [],
    shares: shares.sort((a, b) => (a.cloud < b.cloud ? -1 : 1)),
    ...(status?.due_at === undefined ? {} : { due_at: status.due_at }),
  };
}

/** What the witness last said: in an outage what counts, else whether it would be of use. */
function testimonyOf(view: Declared, { cloud, workload, testimony }: CloudView) {
  const witness = witnessOf(view.stack, cloud);
  if (workload !== undefined || witness === undefined) return testimony;
  return wordOf(view.testimonies?.get(cloud), witness);
}

/** One cloud's part of a stack, as the API shows it. */
export function shareDetail(stack: Stack, own: CloudView): ShareDetail {
  const { stack_name } = stack;
  const { cloud, kind, isDrained, share, raw, weight } = own;
  const { desired, push, blocked, held, lost, retry_at } = share ?? {};
  const [entry] = ledgerOf(stack, [own]).entries;
  const { in_place = 0, up_to, reason } = entry ?? {};
  const ledger = entry && { in_place, ...defined({ up_to, reason }) };
  const known = { weight, desired, push, blocked, held, lost, retry_at, seen: raw, ledger };
  return { stack_name, cloud, verdict: kind, drained: isDrained, ...defined(known) };
}

/**
 * What runs in each of the stack's clouds, were it let go of now: the last count seen, or that of a
 * push still under way, and its bounds. Clouds that were never read, or have no heat stack, are left out.
 */
export function leftRunning(view: StackView, settings: Settings): LeftRunning {
  if (!isDeclared(view)) return [];
  return viewsOf(view, settings).flatMap((own) => {
    const { cloud, raw, isOpen, share } = own;
    if (raw === undefined || raw.missing !== undefined) return [];
    const count = isOpen && share?.push ? share.push.count : raw.in_place;
    const { in_place, up_to, reason } = entryOf(own, view.stack.count_parameter);
    return [{ cloud, count, in_place, ...defined({ up_to, reason }) }];
  });
}

/** While reconcile has not dealt with this generation yet, what it last said is of no use. */
function stateOf(view: Declared): StackState {
  const { stack } = view;
  const status = ownStatus(view);
  if (stack.paused) return "paused";
  if (status === undefined || status.inputs.generation < stack.generation) return "converging";
  return status.state;
}

/** What is known of each cloud; a share left by a deleted namesake has no `desired` of this stack. */
function viewsOf(view: Declared, settings: Settings): CloudView[] {
  const views = cloudViews(ofThisStack(view), new Map(), settings);
  const isOwn = ownStatus(view) !== undefined;
  return [...views.values()].filter(
    ({ weight, share, isOpen }) =>
      weight !== undefined || (share !== undefined && (isOwn || isOpen)),
  );
}

function defined<T extends Record<string, unknown>>(
  fields: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
