import type { Client } from "../../api/client.ts";
import type { EventDetail } from "../../api/schema.ts";
import type { Event } from "../../event/schema.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { Failure, usage } from "../failure.ts";
import { type Cell, type FormatGiven, formatOf, formatOptions, printFields } from "../format.ts";
import { cloudName, stackName } from "../given.ts";
import { folded } from "../help.ts";
import { shown } from "../quoted.ts";
import { plain } from "../terminal.ts";
import { isShortId, wholeId } from "./short-id.ts";

/** Among so many of the newest events the last that tells something is looked for. */
const NEWEST = 200;

const columns = [
  "id",
  "at",
  "type",
  "stack_name",
  "cloud",
  "vantage",
  "message",
  "cause",
  "alarm",
  "generation",
  "changes",
  "explanation",
  "evidence",
];

export const explainCommand = command({
  name: "explain",
  summary: "Tell the story of an event: who saw what since when, which rule decided, what followed",
  details:
    "EVENT is what `heat-spreader events` shows under Event (the last 6 characters of its id, or more),\n" +
    "the whole id, or `last`: the newest that says how it came to stand as it does. With -f json it comes\n" +
    "with its evidence, from which the same decision follows again.",
  arguments: {
    event: {
      name: "EVENT",
      optional: true,
      summary: "The end of its id, its id, or `last` (default)",
    },
  },
  options: {
    stack: { value: "STACK", summary: "The last one of this stack" },
    cloud: { value: "CLOUD", summary: "The last one of this cloud" },
    ...formatOptions,
  },
  columns,
  examples: ["explain", "explain last --stack web", "explain EAY0BE"],
  run: async (context, given) => {
    const { client } = await context.connection();
    print(context, given, await client.showEvent({ id: await idOf(client, given) }));
  },
});

type Subject = { event: string | undefined; stack: string | undefined; cloud: string | undefined };

async function idOf(client: Client, { event = "last", stack, cloud }: Subject): Promise<string> {
  if (stack !== undefined && cloud !== undefined) {
    throw usage("explain tells the last event of a --stack or of a --cloud. Give one of them.");
  }
  if (event !== "last") {
    if ((stack ?? cloud) !== undefined) {
      throw usage("EVENT says all. Leave --stack and --cloud out, or give `last`.");
    }
    const id = event.toUpperCase();
    if (/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(id)) return id;
    if (isShortId(id)) return wholeId(client, id);
    throw usage(
      `${shown(event)} is no event. Give \`last\`, or what heat-spreader events shows under Event: the last 6 letters and digits of its id, or more.`,
    );
  }
  const query = { limit: NEWEST };
  const { events } =
    stack !== undefined
      ? await client.listStackEvents({ stack_name: stackName(stack), query })
      : cloud !== undefined
        ? await client.listCloudEvents({ cloud: cloudName(cloud), query })
        : await client.listEvents({ query });
  const found = events.find(({ type }) => !passing.has(type)) ?? events[0];
  if (found) return found.id;
  throw new Failure(
    "Nothing has happened yet, or nothing that was kept: there is no event to explain.",
  );
}

/** What only comes and goes with something else, which is told with it. */
const passing: ReadonlySet<Event["type"]> = new Set([
  "share.held",
  "share.unheld",
  "share.unblocked",
  "cloud.discovered",
  "vantage.registered",
]);

function print(context: Context, given: FormatGiven, event: EventDetail): void {
  const { terminal } = context;
  if (formatOf(given) === "table" && given.column.length === 0) {
    const width = terminal.columns ?? Number.POSITIVE_INFINITY;
    const [first = "", ...rest] = event.explanation.map(plain);
    terminal.print(terminal.paint("bold", folded(first, "", width)));
    for (const sentence of rest) terminal.print(`- ${folded(sentence, "  ", width).trimStart()}`);
    terminal.print(terminal.paint("faint", `Event ${event.id}, ${event.type}.`));
    return;
  }
  const { changes, explanation, evidence } = event;
  const moved = changes.map(({ cloud, from, to }) => `${cloud} ${from} -> ${to}`).join(", ");
  const cells: Record<string, Cell> = {
    ...event,
    changes: { text: moved, value: changes },
    explanation: { text: explanation.join(" "), value: explanation },
    evidence: { text: evidence ? JSON.stringify(evidence) : "", value: evidence },
  };
  printFields(context, given, Object.fromEntries(columns.map((name) => [name, cells[name]])));
}
