import type { Time, Vote } from "./schema.ts";
import type { JudgeSettings, KnownCloud } from "./verdict.ts";
import { elapsed, isFresh, THRESHOLD, VOTE_LIFETIME_MS } from "./vote.ts";

/** The votes on one cloud that count, as they are counted. */
export type Ballots = {
  fresh: Vote[];
  /** Of these: void for as long as a vote counts, so that they can tell of no cloud. */
  blind: Vote[];
  /** So many can tell of it: fresh, and not blind. */
  telling: number;
  silent: number;
  up: number;
  anyUp: boolean;
  /** So many vantages decide. */
  majority: number;
};

/** The fresh votes of registered vantages, and how many of them are silent, and up, for long enough. */
export function ballotsOn(
  known: KnownCloud,
  votes: Vote[],
  now: Time,
  settings: JudgeSettings,
): Ballots {
  const refutedAt = known.orders?.refuted?.at ?? "";
  const fresh = votes.filter(
    (vote) =>
      vote.cloud === known.cloud &&
      settings.vantages.includes(vote.vantage) &&
      isFresh(vote.at, now),
  );
  const { misses = THRESHOLD } = settings;
  const isSilent = (vote: Vote) =>
    vote.vote === "silent" && vote.misses >= misses && vote.at > refutedAt;
  const blind = fresh.filter(
    (vote) => vote.void === true && elapsed(vote.since, now) > VOTE_LIFETIME_MS,
  );
  return {
    fresh,
    blind,
    telling: fresh.length - blind.length,
    silent: fresh.filter(isSilent).length,
    up: fresh.filter((vote) => vote.vote === "up" && vote.successes >= THRESHOLD).length,
    anyUp: fresh.some((vote) => vote.vote === "up"),
    majority: majorityOf(settings.vantages.length),
  };
}

/** So many of the registered vantages decide. */
export function majorityOf(vantages: number): number {
  return Math.floor(vantages / 2) + 1;
}
