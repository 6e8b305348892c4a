import { setTimeout as pause } from "node:timers/promises";
import { stringify } from "yaml";
import type { Client } from "../../api/client.ts";
import type { CloudName } from "../../cloud/schema.ts";
import type { Event } from "../../event/schema.ts";
import type { StackName } from "../../stack/schema.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { usage } from "../failure.ts";
import { type Cell, type FormatGiven, formatOf, formatOptions, printList } from "../format.ts";
import { cloudName, stackName } from "../given.ts";
import { plain, type Terminal } from "../terminal.ts";
import { shortId } from "./short-id.ts";

const LOOK_EVERY_MS = 1000;
/** The index may show an event this much later than a newer one. */
const LATE_MS = 30_000;

const allColumns = [
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
];
/** What a person reads: `event` is what `explain` takes; a message names its stack or cloud. */
const tableColumns = ["event", "at", "type", "message"];
const textColumns = ["at", "type", "stack_name", "cloud", "message"];
const namedColumns = [...allColumns, "event"];

export const eventsCommand = command({
  name: "events",
  summary: "Show what happened and why, the oldest first",
  details:
    "`heat-spreader explain EVENT` tells the story of one: what stands under Event is the end of its id.",
  arguments: {
    stack: { name: "STACK", optional: true, summary: "Only of this stack" },
  },
  options: {
    cloud: { value: "CLOUD", summary: "Only of this cloud" },
    since: { value: "WHEN", summary: "How long back: 90s, 15m, 2h, 7d, or a time in ISO 8601" },
    limit: { value: "N", summary: "At most so many, the newest; 50 unless said" },
    follow: { summary: "Go on, and print each event as it happens" },
    ...formatOptions,
  },
  columns: namedColumns,
  examples: ["events", "events web --since 1h", "events --follow"],
  run: async (context, given) => {
    if (given.stack !== undefined && given.cloud !== undefined) {
      throw usage("events shows those of a STACK or of a --cloud. Give one of them.");
    }
    const since = given.since === undefined ? undefined : sinceTime(given.since, Date.now());
    const limit = limitOf(given.limit ?? "50");
    const subject = {
      stack: given.stack === undefined ? undefined : stackName(given.stack),
      cloud: given.cloud === undefined ? undefined : cloudName(given.cloud),
    };
    const list = lister((await context.connection()).client, subject);
    const { events } = await list({ limit, ...(since ? { since } : {}) });
    const rows = events.reverse();
    if (!given.follow) return printEvents(context, given, rows);
    for (const event of rows) printLine(context, given, event);
    await follow(context, given, list, rows);
  },
});

type List = (query: { limit: number; since?: string; marker?: string }) => Promise<{
  events: Event[];
  next?: string | undefined;
}>;

function lister(
  client: Client,
  { stack, cloud }: { stack: StackName | undefined; cloud: CloudName | undefined },
): List {
  if (stack !== undefined) return (query) => client.listStackEvents({ stack_name: stack, query });
  if (cloud !== undefined) return (query) => client.listCloudEvents({ cloud, query });
  return (query) => client.listEvents({ query });
}

/** Prints what is new, for ever: every event once, whatever the order in which it is found. */
async function follow(
  context: Context,
  given: FormatGiven,
  list: List,
  printed: Event[],
): Promise<never> {
  const seen = new Map(printed.map(({ id, at }) => [id, at]));
  let newest = printed.at(-1)?.at ?? new Date().toISOString();
  for (;;) {
    await pause(LOOK_EVERY_MS);
    const since = new Date(Date.parse(newest) - LATE_MS).toISOString();
    const fresh: Event[] = [];
    let marker: string | undefined;
    do {
      const page = await list({ limit: 1000, since, ...(marker ? { marker } : {}) });
      fresh.push(...page.events.filter(({ id }) => !seen.has(id)));
      marker = page.next;
    } while (marker !== undefined);
    for (const event of fresh.reverse()) {
      seen.set(event.id, event.at);
      if (event.at > newest) newest = event.at;
      printLine(context, given, event);
    }
    for (const [id, at] of seen) if (at < since) seen.delete(id);
  }
}

function printEvents(context: Context, given: FormatGiven, events: Event[]): void {
  const isTable = formatOf(given) === "table" && given.column.length === 0;
  printList(context, given, {
    columns: columnsOf(given),
    rows: events.map(isTable ? tableRow : rowOf),
    empty: "Nothing happened in that time.",
  });
}

function columnsOf(given: FormatGiven): string[] {
  if (given.column.length > 0) return namedColumns;
  const format = formatOf(given);
  if (format === "table") return tableColumns;
  return format === "json" || format === "yaml" ? allColumns : textColumns;
}

/** One event as one line; json and yaml as one document each. */
function printLine({ terminal }: Context, given: FormatGiven, event: Event): void {
  const format = formatOf(given);
  terminal.print(
    format === "json"
      ? JSON.stringify(event)
      : format === "yaml"
        ? `---\n${stringify(event).trimEnd()}`
        : lineOf(terminal, event),
  );
}

/** The message of an event, `ALARM` before it where somebody should look now. */
export function marked({ alarm, message }: Pick<Event, "alarm" | "message">): string {
  return alarm ? `ALARM ${message}` : message;
}

function lineOf({ paint }: Terminal, event: Event): string {
  const head = paint("faint", `${event.at}  ${shortId(event)}`);
  const text = plain(told(event)).replace(/^ALARM/, (word) => paint("red", word));
  return `${head}  ${event.type.padEnd(17)}  ${text}`;
}

/** To the second: the whole of it takes the room of the message. */
function tableRow(event: Event): Record<string, Cell> {
  const at = event.at.replace(/\.\d{3}Z$/, "Z");
  return { event: shortId(event), at, type: event.type, message: told(event) };
}

/** Its message, with what it is about where that does not say it. */
function told(event: Event): string {
  const { stack_name, cloud, vantage, message } = event;
  const subject = stack_name ?? cloud ?? vantage ?? "";
  return marked({
    ...event,
    message: message.includes(subject) ? message : `${subject}: ${message}`,
  });
}

function rowOf({ evidence: _, ...event }: Event): Record<string, Cell> {
  return {
    ...event,
    event: shortId(event),
    changes: {
      text: event.changes.map(({ cloud, from, to }) => `${cloud} ${from} -> ${to}`).join(", "),
      value: event.changes,
    },
  };
}

/** `15m` before now, or a time as it is. */
export function sinceTime(text: string, now: number): string {
  const [, number, unit] = /^(\d{1,6})\s*(s|m|h|d)$/.exec(text) ?? [];
  const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ""];
  if (unitMs !== undefined) return new Date(now - Number(number) * unitMs).toISOString();
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(time)) return new Date(time).toISOString();
  throw usage(
    `--since ${JSON.stringify(text)}: give how long back, such as 15m or 2h, or a time such as 2026-01-31T12:00:00Z.`,
  );
}

function limitOf(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= 1000) return limit;
  throw usage(`--limit ${JSON.stringify(text)}: give a whole number from 1 to 1000.`);
}
