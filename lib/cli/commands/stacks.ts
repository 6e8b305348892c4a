import type { Client } from "../../api/client.ts";
import type { Declaration, StackSummary } from "../../api/schema.ts";
import type { StackName } from "../../stack/schema.ts";
import { command } from "../command.ts";
import { Failure, usage } from "../failure.ts";
import { formatOptions, printList } from "../format.ts";
import { count, countParameter, stackName, weights } from "../given.ts";
import { leftText } from "../ledger-view.ts";
import { originalList, originalStack } from "../original.ts";
import { declarationColumns, printStack, stackColumns, summaryRow } from "../stack-view.ts";
import { changed, changeOptions, jsonOption, policyOf, policyOptions } from "./change.ts";

const STACK = {
  name: "STACK",
  summary: "The name that its heat stacks have in every cloud",
} as const;

export const addCommand = command({
  name: "add",
  summary:
    "Declare a stack: how many instances, and the template parameter that carries the number",
  details:
    "The heat stacks must already be there, under this name, in the clouds that you weigh. Without\n" +
    "weights nothing is pushed yet: `weight set` says how the count is spread.",
  arguments: { stack: STACK },
  options: {
    count: { value: "N", required: true, summary: "Instances wanted in all clouds together" },
    parameter: {
      value: "NAME",
      required: true,
      summary: "The parameter of the template that carries the count",
    },
    weight: {
      value: "CLOUD=W",
      many: true,
      summary: "A cloud and its part of the count, 0 to 1; can be repeated",
    },
    ...policyOptions,
    partial: { summary: "Weights that sum to less than 1 are meant" },
    ...changeOptions,
  },
  columns: declarationColumns,
  examples: [
    "add web --count 10 --parameter count",
    "add web --count 10 --parameter count --weight athens=1 --wait",
  ],
  run: async (context, given) => {
    const name = stackName(given.stack);
    const body = {
      count: count(given.count),
      count_parameter: countParameter(given.parameter),
      weights: weights(given.weight),
      policy: policyOf(given),
      partial: given.partial,
    };
    return changed(context, given, async () => {
      const { client } = await context.connection();
      return added(client, name, body);
    });
  },
});

/** A stack that exists is never replaced by accident: its weights and policy would go. */
async function added(
  client: Client,
  stack_name: StackName,
  body: Parameters<Client["putStack"]>[0]["body"],
): Promise<Declaration> {
  try {
    return await client.putStack({ stack_name, body, ifNoneMatch: "*" });
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "stack.changed") throw error;
    throw new Failure(
      `There is a stack ${stack_name} already; nothing was changed. Change it with heat-spreader update ${stack_name}.`,
      { cause: error },
    );
  }
}

const listColumns = [
  "stack_name",
  "count",
  "in_place",
  "up_to",
  "state",
  "count_parameter",
  "weights",
];

export const listCommand = command({
  name: "list",
  summary: "List the stacks with their counts and states",
  arguments: {},
  options: { ...formatOptions, json: jsonOption },
  columns: listColumns,
  examples: ["list", "list -f value -c stack_name"],
  run: async (context, given) => {
    const stacks = await allStacks((await context.connection()).client);
    if (given.json) return context.terminal.print(originalList(stacks));
    printList(context, given, {
      columns: listColumns,
      rows: stacks.map(summaryRow),
      empty: "There are no stacks yet. Add one: heat-spreader add web --count 10 --parameter count",
    });
  },
});

/** All pages. */
export async function allStacks(client: Client): Promise<StackSummary[]> {
  const stacks: StackSummary[] = [];
  let marker: string | undefined;
  do {
    const page = await client.listStacks({
      query: { limit: 1000, ...(marker === undefined ? {} : { marker }) },
    });
    stacks.push(...page.stacks);
    marker = page.next;
  } while (marker !== undefined);
  return stacks;
}

export const showCommand = command({
  name: "show",
  summary: "Show a stack: its declaration, its state, and its share in every cloud",
  arguments: { stack: STACK },
  options: { ...formatOptions, json: jsonOption },
  columns: stackColumns,
  examples: ["show web", "show web -f json", "show web -f value -c state"],
  run: async (context, given) => {
    const stack_name = stackName(given.stack);
    const stack = await (await context.connection()).client.getStack({ stack_name });
    if (given.json) return context.terminal.print(originalStack(stack));
    printStack(context, given, stack);
  },
});

export const updateCommand = command({
  name: "update",
  summary: "Change a stack's count, parameter or policy",
  arguments: { stack: STACK },
  options: {
    count: { value: "N", summary: "Instances wanted in all clouds together" },
    parameter: { value: "NAME", summary: "The parameter of the template that carries the count" },
    ...policyOptions,
    partial: { summary: "Weights that sum to less than 1 are meant" },
    "no-partial": { summary: "They are not: hold scale-downs until the weights have summed to 1" },
    ...changeOptions,
  },
  columns: declarationColumns,
  examples: [
    "update web --count 12",
    "update web --count 12 --wait",
    "update web --failback manual",
  ],
  run: async (context, given) => {
    if (given.partial && given["no-partial"]) {
      throw usage("--partial and --no-partial say the opposite of each other. Give one of them.");
    }
    const stack_name = stackName(given.stack);
    const policy = policyOf(given);
    const body = {
      ...(given.count === undefined ? {} : { count: count(given.count) }),
      ...(given.parameter === undefined
        ? {}
        : { count_parameter: countParameter(given.parameter) }),
      ...(Object.keys(policy).length === 0 ? {} : { policy }),
      ...(given.partial ? { partial: true } : given["no-partial"] ? { partial: false } : {}),
    };
    if (Object.keys(body).length === 0) {
      throw usage(
        "update needs something to change, such as --count 12. See heat-spreader update --help.",
      );
    }
    return changed(context, given, async () => {
      const { client } = await context.connection();
      return client.patchStack({ stack_name, body });
    });
  },
});

export const deleteCommand = command({
  name: "delete",
  summary: "Forget a stack; its heat stacks stay as they are",
  arguments: { stack: STACK },
  options: {},
  examples: ["delete web"],
  run: async (context, given) => {
    const stack_name = stackName(given.stack);
    const { client } = await context.connection();
    const { left_running } = await client.deleteStack({ stack_name });
    // The original said nothing, and scripts may count on that.
    if (!context.terminal.isTerminal) return;
    const left = left_running.map((one) => `${one.cloud} ${leftText(one)}`).join(", ");
    context.terminal.note(
      left === ""
        ? `${stack_name} is forgotten.`
        : `${stack_name} is forgotten. Its heat stacks stay as they are; left running: ${left}.`,
    );
  },
});
