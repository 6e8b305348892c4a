import type { CloudSummary } from "../../api/clouds.ts";
import { hosts } from "../../event/words.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { type Cell, formatOf, formatOptions, printFields, printList } from "../format.ts";
import { cloudName } from "../given.ts";
import { wrap } from "../grid.ts";
import { sharesText } from "../stack-view.ts";
import { plain } from "../terminal.ts";

/** The argument of every command about one cloud. */
export const CLOUD = { name: "CLOUD", summary: "A cloud, by its name in clouds.yaml" } as const;

const listColumns = ["cloud", "verdict", "since", "drained", "heard", "latency_ms", "reason"];

export const cloudListCommand = command({
  name: "cloud list",
  summary: "List the clouds: whether they are reachable, since when, and why",
  arguments: {},
  options: formatOptions,
  columns: listColumns,
  examples: ["cloud list", "cloud list -f value -c cloud -c verdict"],
  run: async (context, given) => {
    const { clouds } = await (await context.connection()).client.listClouds();
    printList(context, given, {
      columns: listColumns,
      rows: clouds.map(cloudFields),
      empty: "No clouds are known. They come from clouds.yaml; see heat-spreader run --help.",
    });
  },
});

export const cloudShowCommand = command({
  name: "cloud show",
  summary:
    "Show a cloud: what each vantage sees, what will happen next and when, and the shares there",
  arguments: { cloud: CLOUD },
  options: formatOptions,
  columns: [
    ...listColumns,
    "lost_at",
    "returned_at",
    "suspicion",
    "seen",
    "next",
    "votes",
    "shares",
  ],
  examples: ["cloud show athens", "cloud show athens -f json"],
  run: async (context, given) => {
    const name = cloudName(given.cloud);
    const { client } = await context.connection();
    const { shares, ...cloud } = await client.getCloud({ cloud: name });
    const isSummary = formatOf(given) === "table" && given.column.length === 0;
    const { seen, next } = cloud.outlook;
    const sentences = { seen: lines(seen), next: lines(next) };
    const lists = { ...sentences, votes: json(cloud.votes), shares: json(shares) };
    const fields = Object.entries(cloudFields(cloud));
    const known = fields.filter(([, cell]) => cell !== undefined);
    printFields(
      context,
      given,
      isSummary ? Object.fromEntries(known) : { ...Object.fromEntries(fields), ...lists },
    );
    if (!isSummary) return;
    context.terminal.print(outlookText(context, cloud));
    if (shares.length > 0) context.terminal.print(`\n${sharesText(context, shares, "stack_name")}`);
  },
});

/** What is known of a cloud, in the columns of both commands; in a table of one, only what there is. */
function cloudFields(cloud: CloudSummary): Record<string, Cell> {
  const { confirmed, refuted } = cloud;
  const isAnswered = { confirmed: confirmed?.since, refuted: refuted?.since };
  return {
    cloud: cloud.cloud,
    verdict: cloud.verdict,
    since: cloud.since,
    drained: { text: cloud.drained ? "yes" : "no", value: cloud.drained },
    heard: heard(cloud),
    latency_ms: cloud.latency_ms === undefined ? undefined : Math.round(cloud.latency_ms),
    reason: { text: hosts(reasonOf(cloud)), value: reasonOf(cloud) },
    lost_at: cloud.lost_at,
    returned_at: cloud.returned_at,
    suspicion: Object.entries(isAnswered).find(([, since]) => since === cloud.since)?.[0],
  };
}

/** Why a cloud is as it is; what stands in the way comes first. */
export function reasonOf({ blocking, unwatched, reason }: CloudSummary): string {
  if (unwatched) {
    return `unwatched: ${unwatched.fresh} of the ${unwatched.majority} vantages needed vote; ${reason}`;
  }
  return blocking ? `blocked: ${blocking.message}` : reason;
}

/** What each vantage sees, and what will happen; to whoever can decide it, how. */
function outlookText({ terminal }: Context, { cloud, verdict, outlook }: CloudSummary): string {
  const width = Math.max(40, (terminal.columns ?? 100) - 2);
  const list = (head: string, sentences: string[]) =>
    sentences.length === 0
      ? []
      : ["", terminal.paint("bold", head), ...sentences.flatMap((each) => item(each, width))];
  const decide = [
    `heat-spreader cloud confirm ${cloud}: it is lost`,
    `heat-spreader cloud refute ${cloud}: it is well`,
  ];
  return [
    ...list("Seen (times are UTC)", outlook.seen),
    ...list("Next", [...outlook.next, ...(verdict === "suspected" ? decide : [])]),
  ].join("\n");
}

function item(sentence: string, width: number): string[] {
  return wrap(plain(sentence), width).map((line, n) => (n === 0 ? `- ${line}` : `  ${line}`));
}

/** How many vantages say what. */
function heard({ votes }: CloudSummary): Cell {
  const said = votes.map(({ vote, void: isVoid }) => (isVoid ? "void" : vote));
  const counts = ["up", "silent", "abstains", "void"]
    .map((kind) => [kind, said.filter((one) => one === kind).length] as const)
    .filter(([, count]) => count > 0);
  const text = counts.map(([kind, count]) => `${count} ${kind}`).join(", ");
  return { text, value: Object.fromEntries(counts) };
}

function lines(value: string[]): Cell {
  return { text: value.join("\n"), value };
}

function json(value: unknown): Cell {
  return { text: JSON.stringify(value), value };
}
