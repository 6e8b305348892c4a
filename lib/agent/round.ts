import { ApiError, type Client } from "../api/client.ts";
import type { ProbeDeps } from "../cloud/deps.ts";
import { type LoginMemory, probeCloud } from "../cloud/probe.ts";
import type { CloudName, VantageName } from "../cloud/schema.ts";
import { isVoid } from "../cloud/vote.ts";
import { type Ballot, ballotOf } from "./ballot.ts";

export type RoundDeps = Pick<ProbeDeps, "now" | "cloudNames" | "cloudClient"> & {
  /** A steady clock, in milliseconds: not set, whatever the wall clock is set to. */
  elapsedMs: () => number;
  putVote: Client["putVote"];
  settings: { loginPauseMs: number; longestPauseMs: number };
};

/** As whom an agent votes, and how often. */
export type Place = { vantage: VantageName; everyMs: number };

/** What the agent remembers of each cloud: that a rejected login pauses. */
export type Memory = Map<CloudName, LoginMemory>;

/** What a round came to: the votes taken, the clouds home does not know, and the first refusal. */
export type Round = {
  ballots: Map<CloudName, Ballot>;
  unknown: CloudName[];
  refusal?: ApiError;
};

/** Refusals of one vote, for what is in it: the next one may be taken. */
const REFUSED_VOTE = [400, 422];
/** Votes sent at a time. */
const SENDERS = 8;

/**
 * One tick of an agent: probes every cloud at once, as any vantage does, and votes through the API.
 * The first refusal that is not about one vote ends the sending: home that is away costs one timeout.
 * A bug met in one cloud says nothing of it, and is thrown when the others have been voted on.
 */
export async function round(deps: RoundDeps, place: Place, memory: Memory): Promise<Round> {
  const { vantage, everyMs } = place;
  const startedMs = deps.elapsedMs();
  const climbs = await Promise.allSettled(
    deps.cloudNames().map(async (cloud) => {
      const climb = await probeCloud(deps, cloud, memory.get(cloud), { wantsList: false });
      memory.set(cloud, climb.login ?? {});
      return climb.finding;
    }),
  );
  const findings = climbs.flatMap((climb) => (climb.status === "fulfilled" ? [climb.value] : []));
  const voidTick = isVoid(findings);
  const result: Round = { ballots: new Map(), unknown: [] };
  const queue = [...findings];
  const sendUntilDone = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { cloud } = next;
      const body = ballotOf(next, {
        isVoid: voidTick,
        ageMs: deps.elapsedMs() - startedMs,
        everyMs,
      });
      if (body === undefined) continue;
      try {
        await deps.putVote({ cloud, vantage, body });
        result.ballots.set(cloud, body);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.code === "cloud.missing") result.unknown.push(cloud);
        else {
          result.refusal ??= error;
          if (!REFUSED_VOTE.includes(error.status)) queue.length = 0;
        }
      }
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sendUntilDone));
  const bug = climbs.find((climb) => climb.status === "rejected");
  if (bug) throw bug.reason;
  return result;
}
