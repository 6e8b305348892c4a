import { clock, counted, duration, list } from "../event/words.ts";
import type { Ballots } from "./ballots.ts";
import { ifItLasts, ifItTurns, intervalOf, later } from "./rhythm.ts";
import type { Time, VantageName, Verdict, Vote } from "./schema.ts";
import { isNewlyLost, isOverBlastLimit, isRefutedStill, type KnownCloud } from "./verdict.ts";
import { isFresh, THRESHOLD } from "./vote.ts";

/** One cloud, with all that decides what becomes of it. */
export type Case = {
  known: KnownCloud;
  verdict: Verdict;
  /** How many there are, with this one. */
  clouds: number;
  others: Case[];
  ballots: Ballots;
  now: Time;
  vantages: VantageName[];
  misses: number;
  /** Of home. */
  intervalMs: number;
  deadlineMs: number;
  /** Vantages that wait out their deadline at each tick. */
  waiting: ReadonlySet<VantageName>;
  suspicionWindowMs: number;
};

/** What will become of the verdict, on what, and when at the earliest. */
export function prospects(own: Case): string[] {
  switch (own.verdict.verdict) {
    case "unknown":
      return unknown(own);
    case "reachable":
      return reachable(own);
    case "suspected":
      return suspected(own);
    case "unreachable":
      return unreachable(own);
  }
}

function unknown(own: Case): string[] {
  return [
    `One answer makes it reachable; it is lost when ${missed(own)}.`,
    own.verdict.blocking
      ? "Until then its shares keep their place."
      : "Until then the stacks that weigh it wait.",
  ];
}

function reachable(own: Case): string[] {
  const { ballots, misses, now, vantages, known, suspicionWindowMs } = own;
  const { refuted } = known.orders ?? {};
  if (refuted && isRefutedStill(known.orders, now, suspicionWindowMs)) {
    const over = later(refuted.at, suspicionWindowMs);
    return [
      `A person said at ${clock(refuted.at, now)} that it is there: until ${clock(over, now)} it is not lost, whatever is seen.`,
    ];
  }
  const silent = silences(own);
  if (silent.length === 0) return [`It is lost when ${missed(own)}.`];
  const names = list(silent.map(({ vantage }) => vantage));
  const find = silent.length === 1 ? "finds" : "find";
  const most = vantages.length === 1 ? "" : `; it takes ${ballots.majority}`;
  const found = `${silent.length} of ${counted(vantages.length, "vantage")} ${find} it silent (${names})${most}.`;
  const lacking = ballots.majority - silent.length;
  if (lacking <= 0) return [found, loss(own, silent)];
  const who = `${lacking} more ${lacking === 1 ? "has" : "have"} ${misses} misses in a row`;
  const deciding = ballots.fresh.map((vote) => silentAt(vote, own)).sort();
  const soonest = deciding.at(ballots.majority - 1);
  return [found, `It stays reachable unless ${who}${soonest ? `, ${moment(soonest, now)}` : ""}.`];
}

/** A majority is silent: it is lost as soon as each of them has missed it often enough. */
function loss(own: Case, silent: Vote[]): string {
  const { misses, now } = own;
  const deciding = silent
    .map((vote) => ({ ...vote, left: Math.max(0, misses - vote.misses), at: silentAt(vote, own) }))
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .slice(0, own.ballots.majority);
  const lostAt = deciding.at(-1)?.at ?? now;
  const at = moment(lostAt, now);
  const lost = isBlast(own, lostAt)
    ? `It becomes suspected ${at}, and its shares stay: too many clouds are lost at once`
    : `It becomes unreachable ${at}, and its shares move where they can`;
  const needs = deciding
    .filter(({ left }) => left > 0)
    .map(({ left, vantage }) => `${left} more of ${misses} misses from ${vantage}`);
  return needs.length === 0 ? `${lost}.` : `${lost}; that needs ${list(needs)}.`;
}

/** What is decided already goes first, by the rule that judge goes by: nobody need answer it any more. */
function suspected(own: Case): string[] {
  const { verdict, known, ballots, now, suspicionWindowMs } = own;
  const { since, lost_at = since } = verdict;
  if (ballots.up >= ballots.majority) {
    return [`It is answered ${THRESHOLD} times in a row: it becomes reachable at the next tick.`];
  }
  if (known.orders?.refuted?.since === since) {
    return ["The suspicion is refuted: it becomes reachable at the next tick."];
  }
  if (known.orders?.confirmed?.since === since) {
    return ["The suspicion is confirmed: it becomes unreachable at the next tick."];
  }
  const over = later(lost_at, suspicionWindowMs);
  const isSilent = ballots.silent >= ballots.majority;
  const window = `Its ${duration(suspicionWindowMs)} are over${now < over ? ` at ${clock(over, now)}` : ""}`;
  const end = isSilent
    ? `It becomes unreachable ${moment(over, now)}, and its shares move where they can, unless it is refuted, or ${answered(own, "answers")}.`
    : `${window}: ${now < over ? "from then on " : ""}it becomes unreachable as soon as ${missed(own)}.`;
  return [
    end,
    "Until then its shares stay, and nothing is pushed there. To confirm it moves them at once; to refute it leaves them.",
  ];
}

function unreachable(own: Case): string[] {
  const { ballots, now } = own;
  const shares =
    "Each stack that weighs it is dealt anew without it, as its policy says, where another of its clouds is available; where a witness answers, the share stays.";
  const ups = ballots.fresh.filter(({ vote }) => vote === "up");
  const back = `It is back after ${answered(own, "successes")}`;
  if (ups.length === 0) return [shares, `${back}${backWithin(own)}.`];
  const deciding = ballots.fresh.map((vote) => upAt(vote, own)).sort();
  const soonest = deciding.at(ballots.majority - 1);
  const names = ups.map(({ vantage, successes }) => `${vantage} ${successes} of ${THRESHOLD}`);
  return [shares, `${back}: ${list(names)} so far${soonest ? `, ${moment(soonest, now)}` : ""}.`];
}

/** How long a majority takes to be answered often enough: each waits for its next tick first. */
function backWithin(own: Case): string {
  const intervals = own.ballots.fresh.map((vote) => intervalOf(vote, own)).sort((a, b) => a - b);
  const deciding = intervals.at(own.ballots.majority - 1);
  if (deciding === undefined) return "";
  const [least, most] = [THRESHOLD - 1, THRESHOLD].map((ticks) => (ticks * deciding) / 1000);
  return `, some ${least} to ${most} s after it answers again`;
}

/** When a vantage's silence counts, at the earliest, if it stays silent, or becomes so. */
function silentAt(vote: Vote, own: Case): Time {
  const { misses, now } = own;
  const isSilent = silences(own).includes(vote);
  if (isSilent && vote.misses >= misses) return vote.at;
  if (isSilent) return ifItLasts(vote, misses - vote.misses, now, own);
  return ifItTurns(vote, Math.max(1, misses - keptMisses(vote, own)), now, own);
}

/** The misses that a vote which is not silent has kept. */
function keptMisses({ missed_at, misses }: Vote, { known, now }: Case): number {
  const refutedAt = known.orders?.refuted?.at ?? "";
  return missed_at !== undefined && missed_at > refutedAt && isFresh(missed_at, now) ? misses : 0;
}

/** When a vantage's successes count, at the earliest, if it is answered from now on. */
function upAt(vote: Vote, own: Case): Time {
  const left = THRESHOLD - vote.successes;
  if (vote.vote !== "up") return ifItTurns(vote, Math.max(1, left), own.now, own);
  return left <= 0 ? vote.at : ifItLasts(vote, left, own.now, own);
}

/** Fresh silences that count, or will if they last. */
function silences({ ballots, known }: Case): Vote[] {
  const refutedAt = known.orders?.refuted?.at ?? "";
  return ballots.fresh.filter(({ vote, at }) => vote === "silent" && at > refutedAt);
}

/** Whether one cloud more, lost then, is too many at once, with those that are lost by then. */
function isBlast({ clouds, others, now }: Case, at: Time): boolean {
  // What is to be decided already is decided together.
  const then = at > now ? at : now;
  const lost = others.filter((other) => {
    const { verdict } = other.verdict;
    if (verdict === "reachable") return isLostBy(other, then);
    // One answer makes it reachable first, and it is lost at a later tick.
    if (verdict === "unknown") return (!other.ballots.anyUp || at > now) && isLostBy(other, then);
    return isNewlyLost(other.known, then, other);
  });
  return isOverBlastLimit(lost.length + 1, clouds);
}

/** Whether a cloud that is not lost yet is lost then, if those that find it silent now go on doing so. */
function isLostBy(own: Case, then: Time): boolean {
  const { ballots, known, now, suspicionWindowMs } = own;
  if (isRefutedStill(known.orders, now, suspicionWindowMs)) return false;
  const deciding = silences(own).filter((vote) => silentAt(vote, own) <= then);
  return deciding.length >= ballots.majority;
}

function missed({ ballots: { majority }, vantages, misses }: Case): string {
  const [only] = vantages;
  return vantages.length === 1
    ? `${only} has ${misses} misses in a row`
    : `${majority} of ${vantages.length} vantages have ${misses} misses in a row`;
}

function answered({ ballots: { majority }, vantages }: Case, as: "answers" | "successes"): string {
  const who =
    vantages.length === 1 ? `${vantages[0]}` : `${majority} of ${vantages.length} vantages`;
  return as === "answers"
    ? `${who} ${majority === 1 ? "is" : "are"} answered ${THRESHOLD} times in a row`
    : `${THRESHOLD} successes in a row of ${who}`;
}

/** Ticks come late: no time that is predicted is more than the earliest. */
function moment(time: Time, now: Time): string {
  return time > now ? `at ${clock(time, now)} at the earliest` : "any moment now";
}
