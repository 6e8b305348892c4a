import { isBlocking } from "./faults.ts";
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
import { elapsed, isFresh, THRESHOLD } from "./vote.ts";

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
};

/**
 * The verdicts that follow from the votes, all clouds together (DESIGN 3.3). A cloud is lost when a
 * majority of the registered vantages is silent three times in a row, and back when a majority has
 * been answered three times in a row; from unknown one answer is enough. With too few fresh votes
 * nothing changes. Losing more than max(1, a third) of the clouds within the window only makes them
 * suspected, until a person confirms it or the window is over. A verdict that did not move (nor its blocking,
 * nor the credential) is returned as the same object, so that the caller writes only what moved.
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
  const isBlast = lost.length > Math.max(1, clouds.length / 3);
  return counted.map(({ known, ballots, kind }) => {
    const isNew = isLost(kind) && !isLost(known.verdict?.verdict ?? "unknown");
    return written(known, ballots, isNew && isBlast ? "suspected" : kind, now);
  });
}

type Ballots = {
  fresh: Vote[];
  silent: number;
  up: number;
  anyUp: boolean;
  majority: number;
};

function ballotsOn(known: KnownCloud, votes: Vote[], now: Time, settings: JudgeSettings): Ballots {
  const refutedAt = known.orders?.refuted?.at ?? "";
  const fresh = votes.filter(
    (vote) =>
      vote.cloud === known.cloud &&
      settings.vantages.includes(vote.vantage) &&
      isFresh(vote.at, now),
  );
  const isSilent = (vote: Vote) =>
    vote.vote === "silent" && vote.misses >= THRESHOLD && vote.at > refutedAt;
  return {
    fresh,
    silent: fresh.filter(isSilent).length,
    up: fresh.filter((vote) => vote.vote === "up" && vote.successes >= THRESHOLD).length,
    anyUp: fresh.some((vote) => vote.vote === "up"),
    majority: Math.floor(settings.vantages.length / 2) + 1,
  };
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
      return isSilent ? "unreachable" : "reachable";
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

function isLost(kind: VerdictKind): boolean {
  return kind === "unreachable" || kind === "suspected";
}

function isNewlyLost({ verdict }: KnownCloud, now: Time, settings: JudgeSettings): boolean {
  if (!verdict || !isLost(verdict.verdict)) return true;
  return (
    verdict.lost_at !== undefined && elapsed(verdict.lost_at, now) < settings.suspicionWindowMs
  );
}

function written(known: KnownCloud, ballots: Ballots, kind: VerdictKind, now: Time): Verdict {
  const previous = known.verdict;
  const blocking = nextBlocking(previous, ballots, kind, now);
  const hasMoved = previous?.verdict !== kind;
  const isSame = !hasMoved && isSameBlocking(previous.blocking, blocking);
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

/** Whether a cloud is blocked for the same as before: nobody is told again. */
export function isSameBlocking(one: Blocking | undefined, other: Blocking | undefined): boolean {
  return one?.class === other?.class && one?.code === other?.code;
}

function reasonOf(known: KnownCloud, ballots: Ballots, kind: VerdictKind): string {
  const ordered = orderedReason(known, ballots, kind);
  if (ordered) return ordered;
  const texts = (votes: Vote[], says: (vote: Vote) => string) =>
    votes.map((vote) => `${vote.vantage} ${says(vote)}`);
  const faultText = ({ fault }: Vote) => (fault ? ` (${fault.code}: ${fault.message})` : "");
  if (kind === "unknown") {
    const said = texts(ballots.fresh, (vote) => `${vote.vote}${faultText(vote)}`);
    return ["not answered yet", ...said].join("; ");
  }
  if (kind === "reachable") {
    const names = ballots.fresh.filter(({ vote }) => vote === "up").map(({ vantage }) => vantage);
    return `Heat answers (asked from ${names.join(", ")})`;
  }
  const silent = ballots.fresh.filter(({ vote }) => vote === "silent");
  const said = texts(
    silent,
    (vote) => `has heard nothing since ${vote.silent_since ?? vote.since}${faultText(vote)}`,
  );
  const blast = "too many clouds were lost at once, so it waits for a person or for the window";
  return [...said, ...(kind === "suspected" ? [blast] : [])].join("; ");
}

function orderedReason(
  { orders, verdict }: KnownCloud,
  { up, majority }: Ballots,
  kind: VerdictKind,
): string | undefined {
  if (verdict?.verdict !== "suspected") return undefined;
  if (kind === "reachable" && up < majority) return "a person refuted the suspicion";
  const isConfirmed = kind === "unreachable" && orders?.confirmed?.since === verdict.since;
  return isConfirmed ? "a person confirmed the suspicion" : undefined;
}
