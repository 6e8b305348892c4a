import { type Ballots, ballotsOn } from "./ballots.ts";
import { isBlocking } from "./faults.ts";
import { reasonOf } from "./reason.ts";
import type {
  Blocking,
  CloudName,
  CloudOrders,
  Time,
  VantageName,
  Verdict,
  VerdictKind,
  Vote,
} from "./schema.ts";
import { elapsed, THRESHOLD } from "./vote.ts";

/** What is known of one cloud before the votes are judged. */
export type KnownCloud = {
  cloud: CloudName;
  verdict?: Verdict | undefined;
  orders?: CloudOrders | undefined;
};

export type JudgeSettings = {
  /** The registered vantages: the majority is of all of them. */
  vantages: VantageName[];
  /** How long losses count as one blast, and how long a suspicion waits for a person. */
  suspicionWindowMs: number;
  /** Misses in a row that make a vantage's silence count, up to MOST_MISSES; THRESHOLD unless said. */
  misses?: number | undefined;
};

/**
 * The verdicts that follow from the votes, all clouds together (DESIGN 3.3). A cloud is lost when a
 * majority of the registered vantages has missed it three times in a row (or as often as set), and
 * back when a majority has been answered three times in a row; from unknown one answer is enough. With
 * fewer fresh votes than a majority it is unwatched, and nothing changes. Losing more than max(1, a
 * third) of the clouds within the window only makes them suspected, until a person confirms it or the
 * window is over. A verdict that did not move (nor its blocking, nor whether it is watched, nor the
 * credential) is returned as the same object, so that the caller writes only what moved.
 */
export function judge(
  clouds: KnownCloud[],
  votes: Vote[],
  now: Time,
  settings: JudgeSettings,
): Verdict[] {
  const counted = clouds.map((known) => {
    const ballots = ballotsOn(known, votes, now, settings);
    return { known, ballots, kind: nextKind(known, ballots, now, settings) };
  });
  const lost = counted.filter(
    ({ known, kind }) => isLost(kind) && isNewlyLost(known, now, settings),
  );
  const isBlast = isOverBlastLimit(lost.length, clouds.length);
  return counted.map(({ known, ballots, kind }) => {
    const isNew = isLost(kind) && !isLost(known.verdict?.verdict ?? "unknown");
    return written(known, ballots, isNew && isBlast ? "suspected" : kind, now);
  });
}

function nextKind(
  known: KnownCloud,
  { silent, up, anyUp, majority }: Ballots,
  now: Time,
  { suspicionWindowMs }: JudgeSettings,
): VerdictKind {
  const { verdict, orders } = known;
  const isSilent = silent >= majority;
  switch (verdict?.verdict ?? "unknown") {
    case "unknown":
      return anyUp ? "reachable" : isSilent ? "unreachable" : "unknown";
    case "reachable":
      return isSilent && !isRefutedStill(orders, now, suspicionWindowMs)
        ? "unreachable"
        : "reachable";
    case "unreachable":
      return up >= majority ? "reachable" : "unreachable";
    case "suspected": {
      const { since, lost_at = since } = verdict ?? { since: now };
      if (up >= majority || orders?.refuted?.since === since) return "reachable";
      if (orders?.confirmed?.since === since) return "unreachable";
      const isOver = elapsed(lost_at, now) >= suspicionWindowMs;
      return isOver && isSilent ? "unreachable" : "suspected";
    }
  }
}

/** A person said that the cloud is there: as long as a suspicion would wait for them, it is not asked again. */
export function isRefutedStill(
  orders: CloudOrders | undefined,
  now: Time,
  suspicionWindowMs: number,
): boolean {
  return orders?.refuted !== undefined && elapsed(orders.refuted.at, now) < suspicionWindowMs;
}

function isLost(kind: VerdictKind): boolean {
  return kind === "unreachable" || kind === "suspected";
}

/** Whether so many of the clouds are too many to lose at once. */
export function isOverBlastLimit(lost: number, clouds: number): boolean {
  return lost > Math.max(1, clouds / 3);
}

/** Whether a cloud that is lost, or is to be, was lost within the window. */
export function isNewlyLost({ verdict }: KnownCloud, now: Time, settings: JudgeSettings): boolean {
  if (!verdict || !isLost(verdict.verdict)) return true;
  return (
    verdict.lost_at !== undefined && elapsed(verdict.lost_at, now) < settings.suspicionWindowMs
  );
}

function written(known: KnownCloud, ballots: Ballots, kind: VerdictKind, now: Time): Verdict {
  const previous = known.verdict;
  const blocking = nextBlocking(previous, ballots, kind, now);
  const unwatched = nextUnwatched(previous, ballots, now);
  const hasMoved = previous?.verdict !== kind;
  const isSame =
    !hasMoved &&
    isSameBlocking(previous.blocking, blocking) &&
    isWatched(previous) === (unwatched === undefined);
  if (isSame && !hasNewCredential(previous, ballots)) return previous;
  const lost_at =
    hasMoved && isLost(kind) && !(previous && isLost(previous.verdict)) ? now : previous?.lost_at;
  const isBack = kind === "reachable" && previous !== undefined && isLost(previous.verdict);
  const returned_at = isBack ? now : previous?.returned_at;
  return {
    cloud: known.cloud,
    verdict: kind,
    since: previous && !hasMoved ? previous.since : now,
    at: now,
    ...(lost_at ? { lost_at } : {}),
    ...(returned_at ? { returned_at } : {}),
    reason: previous && !hasMoved ? previous.reason : reasonOf(known, ballots, kind),
    ...(blocking ? { blocking } : {}),
    ...(unwatched ? { unwatched } : {}),
    votes: ballots.fresh,
  };
}

/**
 * A credential was changed: pushes that were refused with the old one are worth another try, and the
 * stacks learn of it by the item's being written.
 */
function hasNewCredential(previous: Verdict, { fresh }: Ballots): boolean {
  const before = new Map(previous.votes.map((vote) => [vote.vantage, vote.credential_hash]));
  return fresh.some(({ vantage, credential_hash }) => {
    const old = before.get(vantage);
    return old !== undefined && credential_hash !== undefined && old !== credential_hash;
  });
}

/**
 * Set while a majority abstains because of our credentials or configuration; from unknown, because
 * of anything, three ticks long. Only an answer clears it.
 */
function nextBlocking(
  previous: Verdict | undefined,
  { fresh, majority }: Ballots,
  kind: VerdictKind,
  now: Time,
): Blocking | undefined {
  const abstaining = fresh.filter(
    ({ vote, fault, abstentions, void: isVoid }) =>
      vote === "abstains" &&
      !isVoid &&
      fault &&
      (kind === "unknown" ? abstentions >= THRESHOLD : isBlocking(fault)),
  );
  const fault = abstaining[0]?.fault;
  if (fault && abstaining.length >= majority) {
    const { class: faultClass, code, message } = fault;
    const before = previous?.blocking;
    return { class: faultClass, code, message, since: before?.code === code ? before.since : now };
  }
  return fresh.some(({ vote }) => vote === "up") ? undefined : previous?.blocking;
}

/**
 * Set while fewer vantages than a majority can tell of the cloud: with a fresh vote, and not blind, which is
 * one that has heard nothing from any cloud for as long as a vote counts. Who they are, its votes say.
 */
function nextUnwatched(
  previous: Verdict | undefined,
  { telling, majority }: Ballots,
  now: Time,
): Verdict["unwatched"] {
  if (telling >= majority) return undefined;
  return { since: previous?.unwatched?.since ?? now, fresh: telling, majority };
}

/** Whether enough vantages vote on a cloud for a new outage of it to be found. */
export function isWatched(verdict: Verdict | undefined): boolean {
  return verdict?.unwatched === undefined;
}

/** Whether a cloud is blocked for the same as before: nobody is told again. */
export function isSameBlocking(one: Blocking | undefined, other: Blocking | undefined): boolean {
  return one?.class === other?.class && one?.code === other?.code;
}
