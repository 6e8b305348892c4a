import { clock, faultText } from "../event/words.ts";
import type { Time, VantageName, Vote } from "./schema.ts";
import { isFresh, MOST_MISSES, THRESHOLD } from "./vote.ts";

/** What sightings are told with. */
export type Watching = {
  vantages: VantageName[];
  /** Misses in a row that make a vantage's silence count. */
  misses: number;
  busySilenceMs: number;
  refutedAt?: Time | undefined;
  now: Time;
};

/** One sentence for every registered vantage, whatever it says or does not say of one cloud. */
export function sightings(votes: Vote[], watching: Watching): string[] {
  const cast = new Map(votes.map((vote) => [vote.vantage, vote]));
  return watching.vantages.map((vantage) => {
    const vote = cast.get(vantage);
    return `${vantage} ${vote ? said(vote, watching) : "has never voted on it"}.`;
  });
}

function said(vote: Vote, { now, misses, refutedAt = "", busySilenceMs }: Watching): string {
  // An unchanged vote is not written each time, and not of every cloud at the same tick.
  if (!isFresh(vote.at, now)) {
    return `votes no more: the vote last written down is of ${clock(vote.at, now)}, up to a minute before its last, and too old to count`;
  }
  const since = clock(vote.since, now);
  const why = vote.fault ? ` (${vote.fault.code}: ${faultText(vote.fault)})` : "";
  if (vote.vote === "up") return `is answered since ${since}${latency(vote)}${successes(vote)}`;
  if (vote.void) {
    return `hears nothing from any cloud since ${since}, so it blames its own network and abstains${why}`;
  }
  if (vote.vote === "abstains") {
    return `abstains since ${since}${why}: only the network's silence is held against a cloud`;
  }
  const heard = `has heard nothing since ${clock(vote.silent_since ?? vote.since, now)}`;
  if (vote.at <= refutedAt) return `${heard}${why}, which was refuted at ${clock(refutedAt, now)}`;
  const busy = vote.updating && vote.fault?.code === "timeout" && vote.misses < misses;
  const wait = busy
    ? `; updates run there, so a missed deadline counts after ${busySilenceMs / 1000} s only`
    : "";
  return `${heard}: ${missed(vote.misses, misses)}${why}${wait}`;
}

function missed(number: number, misses: number): string {
  if (number <= misses) return `${number} of ${misses} misses`;
  const more = number >= MOST_MISSES ? " or more" : "";
  return `${number}${more} misses in a row, where ${misses} are enough`;
}

function latency({ latency_ms }: Vote): string {
  return latency_ms === undefined ? "" : `, in ${Math.round(latency_ms)} ms`;
}

function successes({ successes: number }: Vote): string {
  return number < THRESHOLD ? `: ${number} of ${THRESHOLD} times in a row` : "";
}
