import type { Declaration, StackDetail, StackSummary } from "../api/schema.ts";
import type { ShareDetail } from "../api/share-schema.ts";
import { totalOf } from "../stack/allocation.ts";
import { entriesOf, weightSum } from "../stack/schema.ts";
import type { Witness } from "../stack/witness.ts";
import { title } from "./columns.ts";
import type { Context } from "./context.ts";
import { type Cell, type FormatGiven, formatOf, printFields } from "./format.ts";
import { byCloud } from "./given.ts";
import { grid } from "./grid.ts";
import { ledgerText, placeText } from "./ledger-view.ts";

/** The declaration alone: what `add`, `update` and `weight` answer with. */
export function printDeclaration(context: Context, given: FormatGiven, stack: Declaration): void {
  const isSummary = formatOf(given) === "table" && given.column.length === 0;
  printFields(context, given, isSummary ? summaryFields(stack) : declarationFields(stack));
}

/** Of a declaration, and of a stack as it stands. */
export const declarationColumns = [
  "stack_name",
  "count",
  "count_parameter",
  "weights",
  "policy",
  "witnesses",
  "paused",
  "partial",
  "generation",
  "created_at",
  "updated_at",
] as const;
export const stackColumns = [
  ...declarationColumns,
  "state",
  "desired",
  "in_place",
  "up_to",
  "observed_generation",
  "due_at",
  "conditions",
  "shares",
] as const;

/** A stack as it stands: the declaration with its state, and below it a line for each cloud. */
export function printStack(context: Context, given: FormatGiven, stack: StackDetail): void {
  const isSummary = formatOf(given) === "table" && given.column.length === 0;
  if (isSummary) context.terminal.print(stackText(context, stack));
  else printFields(context, given, allFields(stack));
}

/** Both tables of a stack, as text. */
export function stackText({ terminal }: Context, stack: StackDetail): string {
  const { weights, ...fields } = summaryFields(stack);
  const own = stack.shares.length === 0 ? { ...fields, weights } : fields;
  const rows = Object.entries({ ...own, ...standingFields(stack) }).map(([name, cell]) => [
    title(name),
    textOf(cell),
  ]);
  const table = grid(terminal, ["Field", "Value"], rows);
  if (stack.shares.length === 0) return table;
  return `${table}\n${sharesText({ terminal }, stack.shares)}`;
}

const shareHeads = ["Weight", "Desired", "In place", "Verdict", "Heat", "Remarks"];

/** A line for each share, headed by its cloud, or by its stack where all are of one cloud. */
export function sharesText(
  { terminal }: Pick<Context, "terminal">,
  shares: ShareDetail[],
  by: "cloud" | "stack_name" = "cloud",
): string {
  const rows = shares.map((share) => [
    share[by],
    share.weight ?? "-",
    share.desired ?? "-",
    placeText(share),
    share.verdict,
    share.seen?.heat_status ?? "-",
    remarks(share),
  ]);
  return grid(terminal, [title(by === "cloud" ? "cloud" : "stack"), ...shareHeads], rows);
}

/** What a person wants to know of it. */
function summaryFields(stack: Declaration): Record<string, Cell> {
  const { paused, partial, generation, created_at, updated_at, witnesses, ...rest } =
    declarationFields(stack);
  const weights = weightsText(stack, "\n") || "none yet";
  return {
    ...rest,
    weights,
    ...(stack.witnesses ? { witnesses } : {}),
    ...(stack.paused ? { paused } : {}),
    ...(stack.partial ? { partial } : {}),
  };
}

function declarationFields(stack: Declaration): Record<string, Cell> {
  const { failover, order, failback, evidence } = stack.policy;
  // It matters only where a witness is named.
  const isTold = stack.witnesses !== undefined || evidence === "api";
  return {
    stack_name: stack.stack_name,
    count: stack.count,
    count_parameter: stack.count_parameter,
    weights: { text: weightsText(stack, ", "), value: stack.weights },
    policy: {
      text: `failover ${failover}, order ${order}, failback ${failback}${isTold ? `, evidence ${evidence}` : ""}`,
      value: stack.policy,
    },
    witnesses: { text: witnessesText(stack), value: stack.witnesses ?? {} },
    paused: stack.paused,
    partial: stack.partial,
    generation: stack.generation,
    created_at: stack.created_at,
    updated_at: stack.updated_at,
  };
}

function standingFields(stack: StackDetail): Record<string, Cell> {
  return {
    state: { text: stateText(stack), value: stack.state },
    in_place: ledgerText(stack),
  };
}

function allFields(stack: StackDetail): Record<string, Cell> {
  const { totals, conditions, shares, observed_generation, due_at } = stack;
  return {
    ...declarationFields(stack),
    state: stack.state,
    desired: totals.desired,
    in_place: totals.in_place,
    up_to: totals.up_to,
    observed_generation,
    due_at,
    conditions: json(conditions),
    shares: json(shares),
  };
}

/** The state, and why it is that; and whatever else holds, a line each. */
export function stateText({
  state,
  conditions,
}: Pick<StackDetail, "state" | "conditions">): string {
  const holds = conditions.filter(({ type, status }) => status && type !== "converged");
  const worst = holds.find(({ type }) => type === state);
  const text = ({ type, message }: StackDetail["conditions"][number]) =>
    message ? `${type}: ${message}` : type;
  const others = holds.filter((one) => one !== worst);
  return [worst ? text(worst) : state, ...others.map(text)].join("\n");
}

/** What a person should know of a share beside its numbers, the worst first. */
export function remarks(share: ShareDetail): string {
  const { blocked, held, lost, push, seen, drained, verdict, desired = 0 } = share;
  const isLeft = verdict === "unreachable" && !lost && !held && desired === 0 && !drained;
  const isUnpushed = held?.reason === "evidence" && seen !== undefined && desired > seen.in_place;
  const isPushing = push !== undefined && seen?.count !== undefined && seen.in_place !== push.count;
  return [
    ...(blocked ? [`blocked: ${blocked.message}`] : []),
    ...(held ? [`held: ${held.message}`] : []),
    ...(seen?.missing ? ["missing: no heat stack of this name"] : []),
    ...(seen?.stuck ? ["stuck: its update did not end"] : []),
    ...(isUnpushed ? [`${desired - seen.in_place} more only when Heat is back`] : []),
    ...(lost ? ["lost: dealt to the others"] : []),
    ...(isLeft && (share.weight ?? 0) > 0 ? ["lost: its instances are dealt to nobody"] : []),
    ...(drained ? ["drained"] : []),
    ...(share.weight === undefined ? ["no longer weighed"] : []),
    ...(seen && (verdict === "unreachable" || verdict === "unknown")
      ? [`last read ${ago(seen.read_at, Date.now())}`]
      : []),
    ...(isPushing && !blocked ? [`asked for ${push.count}`] : []),
    ...(verdict === "reachable" ? witnessRemarks(share) : []),
  ].join("\n");
}

/** A witness that would be of no use if Heat fell silent now. */
function witnessRemarks({ testimony }: ShareDetail): string[] {
  if (testimony === undefined || testimony.finding === "answers") return [];
  const why = testimony.fault ? `: ${testimony.fault.message.replace(/\.$/, "")}` : "";
  const what = testimony.finding === "silent" ? "does not answer" : "cannot be asked";
  return [`its witness ${what}${why}`];
}

/** How long before `nowMs`, in the largest unit that fits. */
export function ago(time: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(time)) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}

/** What a new or changed declaration still lacks, as something to do; undefined: nothing. */
export function advice(stack: Declaration): string | undefined {
  const { stack_name, weights, partial, completed } = stack;
  if (entriesOf(weights).length === 0) {
    return `${stack_name} has no clouds yet. Weigh them: heat-spreader weight set ${stack_name} CLOUD=WEIGHT CLOUD=WEIGHT`;
  }
  const sum = weightSum(weights);
  if (sum >= 1 || partial) return undefined;
  const missing = `The weights of ${stack_name} sum to ${sum}, so ${totalOf(stack.count, weights)} of ${stack.count} are wanted in all.`;
  if (completed) return missing;
  return `${missing} No cloud is scaled down until they sum to 1; if less is meant: heat-spreader update ${stack_name} --partial`;
}

export function summaryRow(stack: StackSummary): Record<string, Cell> {
  return {
    stack_name: stack.stack_name,
    count: stack.count,
    in_place: stack.totals.in_place,
    up_to: stack.totals.up_to,
    state: stack.state,
    count_parameter: stack.count_parameter,
    weights: { text: weightsText(stack, ", "), value: stack.weights },
  };
}

function weightsText({ weights }: Declaration, between: string): string {
  return byCloud(weights)
    .map(([cloud, weight]) => `${cloud} ${weight}`)
    .join(between);
}

function witnessesText({ witnesses = {} }: Declaration): string {
  const said = entriesOf(witnesses).sort(([a], [b]) => (a < b ? -1 : 1));
  return said.map(([cloud, witness]) => `${cloud} ${witnessText(witness)}`).join("\n");
}

function witnessText(witness: Witness): string {
  if ("tcp" in witness) return `tcp ${witness.tcp}`;
  return `${witness.url}${witness.status === 200 ? "" : ` (${witness.status})`}`;
}

function textOf(cell: Cell): string {
  return typeof cell === "object" ? String(cell.text) : String(cell ?? "");
}

function json(value: unknown): Cell {
  return { text: JSON.stringify(value), value };
}
