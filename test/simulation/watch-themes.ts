import { HOME, Verdict } from "../../lib/cloud/schema.ts";
import type { World } from "../support/world.ts";
import type { Complain, Watcher, WatcherOf } from "./monitor.ts";
import type { Theme } from "./themes.ts";

const DEADLINE_MS = 5_000;
/** Between two looks at the votes, and the steps that they take. */
const SLACK_MS = 2_000;

const excluded: Partial<Record<Theme, string>> = {
  one_place: "what one place alone sees",
  everything: "what everybody sees of every cloud at once",
  abstentions: "probes that abstain",
};

/** Of a history in which only some things go wrong: what must not be lost for them, and what must be found in time. */
export function watchTheme(theme: Theme): WatcherOf {
  if (theme === "outage") return watchOutage;
  const what = excluded[theme];
  return (one, complain) => (what === undefined ? {} : watchNoLoss(one, complain, what));
}

function watchNoLoss(one: World, complain: Complain, what: string): Watcher {
  // Until another vantage is registered home alone decides; so does a run of home that began before.
  let aloneUntil = Number.POSITIVE_INFINITY;
  return {
    committed: (owner, changes) => {
      for (const { key, after } of changes) {
        const isOther = key.pk === "VANTAGE" && key.sk !== HOME && after !== undefined;
        if (isOther) aloneUntil = Math.min(aloneUntil, one.time.now().getTime());
        const isAlone = one.places.length > 0 && (owner?.startedAt ?? 0) < aloneUntil;
        if (isAlone && what === excluded.one_place) continue;
        if (key.pk !== "VERDICT" || !after || one.isHealed) continue;
        const { cloud, verdict, reason } = Verdict.parse(after);
        if (verdict !== "unreachable" && verdict !== "suspected") continue;
        complain("no failover without an outage", `${cloud} ${verdict} for ${what}: ${reason}`);
      }
    },
  };
}

/** A cloud that is gone is found by as many misses as are asked for, whoever's clock is wrong. */
function watchOutage(one: World, complain: Complain): Watcher {
  const { misses, intervalMs } = one.settings;
  // Whoever refuses answers at once.
  const limitOf = (cloud: string) =>
    misses * intervalMs + (one.of(cloud).network === "hang" ? DEADLINE_MS : 0) + SLACK_MS;
  const done = new Set<string>();
  return {
    committed: () => {
      if (one.isHealed) return;
      for (const [cloud, lostAt] of one.lostAt) {
        if (done.has(cloud)) continue;
        const verdict = one.table.peek({ pk: "VERDICT", sk: cloud })?.verdict;
        // An engine at work may be silent for a minute.
        const isBusy = one.table
          .peekAll(`CLOUD#${cloud}`, "VOTE#")
          .some(({ updating }) => updating === true);
        const ms = one.time.now().getTime() - lostAt;
        const isLate = ms > limitOf(cloud);
        if (verdict === "unreachable" || isBusy || isLate) done.add(cloud);
        if (verdict === "unreachable" || isBusy || !isLate) continue;
        complain("an outage is found in time", `${cloud} is ${verdict} after ${ms} ms`);
      }
    },
  };
}
