import { majorityOf } from "./ballots.ts";
import type { Board, ProbeDeps } from "./deps.ts";
import type { CloudName, Time, VantageName, Verdict, Vote } from "./schema.ts";
import type { JudgeSettings } from "./verdict.ts";
import { saveVerdicts } from "./verdicts.ts";
import { isFresh } from "./vote.ts";

export type BetweenDeps = Pick<
  ProbeDeps,
  "now" | "newId" | "readJudged" | "readVotes" | "saveVerdict"
> & { settings: Omit<JudgeSettings, "vantages"> };

type Votes = { votes: Vote[]; vantages: VantageName[]; now: Time };

/**
 * Whether another vantage's next vote may decide that a cloud is lost: a majority finds it silent, and
 * not all of it for long enough. Waiting for home's next tick would cost up to an interval.
 */
export function isOpen(verdicts: Verdict[], { votes, vantages, now }: Votes): boolean {
  if (vantages.length < 2) return false;
  return verdicts.some(({ cloud, verdict }) => {
    if (verdict === "unreachable" || verdict === "suspected") return false;
    const silent = votes.filter(
      (vote) =>
        vote.cloud === cloud &&
        vote.vote === "silent" &&
        vantages.includes(vote.vantage) &&
        isFresh(vote.at, now),
    );
    return silent.length >= majorityOf(vantages.length);
  });
}

/** Judges these clouds between two ticks of home, by the votes that there are. */
export async function judgeBetween(
  deps: BetweenDeps,
  clouds: CloudName[],
): Promise<{ moved: Verdict[]; isOpen: boolean }> {
  const board = await deps.readJudged();
  const vantages = board.vantages.map(({ vantage }) => vantage);
  const votes = await deps.readVotes(clouds, vantages);
  const moved = await saveVerdicts(deps, board, { clouds, votes, vantages });
  const now = deps.now().toISOString();
  return { moved, isOpen: isOpen(latest(board, moved), { votes, vantages, now }) };
}

/** The verdicts as they are after those that moved. */
export function latest({ verdicts }: Pick<Board, "verdicts">, moved: Verdict[]): Verdict[] {
  return [...new Map([...verdicts, ...moved].map((one) => [one.cloud, one])).values()];
}
