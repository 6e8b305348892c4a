import type { Ballots } from "./ballots.ts";
import type { VerdictKind, Vote } from "./schema.ts";
import type { KnownCloud } from "./verdict.ts";

/** Why a verdict is what it is: who found what since when, or what a person said. */
export function reasonOf(known: KnownCloud, ballots: Ballots, kind: VerdictKind): string {
  const ordered = orderedReason(known, ballots, kind);
  if (ordered) return ordered;
  const texts = (votes: Vote[], says: (vote: Vote) => string) =>
    votes.map((vote) => `${vote.vantage} ${says(vote)}`);
  const faultText = ({ fault }: Vote) =>
    fault ? ` (${fault.code}: ${fault.message.replace(/\.$/, "")})` : "";
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
