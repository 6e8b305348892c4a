import { type Fault, isSilence } from "./faults.ts";
import type { CloudName, Time, VantageName, Vote } from "./schema.ts";

/** Three successes in a row make an up count, and so do three misses a silence, unless set otherwise. */
export const THRESHOLD = 3;
/** Misses are counted up to here, whatever makes them count: whoever counts need not know the setting. */
export const MOST_MISSES = 10;
/** A vote, or a miss, older than this is no evidence: counting begins from 0. */
export const VOTE_LIFETIME_MS = 90_000;
/** A vote that says no interval is repeated within half of this. */
const USUAL_INTERVAL_MS = 10_000;
const REWRITE_AFTER_MS = 60_000;

/** What one probe of one cloud came to; `unasked`: clouds.yaml gave nothing to ask. */
export type Finding = { cloud: CloudName; fault?: Fault; latency_ms?: number; unasked?: true };

/** A tick that heard nothing from any of the two or more clouds it asked says nothing: it is us. */
export function isVoid(findings: Finding[]): boolean {
  const asked = findings.filter(({ unasked }) => !unasked);
  return asked.length >= 2 && asked.every(({ fault }) => fault && isSilence(fault));
}

/**
 * The vote that follows from a finding. An up sets misses to 0, a miss sets successes to 0, an
 * abstention touches neither; a void tick counts nothing at all. A vote older than 90 s, and misses
 * of which the last is, begin from 0, so that three blips in a month are not three in a row; so do
 * the misses of a suspicion that was refuted since. With `busySilenceMs` (updates of ours run there)
 * a deadline missed counts only once deadlines have been missed for that long. `since` begins anew
 * with every other finding, and with another fault; a void is one void, whatever each cloud met in it.
 */
export function countVote(found: Found): Vote {
  const { finding, vantage, at, previous, intervalMs } = found;
  const { cloud, fault, latency_ms } = finding;
  const recent = previous && isFresh(previous.at, at) ? previous : undefined;
  const counted = count(found, recent);
  return {
    cloud,
    vantage,
    at,
    since: recent && isSame(recent, counted, fault) ? recent.since : at,
    ...(intervalMs === undefined ? {} : { interval_ms: Math.round(intervalMs) }),
    ...memory(previous),
    ...(latency_ms === undefined ? {} : { latency_ms }),
    ...counted,
    ...(fault ? { fault } : {}),
  };
}

type Found = {
  finding: Finding;
  vantage: VantageName;
  at: Time;
  previous: Vote | undefined;
  isVoid: boolean;
  /** How often this vantage looks, where that is known. */
  intervalMs?: number | undefined;
  refutedAt?: Time | undefined;
  busySilenceMs?: number | undefined;
};

/** Whether both found the same. In a void nothing was found of the cloud, so its fault does not matter. */
function isSame(recent: Vote, counted: Counted, fault: Fault | undefined): boolean {
  if (recent.vote !== counted.vote || recent.void !== counted.void) return false;
  return counted.void === true || recent.fault?.code === fault?.code;
}

type Counters = Pick<Vote, "misses" | "successes" | "abstentions" | "missed_at">;
type Counted = Counters & Pick<Vote, "vote" | "void" | "silent_since">;

function count(found: Found, recent: Vote | undefined): Counted {
  const { finding, at, isVoid, refutedAt, busySilenceMs = 0 } = found;
  const { fault } = finding;
  const kept = keptCounters(recent, at, refutedAt);
  const { misses, successes, abstentions } = kept;
  if (!fault) {
    return { vote: "up", misses: 0, successes: oneMore(successes), abstentions: 0 };
  }
  // A void is silence too: what comes after it has lasted since then, though nobody counts it.
  const silent_since = recent?.silent_since ?? at;
  if (isVoid) return { ...kept, vote: "abstains", void: true, silent_since };
  if (!isSilence(fault)) {
    return { ...kept, vote: "abstains", abstentions: oneMore(abstentions) };
  }
  // By the deadlines missed in a row, and not by the silence: a void says nothing of a busy engine.
  const isLasting = recent?.vote === "silent" && recent.fault?.code === fault.code;
  const lastingMs = isLasting ? elapsed(recent.since, at) : 0;
  const counts = fault.code !== "timeout" || lastingMs >= busySilenceMs;
  const missed = counts ? { misses: oneMore(misses, MOST_MISSES), missed_at: at } : {};
  return { ...kept, ...missed, vote: "silent", successes: 0, abstentions: 0, silent_since };
}

function oneMore(counter: number, most = THRESHOLD): number {
  return Math.min(most, counter + 1);
}

/**
 * Whether a vote is worth writing: more than its latency moved, or the written one would soon be too
 * old to count; and never twice within half of its vantage's interval, so that two overlapping runs
 * count once.
 */
export function isWorthWriting(previous: Vote | undefined, next: Vote): boolean {
  if (!previous || !isFresh(previous.at, next.at)) return true;
  const age = elapsed(previous.at, next.at);
  if (age < (next.interval_ms ?? USUAL_INTERVAL_MS) / 2) return false;
  return age >= rewriteAfterMs(next) || essence(previous) !== essence(next);
}

/**
 * So early that one vote may be lost on the way: the written one is less than an interval older when
 * a tick finds it so old; if that tick's vote is lost, the next tick is an interval later, and its
 * vote takes less than 10 s, or an interval, to arrive (a probe's deadline and the sending). Hence three
 * intervals before it is too old: at 10 s once a minute, at 15 s every third vote (45 s), at 20 s every
 * second (40 s), at 30 s every one. A minute at most: a quick vantage is late by its deadlines, not by
 * its interval. A vantage that says no interval may have the longest.
 */
function rewriteAfterMs({ interval_ms }: Vote): number {
  if (interval_ms === undefined) return 0;
  return Math.min(REWRITE_AFTER_MS, VOTE_LIFETIME_MS - 3 * interval_ms);
}

/** Milliseconds from one time to another. */
export function elapsed(from: Time, to: Time): number {
  return Date.parse(to) - Date.parse(from);
}

/** Whether something of that time still says anything; from ahead, the clock was set back since. */
export function isFresh(at: Time, now: Time): boolean {
  return Math.abs(elapsed(at, now)) <= VOTE_LIFETIME_MS;
}

function keptCounters(recent: Vote | undefined, at: Time, refutedAt: Time | undefined): Counters {
  if (!recent) return { misses: 0, successes: 0, abstentions: 0 };
  const { misses, missed_at, successes, abstentions } = recent;
  const stillCounts =
    missed_at !== undefined && isFresh(missed_at, at) && !(refutedAt && missed_at <= refutedAt);
  return stillCounts
    ? { misses, missed_at, successes, abstentions }
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

function essence(vote: Vote): string {
  const { at: _, latency_ms: __, missed_at: ___, fault, ...rest } = vote;
  const sorted = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([sorted, fault?.class, fault?.code]);
}
