import { isOpen } from "../../lib/cloud/between.ts";
import { CloudName, HOME, VantageName, type Verdict, type Vote } from "../../lib/cloud/schema.ts";
import { judge, type KnownCloud } from "../../lib/cloud/verdict.ts";
import { countVote, type Finding, isVoid } from "../../lib/cloud/vote.ts";
import { type Noise, TICK_MS } from "./noise.ts";

/** How outages are told from noise: what of the product's rules applies, and from how many places. */
export type Rule = {
  name: string;
  places: number;
  misses: number;
  /** A tick that heard nothing from any cloud says nothing. */
  hasVoid: boolean;
  /** All clouds are judged together; without it each for itself. */
  hasBlastLimit: boolean;
};

/** A verdict that moved. Milliseconds from the beginning. */
export type Move = { at: number; cloud: number; from: Verdict["verdict"]; to: Verdict["verdict"] };

/** A probe of which nothing is heard is given up on after so long. */
const DEADLINE_MS = 5_000;
const ANSWER_MS = 50;
/** Home looks so often for what may decide, at the latest. */
const NAP_MS = 500;
const START = Date.UTC(2026, 0, 1);
const SUSPICION_WINDOW_MS = 600_000;
const silence = { class: "path", code: "timeout", message: "no answer" } as const;

/** Whether a place's probe of a cloud in its tick of that number hears nothing. */
export type IsMissed = (place: number, cloud: number, tick: number) => boolean;

type Tick = { place: number; number: number; startsAt: number; endsAt: number; missed: boolean[] };

/**
 * The verdicts that move between two moments, by the product's own `countVote`, `isVoid` and `judge`,
 * in the order of its ticks: each place's votes are in the table when its tick ends, and home judges
 * at the end of its own, and a moment after another's while that one may decide. All was well for
 * long before.
 */
export function judged(
  rule: Rule,
  {
    from,
    to,
    clouds,
    phases,
  }: { from: number; to: number; clouds: number } & Pick<Noise, "phases">,
  isMissed: IsMissed,
): Move[] {
  const names = Array.from({ length: clouds }, (_, i) => CloudName.parse(`cloud-${i + 1}`));
  const vantages = phases.map((_, i) => (i === 0 ? HOME : VantageName.parse(`agent-${i}`)));
  const votes = new Map<string, Vote>();
  let verdicts = names.map((cloud) => reachable(cloud, iso(from)));
  const moves: Move[] = [];
  let open = false;
  for (const tick of ticksBetween({ from, to }, phases, names.length, isMissed)) {
    const vantage = vantages[tick.place] ?? HOME;
    for (const vote of cast(rule, tick, { vantage, names, votes })) {
      votes.set(`${vote.cloud}/${vantage}`, vote);
    }
    if (vantage !== HOME && !open) continue;
    const settings = { vantages, suspicionWindowMs: SUSPICION_WINDOW_MS, misses: rule.misses };
    const known = verdicts.map((verdict): KnownCloud => ({ cloud: verdict.cloud, verdict }));
    const all = [...votes.values()];
    const at = vantage === HOME ? tick.endsAt : tick.endsAt + NAP_MS;
    const now = iso(at);
    const next = rule.hasBlastLimit
      ? judge(known, all, now, settings)
      : known.flatMap((one) => judge([one], all, now, settings));
    next.forEach(({ verdict }, cloud) => {
      const before = verdicts[cloud]?.verdict ?? "unknown";
      if (before !== verdict) moves.push({ at, cloud, from: before, to: verdict });
    });
    verdicts = next;
    open = isOpen(verdicts, { votes: all, vantages, now });
  }
  return moves;
}

function cast(
  rule: Rule,
  tick: Tick,
  { vantage, names, votes }: { vantage: VantageName; names: CloudName[]; votes: Map<string, Vote> },
): Vote[] {
  const findings = names.map(
    (cloud, i): Finding => (tick.missed[i] ? { cloud, fault: silence } : { cloud }),
  );
  const isVoidTick = rule.hasVoid && isVoid(findings);
  const at = iso(tick.startsAt);
  return findings.map((finding) => {
    const previous = votes.get(`${finding.cloud}/${vantage}`);
    return countVote({ finding, vantage, at, previous, isVoid: isVoidTick });
  });
}

function ticksBetween(
  { from, to }: { from: number; to: number },
  phases: number[],
  clouds: number,
  isMissed: IsMissed,
): Tick[] {
  const ticks = phases.flatMap((phase, place) => {
    const first = Math.max(0, Math.ceil((from - phase) / TICK_MS));
    const length = Math.max(0, Math.ceil((to - phase) / TICK_MS) - first);
    return Array.from({ length }, (_, i): Tick => {
      const startsAt = (first + i) * TICK_MS + phase;
      const missed = Array.from({ length: clouds }, (__, cloud) =>
        isMissed(place, cloud, first + i),
      );
      const endsAt = startsAt + (missed.includes(true) ? DEADLINE_MS : ANSWER_MS);
      return { place, number: first + i, startsAt, endsAt, missed };
    });
  });
  return ticks.sort((a, b) => a.endsAt - b.endsAt);
}

function reachable(cloud: CloudName, at: string): Verdict {
  return { cloud, verdict: "reachable", since: at, at, reason: "it answers", votes: [] };
}

function iso(ms: number): string {
  return new Date(START + Math.round(ms)).toISOString();
}
