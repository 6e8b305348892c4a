import { HOME } from "../../lib/cloud/schema.ts";
import type { Stack } from "../../lib/stack/schema.ts";
import type { Order, Place } from "../support/places.ts";
import type { Cut, Network, SimulatedCloud, UpdateEnd } from "../support/simulated-cloud.ts";
import type { Choose } from "./choose.ts";
import type { Step } from "./history.ts";

/** What somebody does, or what goes wrong, after so many steps of the others (and so many milliseconds). Plain data: it prints, and replays. */
export type Operation = { after: number; inMs?: number } & (
  | { act: "declare"; stack: string; change: Partial<Stack> }
  | { act: "forget" | "ask" | "release"; stack: string }
  | { act: "drain"; cloud: string; drained: boolean }
  | { act: "answer"; cloud: string; how: "confirmed" | "refuted" }
  | { act: "order"; order: Order }
  | { act: "network"; cloud: string; to: Network }
  | { act: "heal" | "die" | "new_password" | "lose_entry" | "move_project"; cloud: string }
  | { act: "updates"; cloud: string; end: UpdateEnd; ms: number }
  | { act: "limit"; cloud: string; count: number }
  | { act: "change" | "add"; cloud: string; stack: string; count: number }
  | { act: "remove" | "replace" | "suspend" | "resume" | "rename"; cloud: string; stack: string }
  /** Nothing gets through from one (a vantage, or reconcile) to a cloud or to the table; or again. */
  | { act: "cut"; from: string; to: string; how: Cut | "none" }
  /** From nowhere to any cloud. */
  | { act: "cut_all"; how: Cut | "none" }
  | { act: "stop" | "start"; vantage: string }
  /** What a cloud serves, whatever becomes of its Heat. */
  | { act: "workload"; cloud: string; to: Workload }
);

export type Workload = SimulatedCloud["workload"];
const workloads: Workload[] = ["answers", "answers", "silent", "hangs", "unknown"];

/**
 * What may go wrong at all: anything; only what one place sees; every cloud for everybody at once; only
 * what makes probes abstain; one cloud's end, and nothing else. In all but the first and the last no cloud may be lost.
 */
export type Theme = "any" | "one_place" | "everything" | "abstentions" | "outage";

export type Vantages = {
  /** Beside home. */
  places: Place[];
  misses: number;
};

/** In half of all histories home is alone, as it is by default. */
export function someVantages(choose: Choose): Vantages {
  const count = choose.of([0, 0, 0, 0, 0, 1, 2, 2, 2, 4]);
  const places = Array.from({ length: count }, (_, i): Place => {
    const kind = choose.of(["function", "agent", "agent"] as const);
    const skewMs =
      kind === "agent" ? choose.of([0, -3_600_000, 86_400_000]) : choose(4_000) - 2_000;
    return { name: `${kind}-${i + 1}`, kind, phaseMs: choose(10_000), skewMs };
  });
  return { places, misses: count === 0 ? 3 : choose.of([3, 3, 3, 2, 4]) };
}

export function someTheme(choose: Choose, { places }: Vantages): Theme {
  const rare = choose.of(["everything", "abstentions", "outage"] as const);
  if (places.length === 0) return choose(15) === 0 ? rare : "any";
  return choose.of(["any", "any", "any", "any", "one_place", "one_place", rare, rare]);
}

type Cast = { clouds: string[]; vantages: Vantages; theme: Theme; hasWitnesses: boolean };

/** The steps with what becomes of the vantages, and without what the theme excludes. */
export function themed(choose: Choose, steps: Step[], cast: Cast): Step[] {
  const { theme, vantages, hasWitnesses } = cast;
  if (theme === "outage") return outage(choose, cast);
  const names = [HOME as string, ...vantages.places.map(({ name }) => name)];
  const victim = choose.of(names);
  return steps.map((step, i) => {
    const operations = step.operations.filter((one) => isAllowed(one, theme));
    const more: Operation[] = [];
    // Far enough apart for a whole tick between: one that sees half of it counts a miss.
    if (theme === "everything" && i % 3 === 0) {
      more.push({ after: choose(40), act: "cut_all", how: choose.of(["refused", "hang", "none"]) });
    }
    if (theme === "abstentions" && choose(3) === 0) more.push(abstention(choose, cast));
    if (theme === "one_place" && choose(2) === 0) more.push(trouble(choose, victim, cast));
    if (theme === "any" && names.length > 1 && choose(3) === 0) {
      more.push(trouble(choose, choose.of([...names, "reconcile"]), cast));
    }
    if (theme === "any" && choose(12) === 0) more.push(ordered(choose, cast));
    if (hasWitnesses && choose(5) === 0) {
      const [after, cloud] = [choose(40), choose.of(cast.clouds)];
      more.push({ after, act: "workload", cloud, to: choose.of(workloads) });
    }
    const isAlone = theme === "everything";
    return {
      ...step,
      probes: isAlone ? 1 : step.probes,
      others: vantages.places.map(() => (isAlone ? 1 : choose.of([0, 1, 1, 1, 1, 1, 1, 2]))),
      operations: [...operations, ...more],
    };
  });
}

const losses = ["refused", "hang", "errors"];

function isAllowed(operation: Operation, theme: Theme): boolean {
  if (theme === "any") return true;
  if (operation.act === "network") return theme === "abstentions" && !losses.includes(operation.to);
  if (operation.act === "die" || operation.act === "answer") return false;
  const abstains = ["new_password", "lose_entry", "move_project"];
  return theme === "abstentions" || !abstains.includes(operation.act);
}

function abstention(choose: Choose, { clouds }: Cast): Operation {
  const cloud = choose.of(clouds);
  const to = choose.of(["rejects", "forbids", "limits", "rejects"] as const);
  const after = choose(40);
  return choose(3) === 0 ? { after, act: "heal", cloud } : { after, act: "network", cloud, to };
}

/** Of one place: its paths, or itself. */
function trouble(choose: Choose, from: string, { clouds, vantages }: Cast): Operation {
  const after = choose(40);
  const isOther = vantages.places.some(({ name }) => name === from);
  if (isOther && choose(4) === 0) {
    const act = choose.of(["stop", "start", "start"] as const);
    return { after, act, vantage: from };
  }
  if (isOther && choose(8) === 0) return { after, act: "order", order: { removes: from } };
  const targets = from === "reconcile" ? clouds : [...clouds, ...clouds, "table"];
  const how = choose.of(["refused", "hang", "none"] as const);
  return { after, act: "cut", from, to: choose.of(targets), how };
}

function ordered(choose: Choose, { clouds }: Cast): Operation {
  const [after, cloud] = [choose(40), choose.of(clouds)];
  const suspicion = choose.of(["confirmed", "refuted"] as const);
  const order = choose(2) === 0 ? { cloud, suspicion } : { cloud, drained: choose(3) > 0 };
  return { after, act: "order", order };
}

/** All calm, and then one cloud is gone for good. */
function outage(choose: Choose, { clouds, vantages }: Cast): Step[] {
  const lost: Operation = {
    after: 0,
    inMs: choose(9_900),
    act: "network",
    cloud: choose.of(clouds),
    to: choose.of(["refused", "hang", "errors"]),
  };
  const calm = 12 + choose(4);
  return Array.from({ length: calm + 9 }, (_, i) => ({
    operations: i === calm ? [lost] : [],
    probes: 1,
    others: vantages.places.map(() => 1),
    kills: [],
    keepsReading: true,
  }));
}
