import { HOME, type Time, type VantageName, type Vote } from "./schema.ts";
import { elapsed } from "./vote.ts";

/** How often home looks, and how long it waits for an answer, in milliseconds; and who waits that long at each tick. */
export type Rhythm = { intervalMs: number; deadlineMs: number; waiting: ReadonlySet<VantageName> };

/** So long every vantage but home waits for an answer. Milliseconds. */
export const DEADLINE_MS = 5_000;
/** A vote takes so long to arrive when the last of its tick's probes has ended. */
const WAY_MS = 1_000;

/** How often the vantage of a vote looks; as often as home, if it does not say. Milliseconds. */
export function intervalOf({ interval_ms }: Vote, home: Rhythm): number {
  return interval_ms ?? home.intervalMs;
}

/**
 * When the last of so many more votes of a vantage is there at the earliest, if each finds what its
 * last one did: one that waits out its deadline takes that long, and the next tick does not begin before.
 */
export function ifItLasts(vote: Vote, more: number, now: Time, home: Rhythm): Time {
  const stepMs = step(vote, home);
  return later(nextTick(vote, now, home), (more - 1) * stepMs + lasting(vote, home));
}

/** The same, if each from now on finds another thing, and at once. */
export function ifItTurns(vote: Vote, more: number, now: Time, home: Rhythm): Time {
  return later(nextTick(vote, now, home), (more - 1) * intervalOf(vote, home));
}

/**
 * The first tick whose vote is not there yet, and not lost either. Reckoned from the last vote, and not from
 * now: so what is said of the future stays the same until another vote is there, or should be. An
 * unchanged vote may be some ticks old; its vantage is taken to have kept its rhythm since.
 */
function nextTick(vote: Vote, now: Time, home: Rhythm): Time {
  // A tick votes when its slowest probe has ended: until then its vote is on the way.
  const ageMs = elapsed(vote.at, now) - deadlineOf(vote, home) - WAY_MS;
  const stepMs = step(vote, home);
  return later(vote.at, Math.max(1, Math.ceil(ageMs / stepMs)) * stepMs);
}

function step(vote: Vote, home: Rhythm): number {
  return Math.max(intervalOf(vote, home), lasting(vote, home));
}

function lasting(vote: Vote, home: Rhythm): number {
  return home.waiting.has(vote.vantage) ? deadlineOf(vote, home) : 0;
}

/** Those that wait out their deadline: all votes of a tick are there when its slowest probe has ended. */
export function waitingAmong(votes: Vote[]): ReadonlySet<VantageName> {
  const isLong = ({ vote, fault }: Vote) => vote === "silent" && fault?.code === "timeout";
  return new Set(votes.filter(isLong).map(({ vantage }) => vantage));
}

function deadlineOf({ vantage }: Vote, home: Rhythm): number {
  return vantage === HOME ? home.deadlineMs : DEADLINE_MS;
}

/** So many milliseconds after a time. */
export function later(time: Time, ms: number): Time {
  return new Date(Date.parse(time) + ms).toISOString();
}
