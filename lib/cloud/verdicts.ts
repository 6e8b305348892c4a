import type { Board, ProbeDeps } from "./deps.ts";
import { verdictEvidence } from "./evidence.ts";
import { factsOf } from "./facts.ts";
import type { CloudName, Time, VantageName, Verdict, Vote } from "./schema.ts";
import { type JudgeSettings, judge, type KnownCloud } from "./verdict.ts";

type Deps = Pick<ProbeDeps, "now" | "newId" | "saveVerdict"> & {
  settings: Omit<JudgeSettings, "vantages">;
};

type Judged = { clouds: CloudName[]; votes: Vote[]; vantages: VantageName[] };

/**
 * Judges all clouds together and saves the verdicts that moved, each with its events and what was
 * judged, on the condition that it is still the one read. Answers those that were saved.
 */
export async function saveVerdicts(
  deps: Deps,
  board: Pick<Board, "verdicts" | "orders">,
  judged: Judged,
): Promise<Verdict[]> {
  const before = new Map(board.verdicts.map((verdict) => [verdict.cloud, verdict]));
  const orders = new Map(board.orders.map((one) => [one.cloud, one]));
  const clouds = judged.clouds.map(
    (cloud): KnownCloud => ({ cloud, verdict: before.get(cloud), orders: orders.get(cloud) }),
  );
  const { vantages, votes } = judged;
  const { suspicionWindowMs, misses } = deps.settings;
  const settings: JudgeSettings = { vantages, suspicionWindowMs, misses };
  const now = deps.now().toISOString();
  const verdicts = judge(clouds, votes, now, settings);
  const moved = verdicts.filter((verdict) => before.get(verdict.cloud) !== verdict);
  const knownAt = new Map(board.verdicts.map(({ cloud, at }) => [cloud, at]));
  const save = async (verdict: Verdict, others: Map<CloudName, Time>): Promise<Verdict[]> => {
    const previous = before.get(verdict.cloud);
    const evidence = verdictEvidence(verdict.cloud, { clouds, votes, now, settings, verdicts });
    const events = factsOf(previous, verdict, deps.newId, evidence);
    if (!(await deps.saveVerdict(verdict, previous?.at, events, others))) return [];
    knownAt.set(verdict.cloud, verdict.at);
    return [verdict];
  };
  const losses = moved.filter((verdict) => isNewLoss(before.get(verdict.cloud), verdict));
  const rest = moved.filter((verdict) => !losses.includes(verdict));
  const saved = (await Promise.all(rest.map((verdict) => save(verdict, new Map())))).flat();
  // One after the other, and only while no overlapping tick gave up another cloud: the blast limit is of all.
  for (const loss of losses) saved.push(...(await save(loss, knownAt)));
  return saved;
}

function isNewLoss(previous: Verdict | undefined, { verdict }: Verdict): boolean {
  return verdict === "unreachable" && previous?.verdict !== "unreachable";
}
