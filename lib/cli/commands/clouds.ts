import type { CloudSummary } from "../../api/clouds.ts";
import { hosts } from "../../event/words.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { type Cell, formatOf, formatOptions, printFields, printList } from "../format.ts";
import { cloudName } from "../given.ts";
import { wrap } from "../layout.ts";
import { sharesText } from "../stack-view.ts";
import { plain } from "../terminal.ts";

/** The argument of every command about one cloud. */
export const CLOUD = { name: "CLOUD", summary: "A cloud, by its name in clouds.yaml" } as const;

const listColumns = ["cloud", "verdict", "since", "drained", "heard", "latency_ms", "reason"];
/** A table has no room for what is mostly no: its reason says of the drained ones that they are. */
const tableColumns = listColumns.filter((column) => column !== "drained");

export const cloudListCommand = command({
  name: "cloud list",
  summary: "List the clouds: whether they are reachable, since when, and why",
  arguments: {},
  options: formatOptions,
  columns: listColumns,
  examples: ["cloud list", "cloud list -f value -c cloud -c verdict"],
  run: async (context, given) => {
    const { clouds } = await (await context.connection()).client.listClouds();
    const isSummary = formatOf(given) === "table" && given.column.length === 0;
    printList(context, given, {
      columns: isSummary ? tableColumns : listColumns,
      rows: clouds.map((cloud) => ({
        ...cloudFields(cloud),
        ...(isSummary ? { reason: whyOf(cloud) } : {}),
      })),
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

/**
 * Why a cloud is as it is. The verdict's own reason is from when it was made: where votes have come to
 * disagree with it since, what follows from them instead; first of all what stands in the way.
 */
export function reasonOf(cloud: CloudSummary): string {
  const { blocking, unwatched, reason, outlook, verdict } = cloud;
  if (unwatched) return `unwatched: ${outlook.next[0] ?? reason}`;
  if (blocking) return `blocked: ${blocking.message}`;
  if (verdict === "reachable" && isOnlyAbstained(cloud)) return sightingOf(cloud) ?? reason;
  if (!isDisputed(cloud)) return reason;
  // The first sentence on a lost cloud is on its shares, the second on its return.
  return outlook.next[verdict === "unreachable" ? 1 : 0] ?? reason;
}

/** Whether a vote that counts says something else than the verdict does. */
function isDisputed({ verdict, votes, refuted }: CloudSummary): boolean {
  const refutedAt = refuted?.at ?? "";
  return votes.some(({ vote, at, fresh }) => {
    if (!fresh) return false;
    if (verdict === "reachable") return vote === "silent" && at > refutedAt;
    return vote === "up" && (verdict === "suspected" || verdict === "unreachable");
  });
}

/** Whether nobody is answered properly, and nobody counts it silent. */
function isOnlyAbstained({ votes }: CloudSummary): boolean {
  return votes.every(({ vote, fresh }) => !fresh || vote === "abstains");
}

/** What the first that abstains has seen. */
function sightingOf({ votes, outlook }: CloudSummary): string | undefined {
  const vote = votes.find(({ fresh }) => fresh);
  return outlook.seen.find((sentence) => sentence.startsWith(`${vote?.vantage} `));
}

/** The same, for tables that have no column for who is drained. */
export function whyOf(cloud: CloudSummary): string {
  return `${cloud.drained ? "drained; " : ""}${hosts(reasonOf(cloud))}`;
}

/** What each vantage sees, and what will happen; to whoever can decide it, how. */
function outlookText({ terminal }: Context, summary: CloudSummary): string {
  const { cloud, outlook } = summary;
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
    ...list("Next", [...outlook.next, ...(awaitsAnswer(summary) ? decide : [])]),
  ].join("\n");
}

/** A suspicion that nobody has answered yet. */
function awaitsAnswer({ verdict, since, confirmed, refuted }: CloudSummary): boolean {
  return verdict === "suspected" && confirmed?.since !== since && refuted?.since !== since;
}

function item(sentence: string, width: number): string[] {
  return wrap(plain(sentence), width).map((line, n) => (n === 0 ? `- ${line}` : `  ${line}`));
}

/** How many vantages say what, and how many have said nothing lately. */
function heard({ votes }: CloudSummary): Cell {
  const said = votes.map(({ vote, void: isVoid, fresh }) =>
    fresh ? (isVoid ? "void" : vote) : "too_old",
  );
  const counts = ["up", "silent", "abstains", "void", "too_old"]
    .map((kind) => [kind, said.filter((one) => one === kind).length] as const)
    .filter(([, count]) => count > 0);
  const text = counts.map(([kind, count]) => `${count} ${kind.replace("_", " ")}`).join(", ");
  return { text, value: Object.fromEntries(counts) };
}

function lines(value: string[]): Cell {
  return { text: value.join("\n"), value };
}

function json(value: unknown): Cell {
  return { text: JSON.stringify(value), value };
}
