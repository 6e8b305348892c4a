import type { CloudSummary } from "../../api/schema.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { type Cell, formatOf, formatOptions, printFields, printList } from "../format.ts";
import { cloudName } from "../given.ts";
import { grid } from "../grid.ts";
import { sharesText } from "../stack-view.ts";

const CLOUD = { name: "CLOUD", summary: "A cloud, by its name in clouds.yaml" } as const;

const listColumns = ["cloud", "verdict", "since", "drained", "latency_ms", "reason"];

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
  summary: "Show a cloud: verdict, votes, and the shares that stacks have there",
  arguments: { cloud: CLOUD },
  options: formatOptions,
  columns: [...listColumns, "lost_at", "returned_at", "suspicion", "votes", "shares"],
  examples: ["cloud show athens", "cloud show athens -f json"],
  run: async (context, given) => {
    const name = cloudName(given.cloud);
    const { client } = await context.connection();
    const { shares, ...cloud } = await client.getCloud({ cloud: name });
    const isSummary = formatOf(given) === "table" && given.column.length === 0;
    const lists = { votes: json(cloud.votes), shares: json(shares) };
    const fields = Object.entries(cloudFields(cloud));
    const known = fields.filter(([, cell]) => cell !== undefined);
    printFields(
      context,
      given,
      isSummary ? Object.fromEntries(known) : { ...Object.fromEntries(fields), ...lists },
    );
    if (!isSummary) return;
    if (cloud.votes.length > 0) context.terminal.print(votesText(context, cloud));
    if (shares.length > 0) context.terminal.print(sharesText(context, shares, "stack_name"));
  },
});

/** What is known of a cloud, in the columns of both commands; in a table of one, only what there is. */
function cloudFields(cloud: CloudSummary): Record<string, Cell> {
  const { blocking, confirmed, refuted } = cloud;
  const isAnswered = { confirmed: confirmed?.since, refuted: refuted?.since };
  return {
    cloud: cloud.cloud,
    verdict: cloud.verdict,
    since: cloud.since,
    drained: { text: cloud.drained ? "yes" : "no", value: cloud.drained },
    latency_ms: cloud.latency_ms === undefined ? undefined : Math.round(cloud.latency_ms),
    reason: blocking ? `blocked: ${blocking.message}` : cloud.reason,
    lost_at: cloud.lost_at,
    returned_at: cloud.returned_at,
    suspicion: Object.entries(isAnswered).find(([, since]) => since === cloud.since)?.[0],
  };
}

function votesText({ terminal }: Context, { votes }: CloudSummary): string {
  const rows = votes.map(({ vantage, vote, since, at, fault }) => [
    vantage,
    vote,
    since,
    at,
    fault?.message ?? "",
  ]);
  return grid(terminal, ["Vantage", "Vote", "Since", "At", "Fault"], rows);
}

function json(value: unknown): Cell {
  return { text: JSON.stringify(value), value };
}

type Patch = { drained?: boolean; suspicion?: "confirmed" | "refuted" };

const orders = [
  {
    name: "cloud drain",
    summary: "Deal a cloud's instances to the others, and keep it empty",
    patch: { drained: true },
    said: (cloud: string) =>
      `${cloud} is being drained. Take it back with: heat-spreader cloud undrain ${cloud}`,
  },
  {
    name: "cloud undrain",
    summary: "Let a drained cloud have its share again",
    patch: { drained: false },
    said: (cloud: string) => `${cloud} has its share again.`,
  },
  {
    name: "cloud confirm",
    summary: "Answer a suspicion: the cloud is lost, move its share now",
    patch: { suspicion: "confirmed" },
    said: (cloud: string) => `${cloud} counts as lost; its share moves to the others.`,
  },
  {
    name: "cloud refute",
    summary: "Answer a suspicion: the cloud is well, leave its share there",
    patch: { suspicion: "refuted" },
    said: (cloud: string) => `${cloud} counts as reachable.`,
  },
] as const satisfies { name: string; summary: string; patch: Patch; said: unknown }[];

export const cloudOrderCommands = orders.map(({ name, summary, patch, said }) =>
  command({
    name,
    summary,
    arguments: { cloud: CLOUD },
    options: {},
    examples: [`${name} athens`],
    run: async (context, given) => {
      const cloud = cloudName(given.cloud);
      await (await context.connection()).client.patchCloud({ cloud, body: patch });
      context.terminal.print(said(cloud));
    },
  }),
);
