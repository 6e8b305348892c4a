import type { VerdictEvidence } from "../event/schema.ts";
import type { CloudName, Time, Verdict, VerdictKind, Vote } from "./schema.ts";
import { type JudgeSettings, judge, type KnownCloud } from "./verdict.ts";

/** What `judge` was given, and gave. */
export type Judgement = {
  clouds: KnownCloud[];
  votes: Vote[];
  now: Time;
  settings: JudgeSettings;
  verdicts: Verdict[];
};

/**
 * The evidence of one cloud's verdict, for its events: all of its own votes, and of the other clouds
 * what the blast limit reads. So it stays small: the votes on a cloud that was not lost, and is not,
 * are left out.
 */
export function verdictEvidence(of: CloudName, judgement: Judgement): VerdictEvidence {
  const { clouds, votes, now, settings, verdicts } = judgement;
  const before = new Map(clouds.map(({ cloud, verdict }) => [cloud, verdict?.verdict]));
  const telling = new Set(
    verdicts
      .filter(({ cloud, verdict }) => isLost(verdict) || isLost(before.get(cloud)))
      .map(({ cloud }) => cloud),
  ).add(of);
  return {
    of: "verdict",
    now,
    clouds: clouds.map(({ cloud, verdict, orders }) => ({
      cloud,
      ...(verdict ? { verdict: withoutVotes(verdict, cloud === of) } : {}),
      ...(orders && telling.has(cloud) ? { orders } : {}),
    })),
    votes: votes.filter(({ cloud }) => telling.has(cloud)).map(ballot),
    settings: {
      vantages: settings.vantages,
      suspicion_window_ms: settings.suspicionWindowMs,
      ...(settings.misses === undefined ? {} : { misses: settings.misses }),
    },
  };
}

/** The verdicts that follow from the evidence; only that on the event's own cloud is whole. */
export function judgedAgain({ clouds, votes, now, settings }: VerdictEvidence): Verdict[] {
  const known = clouds.map(({ cloud, verdict, orders }) => ({
    cloud,
    verdict: verdict && { ...verdict, votes: [] },
    orders,
  }));
  return judge(known, votes, now, {
    vantages: settings.vantages,
    suspicionWindowMs: settings.suspicion_window_ms,
    misses: settings.misses,
  });
}

/** Whether a verdict gives a cloud up, or would but for the blast limit. */
export function isLost(kind: VerdictKind | undefined): boolean {
  return kind === "unreachable" || kind === "suspected";
}

/** Of other clouds without the words, too, which may be long. */
function withoutVotes({ votes: _, ...verdict }: Verdict, isWhole: boolean) {
  if (isWhole) return verdict;
  const { blocking: __, ...rest } = verdict;
  return { ...rest, reason: "" };
}

function ballot(vote: Vote): VerdictEvidence["votes"][number] {
  const { interval_ms, latency_ms, listed_at, updating, login_pause, credential_hash, ...rest } =
    vote;
  return rest;
}
