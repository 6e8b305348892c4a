import { isOpen, latest } from "./between.ts";
import type { Board, ProbeDeps, ProbeSettings } from "./deps.ts";
import { registeredFact, removedFact } from "./facts.ts";
import { overdue } from "./overdue.ts";
import { type Climb, probeCloud } from "./probe.ts";
import {
  type CloudName,
  HOME,
  type Time,
  type Vantage,
  type VantageName,
  type Verdict,
  type Vote,
} from "./schema.ts";
import type { StuckSettings } from "./seen.ts";
import { saveVerdicts } from "./verdicts.ts";
import { countVote, elapsed, isVoid, isWorthWriting } from "./vote.ts";
import { watchCloud, watchUntil } from "./watch.ts";
import { missedClouds, witnessesOf } from "./witnesses.ts";

export type TickDeps = ProbeDeps & {
  settings: ProbeSettings &
    StuckSettings & {
      suspicionWindowMs: number;
      /** Misses in a row that make a vantage's silence count; 3 unless said. */
      misses?: number;
    };
};

/** What a tick came to, for its log line. */
export type Ticked = {
  clouds: number;
  isVoid: boolean;
  moved: Verdict[];
  woken: number;
  /** The clouds to judge once more before the next tick: a vote of another vantage may decide. */
  open?: CloudName[];
};

/**
 * One tick of one vantage: probes every cloud at once and votes. The home vantage also judges all
 * clouds together, asks witnesses, watches the heat stacks, and wakes the stacks that are overdue.
 * Two overlapping ticks are harmless: votes and verdicts are written on the condition that they are
 * still the ones read. A bug met in one cloud says nothing of it, and is thrown when the others have been served.
 */
export async function tick(deps: TickDeps): Promise<Ticked> {
  const startedAt = deps.now().toISOString();
  const { vantage } = deps.settings;
  const bugs: unknown[] = [];
  const board = await deps.readBoard();
  const vantages = [...new Set([...board.vantages.map((one) => one.vantage), vantage])];
  const clouds = cloudsOf(deps, board);
  const ours = await deps.readVotes(clouds, [vantage]);
  const own = new Map(ours.map((vote) => [vote.cloud, vote]));
  const witnesses = witnessesOf(deps, board, { startedAt, bugs });
  if (vantage === HOME) witnesses.ask(missedClouds(board, ours));
  const climbs = await apart(clouds, bugs, (cloud) => {
    const previous = own.get(cloud);
    const wantsAll = vantage === HOME && wantsList(deps, board, previous, { cloud, startedAt });
    return probeCloud(deps, cloud, previous, { wantsList: wantsAll });
  });
  const cast = await castVotes(deps, board, { climbs, own, startedAt });
  // After its votes: a vantage that counts in the majority and has no vote yet leaves clouds unwatched.
  await register(deps, board, startedAt);
  const probed: Probed = { startedAt, clouds, climbs, vantages, votes: cast.votes };
  let acted: Acted = { moved: [], woken: 0 };
  if (vantage === HOME) {
    witnesses.ask(missedClouds(board, cast.votes));
    witnesses.check(clouds.filter((cloud) => isListDue(deps, own.get(cloud), startedAt)));
    const heard = witnesses.save(cast.isVoid);
    [acted] = await Promise.all([judgeAndWatch(deps, board, probed, bugs), heard]);
  }
  if (bugs.length > 0) throw bugs[0];
  return { clouds: clouds.length, isVoid: cast.isVoid, ...acted };
}

type Acted = Pick<Ticked, "moved" | "woken" | "open">;
type Probed = {
  startedAt: Time;
  clouds: CloudName[];
  climbs: Climb[];
  vantages: VantageName[];
  votes: Vote[];
};

/** What only the home vantage does with the votes of all. */
async function judgeAndWatch(
  deps: TickDeps,
  board: Board,
  { startedAt, clouds, climbs, vantages, votes }: Probed,
  bugs: unknown[],
): Promise<Acted> {
  const others = vantages.filter((vantage) => vantage !== HOME);
  // Read only now: a tick that waits for a silent cloud's deadline has time to hear of the others' votes.
  const theirs = others.length === 0 ? [] : await deps.readVotes(clouds, others);
  const all = [...theirs, ...votes];
  const moved = await saveVerdicts(deps, board, { clouds, votes: all, vantages });
  await removeGone(deps, board, clouds);
  const judged = latest(board, moved);
  const verdicts = new Map(judged.map((verdict) => [verdict.cloud, verdict]));
  const isUndecided = isOpen(judged, { votes: all, vantages, now: startedAt });
  const [woken] = await Promise.all([
    wakeOverdue(deps, { ...board, verdicts: [...verdicts.values()] }, startedAt),
    watchAll(deps, board, { startedAt, climbs, verdicts, votes }, bugs),
  ]);
  return { moved, woken, ...(isUndecided ? { open: clouds } : {}) };
}

async function register(deps: TickDeps, { vantages }: Board, at: Time): Promise<void> {
  const { vantage } = deps.settings;
  if (vantages.some((known) => known.vantage === vantage)) return;
  const own: Vantage = { vantage, registered_at: at, kind: "function" };
  // That home votes is nobody's news.
  const events =
    vantage === HOME ? [] : [registeredFact(own, "its probe ran for the first time", deps.newId)];
  await deps.registerVantage(own, events);
}

/** Those of clouds.yaml, and those that left it while a stack still weighs them. */
function cloudsOf(deps: TickDeps, board: Board): CloudName[] {
  const weighed = board.stacks
    .filter(({ deleted_at }) => deleted_at === undefined)
    .flatMap(({ weights }) => Object.keys(weights) as CloudName[]);
  return [...new Set([...deps.cloudNames(), ...weighed])];
}

/** In full once a minute, and at every tick while an update runs there. */
function wantsList(
  { settings }: TickDeps,
  { statuses }: Board,
  previous: Vote | undefined,
  { cloud, startedAt }: { cloud: CloudName; startedAt: Time },
): boolean {
  if (previous?.updating || isListDue({ settings }, previous, startedAt)) return true;
  return statuses.some(({ open }) => open.includes(cloud));
}

/** Once a minute. */
function isListDue(
  { settings }: Pick<TickDeps, "settings">,
  previous: Vote | undefined,
  startedAt: Time,
): boolean {
  if (!previous?.listed_at) return true;
  const age = Math.abs(elapsed(previous.listed_at, startedAt));
  return age >= settings.observeEveryMs - settings.intervalMs / 2;
}

type Cast = { votes: Vote[]; isVoid: boolean };

async function castVotes(
  deps: TickDeps,
  board: Board,
  { climbs, own, startedAt }: { climbs: Climb[]; own: Map<CloudName, Vote>; startedAt: Time },
): Promise<Cast> {
  const { vantage, intervalMs, busySilenceMs } = deps.settings;
  const voidTick = isVoid(climbs.map(({ finding }) => finding));
  const orders = new Map(board.orders.map((one) => [one.cloud, one]));
  const votes = await Promise.all(
    climbs.map(async ({ finding, list, login }) => {
      const previous = own.get(finding.cloud);
      const isBusy =
        previous?.updating || board.statuses.some(({ open }) => open.includes(finding.cloud));
      const counted = countVote({
        finding,
        vantage,
        at: startedAt,
        previous,
        isVoid: voidTick,
        intervalMs,
        refutedAt: orders.get(finding.cloud)?.refuted?.at,
        busySilenceMs: isBusy ? busySilenceMs : undefined,
      });
      const { login_pause: _, ...vote } = counted;
      const next: Vote = {
        ...vote,
        ...login,
        ...(list?.complete ? { listed_at: startedAt } : {}),
        // Agents learn from the home vote alone that a silence may be a busy engine's.
        ...(vantage === HOME && finding.fault && isBusy ? { updating: true } : {}),
      };
      const isSaved = isWorthWriting(previous, next) && (await deps.saveVote(next, previous?.at));
      // A void tick goes by nothing that it heard, nor by a miss from before that a tick beside it kept.
      return isSaved || voidTick ? next : (previous ?? next);
    }),
  );
  return { votes, isVoid: voidTick };
}

async function removeGone(deps: TickDeps, board: Board, clouds: CloudName[]): Promise<void> {
  const gone = board.verdicts.filter(({ cloud }) => !clouds.includes(cloud));
  const now = deps.now().toISOString();
  await Promise.all(
    gone.map(({ cloud, at }) =>
      deps.removeVerdict(cloud, at, [removedFact(cloud, now, deps.newId)]),
    ),
  );
}

type Watching = Pick<Probed, "startedAt" | "climbs" | "votes"> & {
  verdicts: Map<CloudName, Verdict>;
};

async function watchAll(
  deps: TickDeps,
  board: Board,
  { startedAt, climbs, verdicts, votes }: Watching,
  bugs: unknown[],
): Promise<void> {
  const cast = new Map(votes.map((vote) => [vote.cloud, vote]));
  const until = watchUntil(deps, startedAt);
  await apart(climbs, bugs, async ({ finding: { cloud }, list }) => {
    if (!list) return;
    const verdict = verdicts.get(cloud);
    const { updating, isCutShort } = await watchCloud(deps, cloud, list, {
      ...board,
      verdict,
      until,
    });
    const vote = cast.get(cloud);
    if (!vote || ((vote.updating ?? false) === updating && !isCutShort)) return;
    const { updating: _, listed_at, ...rest } = vote;
    const next: Vote = {
      ...rest,
      ...(updating ? { updating } : {}),
      // A list that was not gone through does not count: the next tick goes on with another.
      ...(listed_at && !isCutShort ? { listed_at } : {}),
    };
    await deps.saveVote(next, vote.at);
  });
}

async function wakeOverdue(deps: TickDeps, board: Board, startedAt: Time): Promise<number> {
  const names = overdue(board, startedAt, deps.settings.intervalMs);
  const now = deps.now().toISOString();
  await Promise.all(names.map((name) => deps.wake(name, now)));
  return names.length;
}

/** Does it for each, side by side. What throws is a bug: kept until the others have been served. */
async function apart<T, R>(each: T[], bugs: unknown[], act: (one: T) => Promise<R>): Promise<R[]> {
  const outcomes = await Promise.allSettled(each.map(act));
  return outcomes.flatMap((outcome) => {
    if (outcome.status === "fulfilled") return [outcome.value];
    bugs.push(outcome.reason);
    return [];
  });
}
