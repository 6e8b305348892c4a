import { command } from "../command.ts";
import { formatOf, formatOptions, printList } from "../format.ts";
import { cloudName, count, stackName, weights } from "../given.ts";
import { policyOf, policyOptions } from "./change.ts";

const STACK = { name: "STACK", summary: "The stack" } as const;

const planColumns = ["cloud", "from", "to", "order", "why"];

export const planCommand = command({
  name: "plan",
  summary: "Say what a change, or the loss of clouds, would do; nothing is changed",
  arguments: {
    stack: STACK,
    weights: {
      name: "CLOUD=WEIGHT",
      many: true,
      optional: true,
      summary: "Weights to suppose; clouds that are not named keep theirs",
    },
  },
  options: {
    count: { value: "N", summary: "A count to suppose" },
    lost: { value: "CLOUD", many: true, summary: "A cloud to suppose lost; can be repeated" },
    ...policyOptions,
    ...formatOptions,
  },
  columns: planColumns,
  examples: ["plan web --lost athens", "plan web --count 20", "plan web athens=0.5 stockholm=0.3"],
  run: async (context, given) => {
    const stack_name = stackName(given.stack);
    const supposed = weights(given.weights);
    const lost = given.lost.map(cloudName);
    const policy = policyOf(given);
    const body = {
      ...(given.count === undefined ? {} : { count: count(given.count) }),
      ...(Object.keys(supposed).length === 0 ? {} : { weights: supposed }),
      ...(Object.keys(policy).length === 0 ? {} : { policy }),
      ...(lost.length === 0 ? {} : { lost }),
    };
    const { client } = await context.connection();
    const plan = await client.planStack({ stack_name, body });
    printList(context, given, {
      columns: planColumns,
      rows: plan.clouds,
      empty: `${plan.stack_name} has no clouds.`,
    });
    if (formatOf(given) !== "table") return;
    const { from, to } = plan.totals;
    if (plan.assumed) context.terminal.note(plan.assumed);
    context.terminal.note(
      plan.possible
        ? `In all ${from} -> ${to}. Nothing was changed.`
        : "No cloud that it weighs would be available: nothing would be pushed. Nothing was changed.",
    );
  },
});

export const reconcileCommand = command({
  name: "reconcile",
  summary: "Look at a stack now, without waiting for a pause to end",
  arguments: { stack: STACK },
  options: {},
  examples: ["reconcile web"],
  run: async (context, given) => {
    const stack_name = stackName(given.stack);
    await (await context.connection()).client.reconcileStack({ stack_name });
    context.terminal.print(`${stack_name} is looked at now: heat-spreader show ${stack_name}`);
  },
});

export const releaseCommand = command({
  name: "release",
  summary: "Let clouds that came back have their shares again, where failback is manual",
  arguments: { stack: STACK },
  options: {},
  examples: ["release web"],
  run: async (context, given) => {
    const stack_name = stackName(given.stack);
    await (await context.connection()).client.releaseStack({ stack_name });
    context.terminal.print(`${stack_name} is released: its returned clouds get their shares back.`);
  },
});

export const pauseCommand = command({
  name: "pause",
  summary: "Push nothing more for a stack until it is resumed",
  arguments: { stack: STACK },
  options: {},
  examples: ["pause web"],
  run: async (context, given) => {
    const stack_name = stackName(given.stack);
    await (await context.connection()).client.patchStack({ stack_name, body: { paused: true } });
    context.terminal.print(
      `${stack_name} is paused. Go on with: heat-spreader resume ${stack_name}`,
    );
  },
});

export const resumeCommand = command({
  name: "resume",
  summary: "Go on with a paused stack",
  arguments: { stack: STACK },
  options: {},
  examples: ["resume web"],
  run: async (context, given) => {
    const stack_name = stackName(given.stack);
    await (await context.connection()).client.patchStack({ stack_name, body: { paused: false } });
    context.terminal.print(`${stack_name} goes on.`);
  },
});
