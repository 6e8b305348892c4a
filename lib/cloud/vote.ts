import { type Fault, isSilence } from "./faults.ts";
import type { CloudName, Time, VantageName, Vote } from "./schema.ts";

/** Counters stop here: three misses in a row make a silence count, three successes an up. */
export const THRESHOLD = 3;
/** A vote, or a miss, older than this is no evidence: counting begins from 0. Milliseconds. */
export const VOTE_LIFETIME_MS = 90_000;
const REWRITE_AFTER_MS = 60_000;

/** What one probe of one cloud came to. */
export type Finding = { cloud: CloudName; fault?: Fault; latency_ms?: number };

/** A tick that heard nothing from any of its two or more clouds says nothing: it is us. */
export function isVoid(findings: Finding[]): boolean {
  return findings.length >= 2 && findings.every(({ fault }) => fault && isSilence(fault));
}

/**
 * The vote that follows from a finding. An up sets misses to 0, a miss sets successes to 0, an
 * abstention touches neither; a void tick counts nothing at all. A vote older than 90 s, and misses
 * of which the last is, begin from 0, so that three blips in a month are not three in a row; so do
 * the misses of a suspicion that was refuted since. With `busy` (updates of ours run there) a
 * deadline missed counts only once the silence is that old.
 */
export function countVote(input: {
  finding: Finding;
  vantage: VantageName;
  at: Time;
  previous: Vote | undefined;
  isVoid: boolean;
  refutedAt?: Time | undefined;
  busySilenceMs?: number | undefined;
}): Vote {
  const { finding, vantage, at, previous, refutedAt } = input;
  const { cloud, fault, latency_ms } = finding;
  const kept = keptCounters(previous, at, refutedAt);
  const vote = {
    cloud,
    vantage,
    at,
    ...memory(previous),
    ...(latency_ms === undefined ? {} : { latency_ms }),
  };
  if (!fault) {
    const successes = Math.min(THRESHOLD, kept.successes + 1);
    return same(previous, { ...vote, vote: "up", misses: 0, successes, abstentions: 0 });
  }
  if (input.isVoid) {
    return same(previous, {
      ...vote,
      ...kept,
      ...silence(previous),
      vote: "abstains",
      void: true,
      fault,
    });
  }
  if (!isSilence(fault)) {
    const abstentions = Math.min(THRESHOLD, kept.abstentions + 1);
    return same(previous, { ...vote, ...kept, abstentions, vote: "abstains", fault });
  }
  const silent_since = previous?.silent_since ?? at;
  const counts =
    fault.code !== "timeout" || elapsed(silent_since, at) >= (input.busySilenceMs ?? 0);
  return same(previous, {
    ...vote,
    vote: "silent",
    misses: counts ? Math.min(THRESHOLD, kept.misses + 1) : kept.misses,
    successes: 0,
    abstentions: 0,
    silent_since,
    missed_at: counts ? at : (previous?.missed_at ?? at),
    fault,
  });
}

/**
 * Whether a vote is worth writing: more than its latency moved, or the written one is 60 s old; and
 * never twice within half an interval, so that two overlapping runs count once.
 */
export function isWorthWriting(
  previous: Vote | undefined,
  next: Vote,
  intervalMs: number,
): boolean {
  if (!previous) return true;
  const age = elapsed(previous.at, next.at);
  if (age < intervalMs / 2) return false;
  return age >= REWRITE_AFTER_MS || essence(previous) !== essence(next);
}

/** Milliseconds from one time to another. */
export function elapsed(from: Time, to: Time): number {
  return Date.parse(to) - Date.parse(from);
}

type Counters = Pick<Vote, "misses" | "successes" | "abstentions" | "missed_at">;

function keptCounters(previous: Vote | undefined, at: Time, refutedAt: Time | undefined): Counters {
  if (!previous || elapsed(previous.at, at) > VOTE_LIFETIME_MS) {
    return { misses: 0, successes: 0, abstentions: 0 };
  }
  const { missed_at, successes, abstentions } = previous;
  const isFresh =
    missed_at !== undefined &&
    elapsed(missed_at, at) <= VOTE_LIFETIME_MS &&
    !(refutedAt !== undefined && missed_at <= refutedAt);
  return isFresh
    ? { misses: previous.misses, missed_at, successes, abstentions }
    : { misses: 0, successes, abstentions };
}

/** What a vote remembers of the last one whatever was found now. */
function memory(previous: Vote | undefined): Partial<Vote> {
  const { listed_at, updating, login_pause, credential_hash } = previous ?? {};
  return {
    ...(listed_at ? { listed_at } : {}),
    ...(updating ? { updating } : {}),
    ...(login_pause ? { login_pause } : {}),
    ...(credential_hash ? { credential_hash } : {}),
  };
}

function silence(previous: Vote | undefined): Pick<Vote, "silent_since"> {
  return previous?.silent_since ? { silent_since: previous.silent_since } : {};
}

function same(previous: Vote | undefined, next: Omit<Vote, "since">): Vote {
  const isSame =
    previous && previous.vote === next.vote && previous.fault?.code === next.fault?.code;
  return { ...next, since: isSame ? previous.since : next.at };
}

function essence(vote: Vote): string {
  const { at: _, latency_ms: __, missed_at: ___, fault, ...rest } = vote;
  const sorted = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([sorted, fault?.class, fault?.code]);
}
