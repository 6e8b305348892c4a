import type { VantageSummary } from "../../api/votes.ts";
import { HOME } from "../../cloud/schema.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { type Cell, formatOf, formatOptions, printList } from "../format.ts";
import { seconds, vantageName } from "../given.ts";

/** A vote counts for 90 s, and one lost on the way must not make a cloud unwatched. */
const EVERY = { least: 2, most: 30 };

export const vantageCommand = command({
  name: "vantage",
  summary: "Be a vantage: probe the clouds of this machine's clouds.yaml, and vote through the API",
  details:
    "Run it outside the clouds, and away from Heat Spreader itself: with three places that look, no\n" +
    "trouble of one place's network is taken for an outage. Its token has the role vantage, which can do\n" +
    "nothing else (heat-spreader token new NAME --role vantage), and it votes under the token's name.\n" +
    "Best put the token in HEAT_SPREADER_TOKEN or in the configuration file: a command line is no secret.",
  arguments: {},
  options: {
    url: { value: "URL", summary: "Where Heat Spreader is; HEAT_SPREADER_URL unless said" },
    token: { value: "TOKEN", summary: "The agent's token; HEAT_SPREADER_TOKEN unless said" },
    name: { value: "NAME", summary: "The vantage to vote as; the token's own name unless said" },
    every: { value: "SECONDS", summary: "How often to probe, 2 to 30; 10 unless said" },
  },
  examples: ["vantage", "vantage --url https://heat.example.org --every 30"],
  run: async (context, given) => {
    const name = given.name === undefined ? undefined : vantageName(given.name);
    const everyMs = seconds(given.every ?? "10", "--every", EVERY);
    const { runAgent } = await import("../vantage.ts");
    // Takes the token off the list of processes, as far as that can be done from here.
    if (given.token !== undefined) process.title = "heat-spreader vantage";
    await runAgent(context, { url: given.url, token: given.token, name, everyMs });
  },
});

const columns = ["vantage", "kind", "registered_at", "voted_at", "votes", "missing"];

export const vantageListCommand = command({
  name: "vantage list",
  summary: "List the places that probe: what each says, and when it last wrote that down",
  details:
    "Voted at is the time of the newest vote that was written: one that says the same as before is\n" +
    "written every 30 to 60 s only. Older than 90 s it counts no more, and its cloud is under Missing.",
  arguments: {},
  options: formatOptions,
  columns,
  examples: ["vantage list", "vantage list -f json"],
  run: async (context, given) => {
    const { vantages, majority } = await (await context.connection()).client.listVantages();
    printList(context, given, {
      columns,
      rows: vantages.map(rowOf),
      empty: "No vantages are known yet: the first tick of the probe registers home.",
    });
    if (formatOf(given) === "table") remark(context, vantages.length, majority);
  },
});

function remark({ terminal }: Context, vantages: number, majority: number): void {
  const even = vantages > 0 && vantages % 2 === 0;
  const hint = even ? " One vantage more would allow for one more that is wrong." : "";
  terminal.note(`${majority} of ${vantages} decide whether a cloud is lost.${hint}`);
}

function rowOf({ clouds, missing, ...vantage }: VantageSummary): Record<string, Cell> {
  const kinds = clouds.map(({ vote, void: isVoid }) => (isVoid ? "void" : vote));
  const counts = ["up", "silent", "abstains", "void"]
    .map((kind) => [kinds.filter((one) => one === kind).length, kind] as const)
    .filter(([count]) => count > 0);
  return {
    ...vantage,
    votes: { text: counts.map(([count, kind]) => `${count} ${kind}`).join(", "), value: clouds },
    missing: { text: missing.join(", "), value: missing },
  };
}

export const vantageRemoveCommand = command({
  name: "vantage remove",
  summary: "Remove a vantage that no longer votes, so that it counts in no majority",
  arguments: { vantage: { name: "VANTAGE", summary: "As vantage list shows it" } },
  options: {},
  examples: ["vantage remove office"],
  run: async (context, given) => {
    const vantage = vantageName(given.vantage);
    const { client } = await context.connection();
    const { left, majority } = await client.deleteVantage({ vantage });
    // The last one is home, which cannot be removed.
    const decide =
      left === 1 ? `${HOME} decides alone` : `${majority} of the ${left} that are left decide`;
    context.terminal.print(`${vantage} is removed; ${decide} from now on.`);
  },
});
