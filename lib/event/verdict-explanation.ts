import { majorityOf } from "../cloud/ballots.ts";
import { isLost, judgedAgain } from "../cloud/evidence.ts";
import type { CloudName, Time, VantageName, Verdict, VerdictKind } from "../cloud/schema.ts";
import { elapsed, isFresh, MOST_MISSES, THRESHOLD } from "../cloud/vote.ts";
import type { Ballot, Event, VerdictEvidence } from "./schema.ts";
import { clock, counted, day, duration, faultText, list, readable } from "./words.ts";

type Case = {
  cloud: CloudName;
  type: Event["type"];
  evidence: VerdictEvidence;
  before: VerdictEvidence["clouds"][number] | undefined;
  again: Verdict[];
  now: Time;
  vantages: VantageName[];
  majority: number;
  /** Misses in a row that count. */
  misses: number;
};

/** Who saw what since when, the rule, the blast limit where it mattered, and what follows: in sentences. */
export function verdictSentences(event: Event, evidence: VerdictEvidence): string[] {
  const own = caseOf(event, evidence);
  return own ? [...found(own, event), ...next(own)] : [];
}

/** The same without what follows. */
export function findingSentences(event: Event, evidence: VerdictEvidence): string[] {
  const own = caseOf(event, evidence);
  return own ? found(own, event) : [];
}

function found(own: Case, event: Event): string[] {
  return [heading(own, event), ...votes(own), ...rule(own), ...blast(own)];
}

function caseOf({ cloud, type }: Event, evidence: VerdictEvidence): Case | undefined {
  if (cloud === undefined) return undefined;
  const { now, settings } = evidence;
  return {
    cloud,
    type,
    evidence,
    before: evidence.clouds.find((known) => known.cloud === cloud),
    again: judgedAgain(evidence),
    now,
    vantages: settings.vantages,
    majority: majorityOf(settings.vantages.length),
    misses: settings.misses ?? THRESHOLD,
  };
}

function heading({ cloud, type, before, now }: Case, { cause }: Event): string {
  const word = type.slice(type.indexOf(".") + 1);
  const { verdict, since } = before?.verdict ?? {};
  const was =
    verdict && since && ["unreachable", "suspected", "reachable"].includes(word)
      ? `; it had been ${verdict} since ${clock(since, now)}`
      : "";
  const words: Record<string, string> = {
    unreachable: `was found unreachable${was}.`,
    suspected: `was suspected, not given up${was}.`,
    reachable: `was found reachable${was}.`,
    discovered: "was known for the first time, and not judged yet.",
    blocked: `was blocked: ${readable(cause, now)}`,
    unblocked: "was no longer blocked.",
    unwatched: "was no longer watched by enough vantages.",
    watched: "was watched by enough vantages again.",
  };
  return `At ${day(now)} ${cloud} ${words[word] ?? `: ${cause}`}`;
}

/** One sentence for every registered vantage, whatever it said or did not say. */
function votes(own: Case): string[] {
  const cast = new Map(
    own.evidence.votes
      .filter(({ cloud }) => cloud === own.cloud)
      .map((vote) => [vote.vantage, vote]),
  );
  return own.vantages.map((vantage) => {
    const vote = cast.get(vantage);
    return `${vantage} ${vote ? said(vote, own) : "is registered, and had never voted on it"}.`;
  });
}

function said(vote: Ballot, own: Case): string {
  const { now, misses, before } = own;
  if (!isFresh(vote.at, now)) return `last voted at ${clock(vote.at, now)}: too long ago to count`;
  const fault = vote.fault ? ` (${faultText(vote.fault)})` : "";
  if (vote.vote === "up") return `was answered, ${row(vote.successes, THRESHOLD, "time")}`;
  if (vote.void) {
    return `heard nothing from any of the clouds it asked, so it blames itself and abstains (a void tick)${fault}`;
  }
  if (vote.vote === "abstains") {
    return `abstained since ${clock(vote.since, now)}${fault}: only the network's silence is held against a cloud`;
  }
  const heard = `had heard nothing since ${clock(vote.silent_since ?? vote.since, now)}${fault}`;
  const refuted = before?.orders?.refuted?.at ?? "";
  if (vote.at <= refuted) return `${heard}, which a person refuted at ${clock(refuted, now)}`;
  return vote.misses < misses
    ? `${heard}: ${vote.misses} of ${misses} misses`
    : `${heard}: ${row(vote.misses, MOST_MISSES, "miss", "misses")}`;
}

/** `2 misses in a row`; counters stop at their most. */
function row(number: number, most: number, one: string, many?: string): string {
  return `${counted(number, one, many)}${number >= most ? " or more" : ""} in a row`;
}

function rule(own: Case): string[] {
  switch (own.type) {
    case "cloud.unreachable":
    case "cloud.suspected":
      return lossRule(own);
    case "cloud.reachable":
      return returnRule(own);
    case "cloud.blocked":
      return [`${most(own)} must abstain for a reason of ours, such as a password: so it was.`];
    case "cloud.unwatched":
      return [`${most(own)} must have voted lately, and not void, or no new outage can be found.`];
    default:
      return [];
  }
}

function most({ vantages, majority }: Case): string {
  if (vantages.length === 1) return "The one vantage there is";
  return `A majority of the registered vantages, ${majority} of ${vantages.length},`;
}

function lossRule(own: Case): string[] {
  const { type, before, now, misses, evidence } = own;
  const { verdict: was, since, lost_at = since } = before?.verdict ?? {};
  if (was !== "suspected" || type === "cloud.suspected") {
    const row = `${misses} ${misses === 1 ? "miss" : "misses in a row"}`;
    return [`${most(own)} must have ${row} before a cloud is lost: so it was.`];
  }
  const { confirmed } = before?.orders ?? {};
  if (confirmed && confirmed.since === since) {
    return [`A person confirmed the suspicion at ${clock(confirmed.at, now)}.`];
  }
  const window = duration(evidence.settings.suspicion_window_ms);
  return [
    `It had been lost since ${clock(lost_at ?? now, now)}: the ${window} in which a person may refute a suspicion were over, and it was still silent.`,
  ];
}

function returnRule(own: Case): string[] {
  const { before, now } = own;
  const { verdict: was = "unknown", since } = before?.verdict ?? {};
  const { refuted } = before?.orders ?? {};
  if (was === "unknown") return ["Of a cloud not judged yet, one answer is enough."];
  if (was === "suspected" && refuted && refuted.since === since) {
    return [`A person refuted the suspicion at ${clock(refuted.at, now)}.`];
  }
  return [
    `${most(own)} must be answered ${THRESHOLD} times in a row before a lost cloud is back: so it was.`,
  ];
}

/** Told only where it decided something: more than one cloud was newly lost. */
function blast(own: Case): string[] {
  const { type, again, evidence, now, before } = own;
  const isLoss = type === "cloud.unreachable" || type === "cloud.suspected";
  if (!isLoss || isLost(before?.verdict?.verdict)) return [];
  const { clouds, settings } = evidence;
  const known = new Map(clouds.map(({ cloud, verdict }) => [cloud, verdict]));
  const window = settings.suspicion_window_ms;
  const lost = again.filter(({ cloud, verdict }) => {
    const was = known.get(cloud);
    if (!isLost(verdict)) return false;
    if (!was || !isLost(was.verdict)) return true;
    return was.lost_at !== undefined && elapsed(was.lost_at, now) < window;
  });
  if (lost.length < 2) return [];
  const most = Math.floor(Math.max(1, clouds.length / 3));
  const names = list(lost.map(({ cloud }) => cloud));
  const reckoning = `Of ${clouds.length} clouds ${lost.length} were lost within ${duration(window)} (${names}), and the blast limit lets ${most} go`;
  return [
    type === "cloud.suspected"
      ? `${reckoning}: so many at once are more likely our own fault.`
      : `${reckoning}: it did not hold this one back.`,
  ];
}

function next({ cloud, type, now, evidence, majority, before }: Case): string[] {
  const over = new Date(Date.parse(now) + evidence.settings.suspicion_window_ms).toISOString();
  const back: Partial<Record<VerdictKind, string>> = {
    unreachable: `It takes part in the deal again; under failback manual a share that was moved waits for \`heat-spreader release\`.`,
    suspected: "Nothing had been moved; pushes go there again.",
  };
  const sentences: Partial<Record<Event["type"], string | undefined>> = {
    "cloud.unreachable": `Every stack that weighs ${cloud} is dealt anew without it, as its policy says, where another of its clouds is available and no witness answers.`,
    "cloud.suspected": `Its shares stay, and nothing is pushed there, until \`heat-spreader cloud confirm ${cloud}\` or \`cloud refute ${cloud}\`; if it stays silent, it is given up at ${clock(over, now)}.`,
    "cloud.reachable": back[before?.verdict?.verdict ?? "unknown"],
    "cloud.blocked": `Nothing is pushed to ${cloud} while that lasts, and its shares keep their place: no instance is moved for it.`,
    "cloud.unwatched": `Its verdict stays as it is until ${counted(majority, "vantage")} ${majority === 1 ? "votes" : "vote"} again.`,
  };
  const sentence = sentences[type];
  return sentence === undefined ? [] : [sentence];
}
