import { judged, type Move, type Rule } from "./judging.ts";
import { type Noise, TICK_MS } from "./noise.ts";

/** After so long without a miss every vote counts its most ups, and every verdict is what it was. */
const CALM_MS = 90_000;

/** What ordinary trouble, and no outage at all, came to. */
export type FalseAlarms = {
  /** Verdicts `unreachable`, of all clouds together: each moves the shares of a cloud that is up. */
  failovers: number;
  /** Verdicts `suspected`: somebody is told, and nothing moves yet. */
  suspicions: number;
  /** From each such failover to the verdict that the cloud is back, in all. Hours. */
  lostHours: number;
};

/**
 * What a rule makes of trouble without any outage. Only stretches in which enough places miss a cloud
 * often enough in a row are judged; `isWhole` judges every stretch with a miss in it, and comes to the
 * same.
 */
export function falseAlarms(rule: Rule, trouble: Noise, isWhole = false): FalseAlarms {
  const phases = trouble.phases.slice(0, rule.places);
  const misses = trouble.misses.slice(0, rule.places);
  const found: FalseAlarms = { failovers: 0, suspicions: 0, lostHours: 0 };
  const moments = isWhole ? timesOf({ phases, misses }) : critical(rule, { phases, misses });
  const isMissed = (place: number, cloud: number, tick: number) => {
    const ticks = misses[place]?.[cloud] ?? [];
    return ticks[indexOf(ticks, tick)] === tick;
  };
  const clouds = misses[0]?.length ?? 0;
  for (const { from, to } of stretches(moments, { phases, misses })) {
    const span = { from: from - CALM_MS / 2, to: to + CALM_MS };
    count(found, judged(rule, { ...span, clouds, phases }, isMissed));
  }
  return found;
}

function count(found: FalseAlarms, moves: Move[]): void {
  const lostSince = new Map<number, number>();
  for (const { at, cloud, to } of moves) {
    if (to === "suspected") found.suspicions += 1;
    if (to === "unreachable") {
      found.failovers += 1;
      lostSince.set(cloud, at);
    }
    if (to === "reachable") {
      found.lostHours += (at - (lostSince.get(cloud) ?? at)) / 3_600_000;
      lostSince.delete(cloud);
    }
  }
  if (lostSince.size > 0) throw new Error("a stretch ended before its clouds were back");
}

type Stretch = { from: number; to: number };

/** Around each moment, from the first to the last of the misses that come close together. */
function stretches(moments: number[], trouble: Noise): Stretch[] {
  const found: Stretch[] = [];
  for (const moment of moments) {
    const last = found.at(-1);
    if (last && moment <= last.to) continue;
    const stretch = { from: moment, to: moment };
    for (let isWider = true; isWider; ) {
      const near = timesOf(trouble, stretch.from - CALM_MS, stretch.to + CALM_MS);
      const [from, to] = [Math.min(stretch.from, ...near), Math.max(stretch.to, ...near)];
      isWider = from < stretch.from || to > stretch.to;
      Object.assign(stretch, { from, to });
    }
    found.push(stretch);
  }
  return found;
}

/** When the misses between two moments were, of all places and clouds. Ascending. */
function timesOf({ phases, misses }: Noise, from = 0, to = Number.POSITIVE_INFINITY): number[] {
  const times = misses.flatMap((place, i) => {
    const phase = phases[i] ?? 0;
    return place.flatMap((ticks) => {
      const first = indexOf(ticks, (from - phase) / TICK_MS);
      const end = indexOf(ticks, (to - phase) / TICK_MS);
      return ticks.slice(first, end).map((tick) => tick * TICK_MS + phase);
    });
  });
  return times.sort((a, b) => a - b);
}

/** Of the first that is not less. */
function indexOf(ticks: number[], least: number): number {
  let [low, high] = [0, ticks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ticks[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Moments at which a majority may begin to count a cloud as silent: each of these places has had as
 * many misses in a row as the rule asks for, and home has not judged since it was answered again. At
 * no other does `judge` find a loss. Ascending.
 */
function critical({ places, misses: most }: Rule, { phases, misses }: Noise): number[] {
  const majority = Math.floor(places / 2) + 1;
  const clouds = misses[0]?.length ?? 0;
  const moments = Array.from({ length: clouds }, (_, cloud) => {
    const edges = misses.flatMap((place, i) =>
      runs(place[cloud] ?? [])
        .filter(({ length }) => length >= most)
        .flatMap(({ first, length }) => [
          { at: (first + most - 1) * TICK_MS + (phases[i] ?? 0), step: 1 },
          { at: (first + length + 2) * TICK_MS + (phases[i] ?? 0), step: -1 },
        ]),
    );
    edges.sort((a, b) => a.at - b.at);
    let silent = 0;
    return edges.flatMap(({ at, step }) => {
      silent += step;
      return step > 0 && silent >= majority ? [at] : [];
    });
  });
  return moments.flat().sort((a, b) => a - b);
}

function runs(ticks: number[]): { first: number; length: number }[] {
  const found: { first: number; length: number }[] = [];
  for (const tick of ticks) {
    const last = found.at(-1);
    if (last && last.first + last.length === tick) last.length += 1;
    else found.push({ first: tick, length: 1 });
  }
  return found;
}
