import { type FalseAlarms, falseAlarms } from "./false-alarms.ts";
import type { Rule } from "./judging.ts";
import { median } from "./measure.ts";
import { noise, seeded } from "./noise.ts";
import { timesToFind } from "./outages.ts";

const CLOUDS = 3;
const PLACES = 5;
const YEAR_MS = 365.25 * 86_400_000;
/** Of a stack in every cloud: what an hour of false loss runs twice. */
const INSTANCES = 10;
/** Where alarms come by the thousand, few years are enough. */
const FEW_YEARS = 4;

const bare = { hasVoid: false, hasBlastLimit: false };
const whole = { hasVoid: true, hasBlastLimit: true };
const rules: Rule[] = [
  { name: "1 place, 1 miss (the tool before)", places: 1, misses: 1, ...bare },
  { name: "1 place, 3 misses (Karmada, KubeFed)", places: 1, misses: 3, ...bare },
  { name: "2 of 3 places, 2 misses", places: 3, misses: 2, ...bare },
  { name: "2 of 3 places, 3 misses", places: 3, misses: 3, ...bare },
  { name: "ours, home alone, 3 misses", places: 1, misses: 3, ...whole },
  { name: "ours, home and 1 agent, 3 misses", places: 2, misses: 3, ...whole },
  { name: "ours, 2 of 3 places, 2 misses", places: 3, misses: 2, ...whole },
  { name: "ours, 2 of 3 places, 3 misses (default)", places: 3, misses: 3, ...whole },
  { name: "ours, 2 of 3 places, 4 misses", places: 3, misses: 4, ...whole },
  { name: "ours, 3 of 5 places, 2 misses", places: 5, misses: 2, ...whole },
  { name: "ours, 3 of 5 places, 3 misses", places: 5, misses: 3, ...whole },
];

export type DetectionOptions = { years: number; outages: number; seed: number };

/**
 * How often each rule cries wolf in ordinary trouble, and how soon it finds a true outage: a table,
 * and what its columns mean. The verdicts are those of lib/cloud; the same seed gives the same table.
 */
export function detection(options: DetectionOptions): string {
  const alarms = alarmsOf(options);
  const lines = rules.map((rule) => {
    const of = alarms.get(rule) ?? [];
    const times = timesToFind(rule, { clouds: CLOUDS, ...options }).sort((a, b) => a - b);
    const excess = of.map(({ lostHours }) => lostHours * INSTANCES);
    return [
      rule.name,
      rate(of.map(({ failovers }) => failovers)),
      rule.hasBlastLimit ? rate(of.map(({ suspicions }) => suspicions)) : "",
      rate(excess),
      seconds(median(times)),
      seconds(times[Math.floor(times.length * 0.99)] ?? Number.NaN),
      `${of.length}`,
    ];
  });
  return `${markdown([columns, ...lines])}\n\n${legend(options)}`;
}

const columns = [
  "rule",
  "false failovers a year",
  "suspicions a year",
  "instance-hours in excess a year",
  "to find an outage: median",
  "p99",
  "years",
];

/** Every rule in the same trouble, year by year. */
function alarmsOf({ years, seed }: DetectionOptions): Map<Rule, FalseAlarms[]> {
  const alarms = new Map(rules.map((rule) => [rule, [] as FalseAlarms[]]));
  for (let year = 0; year < years; year += 1) {
    const size = { places: PLACES, clouds: CLOUDS, ms: YEAR_MS };
    const trouble = noise(size, seeded(seed + year));
    for (const [rule, found] of alarms) {
      if (rule.places > 1 || year < FEW_YEARS) found.push(falseAlarms(rule, trouble));
    }
  }
  return alarms;
}

/** The mean of the years, with its 95 % interval; of what never came, the most that it may be. */
function rate(years: number[]): string {
  const all = years.reduce((sum, each) => sum + each, 0);
  const mean = all / years.length;
  if (all === 0) return `< ${number(3 / years.length)}`;
  const variance =
    years.reduce((sum, each) => sum + (each - mean) ** 2, 0) / Math.max(1, years.length - 1);
  return `${number(mean)} ± ${number(1.96 * Math.sqrt(variance / years.length))}`;
}

function legend({ years, outages, seed }: DetectionOptions): string {
  return [
    `${CLOUDS} clouds, a tick every 10 s from each place, out of step; at random, and exponentially long: an egress`,
    "blip a day and place (25 s on average), 2 path blips a day, place and cloud (20 s); 0.1 % of probes lost.",
    "False failover: a verdict `unreachable` on a cloud that is up, of all clouds together. Suspicion: the blast",
    "limit's, of which somebody is told, and which moves nothing for 10 min.",
    `In excess: of a stack with ${INSTANCES} instances in each cloud, those that run twice from a false failover to the`,
    "verdict that the cloud is back.",
    "To find an outage: from the loss of one cloud, which answers nothing any more, to the verdict; a probe is",
    `given up on after 5 s. ${outages.toLocaleString("en-US")} outages, ${years.toLocaleString("en-US")} years; ± is the 95 % interval; seed ${seed}.`,
  ].join("\n");
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function number(value: number): string {
  const figures = value < 100 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 0 };
  return value.toLocaleString("en-US", figures);
}

function markdown(lines: string[][]): string {
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const [head = "", ...body] = lines.map(
    (line) => `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`,
  );
  return [head, `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...body].join("\n");
}
