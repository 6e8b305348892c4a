import type { CloudName } from "../../lib/cloud/schema.ts";
import { entriesOf, Policy, type Stack, weightSum } from "../../lib/stack/schema.ts";
import type { Network, UpdateEnd } from "../support/simulated-cloud.ts";
import type { Skews } from "../support/world.ts";
import { type Choose, chooser } from "./choose.ts";
import {
  type Operation,
  someTheme,
  someVantages,
  type Theme,
  themed,
  type Vantages,
} from "./themes.ts";

/** Ten seconds: so many probes start, some runs die, and the stream is read once or all the time. */
export type Step = {
  operations: Operation[];
  /** Of home. */
  probes: number;
  /** Of each further vantage. */
  others: number[];
  kills: { nth: number; after: number }[];
  keepsReading: boolean;
};

/** What is still wrong when all else is well again. */
export type Ailment =
  | "none"
  | "refused"
  | "rejects"
  | "limits"
  | "drained"
  | "missing"
  | "suspended";

export type History = {
  seed: number;
  clouds: string[];
  stacks: string[];
  vantages: Vantages;
  skews: Skews;
  theme: Theme;
  /** Every stack names one for each cloud. */
  hasWitnesses: boolean;
  /** What runs where at first. */
  counts: number[];
  first: Partial<Stack>;
  stream: { loses: number; repeats: number; delays: number };
  stalls: { part: number; ms: number };
  steps: Step[];
  ending: { ailment: Ailment; cloud: string; declares: Partial<Stack> | undefined };
};

const SECOND = 1_000;
const allClouds = ["athens", "lisbon", "manchester", "paris"];

/** The history of a seed: always the same one. */
export function historyOf(seed: number): History {
  const choose = chooser(seed);
  const clouds = allClouds.slice(0, choose.of([2, 3, 3, 4]));
  const stacks = choose(4) === 0 ? ["web", "db"] : ["web"];
  const first = {
    ...someDeclaration(choose, clouds),
    weights: someWeights(choose, clouds),
    paused: false,
  };
  const steps = Array.from({ length: 8 + choose(28) }, () => someStep(choose, clouds, stacks));
  const isWhole = choose(2) === 0;
  const declares = {
    ...someDeclaration(choose, clouds),
    count: choose(30),
    paused: false,
    weights: evenly(clouds),
    count_parameter: "count",
  };
  const counts = clouds.map(() => choose(8));
  const stream = {
    loses: choose.of([0, 0, 0.1]),
    repeats: choose.of([0, 0.1]),
    delays: choose.of([0, 0.3]),
  };
  const stalls = choose.of([
    { part: 0, ms: 0 },
    { part: 0.01, ms: 50 * SECOND },
  ]);
  const ending = {
    ailment: choose.of([
      ...Array.from({ length: 6 }, () => "none" as const),
      ...(["refused", "rejects", "limits", "drained", "missing", "suspended"] as const),
    ]),
    cloud: choose.of(clouds),
    declares: isWhole ? declares : undefined,
  };
  const own = { seed, clouds, stacks, counts, first, stream, ending };
  // Chosen apart: what home alone goes through does not depend on it.
  const apart = chooser(Math.imul(seed, 0x9e3779b1) ^ 0x51ed270b);
  const vantages = someVantages(apart);
  const theme = someTheme(apart, vantages);
  const hasWitnesses = apart(3) === 0;
  const isCalm = theme === "everything" || theme === "outage";
  return {
    ...own,
    vantages: { ...vantages, misses: isCalm ? Math.max(3, vantages.misses) : vantages.misses },
    skews: someSkews(chooser(Math.imul(seed, 0x85ebca6b) ^ 0x2c1b3c6d)),
    theme,
    hasWitnesses,
    stalls: isCalm ? { part: 0, ms: 0 } : stalls,
    steps: themed(apart, steps, { clouds, vantages, theme, hasWitnesses }),
  };
}

/** In half of all histories every function of the deployment has a clock of its own, seconds off. */
function someSkews(choose: Choose): Skews {
  if (choose(2) === 0) return { home: 0, lanes: [0, 0], api: 0 };
  const skewMs = () => choose(10 * SECOND) - 5 * SECOND;
  return { home: skewMs(), lanes: [skewMs(), skewMs()], api: skewMs() };
}

function someStep(choose: Choose, clouds: string[], stacks: string[]): Step {
  const howMany = choose.of([0, 0, 0, 1, 1, 2]);
  return {
    operations: Array.from({ length: howMany }, () => someOperation(choose, clouds, stacks)),
    probes: choose.of([0, 1, 1, 1, 1, 1, 1, 2]),
    others: [],
    kills: choose(3) === 0 ? [{ nth: choose(3), after: choose(60) }] : [],
    keepsReading: choose(3) > 0,
  };
}

const networks: Network[] = [
  "up",
  "refused",
  "refused",
  "hang",
  "hang",
  "errors",
  "lost_answers",
  "late_patches",
  "broken_patches",
  "rejects",
  "forbids",
  "limits",
  "slow",
];
const ends: UpdateEnd[] = ["completes", "completes", "fails", "rolls_back", "never"];

function someOperation(choose: Choose, clouds: string[], stacks: string[]): Operation {
  const after = choose(40);
  const [cloud, stack] = [choose.of(clouds), choose.of(stacks)];
  switch (choose(24)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return { after, act: "declare", stack, change: someDeclaration(choose, clouds) };
    case 4:
      return { after, act: choose.of(["forget", "ask", "ask", "release"]), stack };
    case 5:
      return { after, act: "drain", cloud, drained: choose(2) === 0 };
    case 6:
      return { after, act: "answer", cloud, how: choose.of(["confirmed", "refuted"]) };
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
      return { after, act: "network", cloud, to: choose.of(networks) };
    case 12:
    case 13:
      return { after, act: "heal", cloud };
    case 14:
      return { after, act: "die", cloud };
    case 15:
      return {
        after,
        act: choose.of(
          stacks.length === 1
            ? ["new_password", "lose_entry", "move_project"]
            : ["new_password", "lose_entry"],
        ),
        cloud,
      };
    case 16:
    case 17:
      return {
        after,
        act: "updates",
        cloud,
        end: choose.of(ends),
        ms: choose.of([2, 15, 90]) * SECOND,
      };
    case 18:
      return { after, act: "limit", cloud, count: choose.of([3, 1_000]) };
    case 19:
    case 20:
      return { after, act: "change", cloud, stack, count: choose(20) };
    case 21:
      return { after, act: "add", cloud, stack, count: choose(10) };
    default:
      return {
        after,
        act: choose.of(["remove", "replace", "suspend", "resume", "rename"]),
        cloud,
        stack,
      };
  }
}

function someDeclaration(choose: Choose, clouds: string[]): Partial<Stack> {
  return {
    count: choose(30),
    ...(choose(2) === 0 ? { weights: someWeights(choose, clouds) } : {}),
    ...(choose(12) === 0 ? { count_parameter: "size" } : {}),
    partial: choose(4) > 0,
    paused: choose(8) === 0,
    policy: Policy.parse({
      failover: choose.of(["even", "proportional", "none"]),
      order: choose.of(["make_before_break", "make_before_break", "make_before_break", "at_once"]),
      failback: choose.of(["auto", "auto", "manual"]),
    }),
  };
}

function someWeights(choose: Choose, clouds: string[]): Stack["weights"] {
  const parts = clouds.map(() => choose(4));
  const whole = parts.reduce((sum, part) => sum + part, 0) || 1;
  const entries = clouds.flatMap((cloud, i) =>
    choose(6) === 0 ? [] : [[cloud, (parts[i] ?? 0) / whole]],
  );
  const weights: Record<CloudName, number> = Object.fromEntries(entries);
  return weightSum(weights) > 0 || entriesOf(weights).length > 0 ? weights : evenly(clouds);
}

function evenly(clouds: string[]): Stack["weights"] {
  return Object.fromEntries(clouds.map((cloud) => [cloud, 1 / clouds.length]));
}
