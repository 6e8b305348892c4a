import type { Declaration } from "../../api/schema.ts";
import type { Policy } from "../../stack/schema.ts";
import type { Context } from "../context.ts";
import type { ExitCode } from "../failure.ts";
import { usage } from "../failure.ts";
import { type FormatGiven, formatOf, formatOptions } from "../format.ts";
import { seconds } from "../given.ts";
import { originalStack } from "../original.ts";
import { advice, printDeclaration, printStack } from "../stack-view.ts";
import { waitFor } from "../wait.ts";

export const jsonOption = {
  summary: "Print what the Python tool printed, and nothing else",
} as const;

/** Of every command that changes a declaration. */
export const changeOptions = {
  wait: { summary: "Return when it is in place everywhere, or say why it cannot be" },
  timeout: { value: "SECONDS", summary: "How long to --wait; 3600 unless said" },
  ...formatOptions,
  json: jsonOption,
} as const;

export const policyOptions = {
  failover: {
    value: "RULE",
    choices: ["even", "proportional", "none"],
    summary: "A lost cloud's share: even (default), proportional, or none",
  },
  order: {
    value: "RULE",
    choices: ["make_before_break", "at_once"],
    summary: "Scale down after the others are up: make_before_break (default), or at_once",
  },
  failback: {
    value: "RULE",
    choices: ["auto", "manual"],
    summary: "A returned cloud's share: auto (default), or manual, until `release`",
  },
  evidence: {
    value: "RULE",
    choices: ["api", "api_and_workload"],
    summary:
      "What must be silent before a share is moved: api, or api_and_workload (default) where a witness is named",
  },
} as const;

type ChangeGiven = FormatGiven & { json: boolean; wait: boolean; timeout: string | undefined };

/** What was given of a policy; its words were checked while parsing. */
export function policyOf(given: Record<keyof Policy, string | undefined>): Partial<Policy> {
  const entries = (["failover", "order", "failback", "evidence"] as const).map((key) => [
    key,
    given[key],
  ]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Partial<Policy>;
}

/**
 * Makes a change and prints the declaration that it led to, and with `--wait` waits for it first:
 * exit code 1 when that fails. The command line is checked before anything is changed.
 */
export async function changed(
  context: Context,
  given: ChangeGiven,
  make: () => Promise<Declaration>,
): Promise<ExitCode> {
  const { terminal } = context;
  if (given.timeout !== undefined && !given.wait) {
    throw usage("--timeout goes with --wait. Add --wait.");
  }
  const timeoutMs = seconds(given.timeout ?? "3600", "--timeout");
  const stack = await make();
  if (!given.wait) {
    if (given.json) terminal.print(originalStack(stack));
    else printDeclaration(context, given, stack);
    remark(context, given, stack);
    return 0;
  }
  const { client } = await context.connection();
  const progress = given.json ? () => undefined : terminal.progress;
  const waited = await waitFor(client, stack, { timeoutMs, progress });
  terminal.endProgress();
  if (given.json) terminal.print(originalStack(stack));
  else if (given.column.length > 0) printDeclaration(context, given, waited.stack);
  else printStack(context, given, waited.stack);
  if (waited.failure === undefined) return 0;
  terminal.note(waited.failure);
  return 1;
}

function remark({ terminal }: Context, given: ChangeGiven, stack: Declaration): void {
  const said = advice(stack);
  if (said !== undefined && !given.json && formatOf(given) === "table") terminal.note(said);
}
