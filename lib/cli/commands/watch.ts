import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "../../api/client.ts";
import type { CloudSummary } from "../../api/clouds.ts";
import type { StackDetail } from "../../api/schema.ts";
import type { Event } from "../../event/schema.ts";
import type { StackName } from "../../stack/schema.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { Failure } from "../failure.ts";
import { seconds, stackName } from "../given.ts";
import { grid } from "../grid.ts";
import { wrap } from "../layout.ts";
import { inPlaceText } from "../ledger-view.ts";
import { stackText } from "../stack-view.ts";
import { plain } from "../terminal.ts";
import { progressText } from "../wait.ts";
import { whyOf } from "./clouds.ts";
import { marked } from "./events.ts";
import { allStacks } from "./stacks.ts";

export const watchCommand = command({
  name: "watch",
  summary: "Watch a stack, or all stacks and clouds, as they change",
  details:
    "On a terminal the view is renewed in place; elsewhere a line is printed whenever something\nchanged. End it with Ctrl-C.",
  arguments: { stack: { name: "STACK", optional: true, summary: "Only this stack" } },
  options: { every: { value: "SECONDS", summary: "How often to look; 2 unless said" } },
  examples: ["watch web", "watch"],
  run: async (context, given) => {
    const name = given.stack === undefined ? undefined : stackName(given.stack);
    const everyMs = seconds(given.every ?? "2", "--every");
    const { client } = await context.connection();
    const lines = new Map<string, string>();
    let isFirst = true;
    for (;;) {
      try {
        if (context.terminal.isTerminal) {
          context.terminal.redraw(await view(context, client, name));
        } else {
          await printChanges(context, client, name, lines);
        }
      } catch (error) {
        if (isFirst || !isAway(error)) throw error;
        context.terminal.note(error.message);
      }
      isFirst = false;
      await pause(everyMs);
    }
  },
});

/** A restart of the API does not end a watch. */
function isAway(error: unknown): error is Failure {
  return error instanceof Failure && error.code?.startsWith("connection.") === true;
}

async function view(
  context: Context,
  client: Client,
  name: StackName | undefined,
): Promise<string> {
  if (name !== undefined) {
    const [stack, { events }] = await Promise.all([
      client.getStack({ stack_name: name }),
      client.listStackEvents({ stack_name: name, query: { limit: 5 } }),
    ]);
    return [stackText(context, stack), recent(context, events)].join("\n\n");
  }
  const [{ clouds }, stacks, { events }] = await Promise.all([
    client.listClouds(),
    allStacks(client),
    client.listEvents({ query: { limit: 5 } }),
  ]);
  const rows = stacks.map(({ stack_name, count, totals, state }) => [
    stack_name,
    count,
    inPlaceText(totals),
    state,
  ]);
  return [
    grid(context.terminal, ["Cloud", "Verdict", "Since", "Reason"], clouds.map(cloudRow)),
    grid(context.terminal, ["Stack", "Count", "In place", "State"], rows),
    recent(context, events),
  ].join("\n\n");
}

function cloudRow(summary: CloudSummary): string[] {
  const { cloud, verdict, since } = summary;
  return [cloud, verdict, since, whyOf(summary)];
}

/** The newest events, the newest last, as lines that fit; alarms in red. */
export function recent({ terminal }: Pick<Context, "terminal">, events: Event[]): string {
  const width = terminal.columns ?? 80;
  const lines = events.toReversed().map((event) => {
    const { at, alarm } = event;
    const indent = `\n${" ".repeat(at.length + 2)}`;
    const room = Math.max(20, width - at.length - 2);
    const said = wrap(plain(marked(event)), room).join(indent);
    return `${at}  ${alarm ? said.replace("ALARM", terminal.paint("red", "ALARM")) : said}`;
  });
  return lines.join("\n");
}

/** A line for each stack (and cloud) that is not what it was. */
async function printChanges(
  { terminal }: Context,
  client: Client,
  name: StackName | undefined,
  lines: Map<string, string>,
): Promise<void> {
  const now = name === undefined ? await all(client) : [await one(client, name)];
  for (const { key, line } of now) {
    // What is expected at a time that is put off and off is nothing new.
    const untimed = line.replace(/\d\d:\d\d:\d\d/g, "");
    if (lines.get(key) === untimed) continue;
    lines.set(key, untimed);
    terminal.print(plain(`${new Date().toISOString()}  ${line}`));
  }
}

type Line = { key: string; line: string };

async function one(client: Client, stack_name: StackName): Promise<Line> {
  return stackLine(await client.getStack({ stack_name }));
}

async function all(client: Client): Promise<Line[]> {
  const [{ clouds }, stacks] = await Promise.all([client.listClouds(), allStacks(client)]);
  return [
    ...clouds.map((cloud) => ({
      key: `cloud ${cloud.cloud}`,
      line: `${cloud.cloud}: ${cloud.verdict}; ${whyOf(cloud)}`,
    })),
    ...stacks.map((stack) => ({
      key: `stack ${stack.stack_name}`,
      line: `${stack.stack_name}: ${stack.state}; ${inPlaceText(stack.totals)} in place`,
    })),
  ];
}

function stackLine(stack: StackDetail): Line {
  return { key: `stack ${stack.stack_name}`, line: `${progressText(stack)} [${stack.state}]` };
}
