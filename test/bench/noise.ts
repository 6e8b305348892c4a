import { mulberry32 } from "../support/scheduler.ts";

/** Ordinary network trouble, as `npm run bench -- detection` has it. */
export const TICK_MS = 10_000;
const DAY_MS = 86_400_000;
/** Of a place: nothing gets out. A day, and on average. */
const EGRESS = { aDay: 1, meanMs: 25_000 };
/** Of the path between one place and one cloud. */
const PATH = { aDay: 2, meanMs: 20_000 };
/** Of all probes, each for itself. */
const LOST = 0.001;

/** What the places' probes met. Times are milliseconds from the beginning. */
export type Noise = {
  /** When each place's first tick begins: they are not in step. */
  phases: number[];
  /** By place and cloud: the ticks, by number, in which the probe heard nothing. Ascending. */
  misses: number[][][];
};

/**
 * Ordinary trouble for so long: blips begin at random (Poisson) and last exponentially long. A place's
 * probes of one tick leave at one moment.
 */
export function noise(
  { places, clouds, ms }: { places: number; clouds: number; ms: number },
  random: () => number,
): Noise {
  const phases = Array.from({ length: places }, () => random() * TICK_MS);
  const misses = phases.map((phase) => {
    const egress = blips(EGRESS, ms, phase, random);
    return Array.from({ length: clouds }, () => {
      const path = blips(PATH, ms, phase, random);
      return ascending([...egress, ...path, ...lost(ms, random)]);
    });
  });
  return { phases, misses };
}

/** So many in a second of the seed: a generator of numbers from 0 up to 1. */
export function seeded(seed: number): () => number {
  return mulberry32(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
}

/** The ticks that fall into a blip. */
function blips(
  { aDay, meanMs }: { aDay: number; meanMs: number },
  ms: number,
  phase: number,
  random: () => number,
): number[] {
  const ticks: number[] = [];
  const gap = DAY_MS / aDay;
  for (let from = exponential(gap, random); from < ms; from += exponential(gap, random)) {
    const to = from + exponential(meanMs, random);
    for (let tick = Math.ceil((from - phase) / TICK_MS); tick * TICK_MS + phase < to; tick += 1) {
      if (tick >= 0) ticks.push(tick);
    }
  }
  return ticks;
}

/** The gaps between lost probes are geometric. */
function lost(ms: number, random: () => number): number[] {
  const ticks: number[] = [];
  const all = Math.floor(ms / TICK_MS);
  const gap = () => Math.floor(Math.log(1 - random()) / Math.log(1 - LOST));
  for (let tick = gap(); tick < all; tick += 1 + gap()) ticks.push(tick);
  return ticks;
}

function exponential(mean: number, random: () => number): number {
  return -mean * Math.log(1 - random());
}

function ascending(ticks: number[]): number[] {
  return [...new Set(ticks)].sort((a, b) => a - b);
}
