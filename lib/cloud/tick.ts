import type { Event, EventType } from "../event/schema.ts";
import type { Board, ProbeDeps, ProbeSettings } from "./deps.ts";
import { overdue } from "./overdue.ts";
import { type Climb, probeCloud } from "./probe.ts";
import type { CloudName, CloudOrders, Time, VantageName, Verdict, Vote } from "./schema.ts";
import type { StuckSettings } from "./seen.ts";
import { judge, type KnownCloud } from "./verdict.ts";
import { countVote, elapsed, isVoid, isWorthWriting } from "./vote.ts";
import { watchCloud } from "./watch.ts";

export type TickDeps = ProbeDeps & {
  settings: ProbeSettings & StuckSettings & { suspicionWindowMs: number };
};

/** What a tick came to, for its log line. */
export type Ticked = { clouds: number; isVoid: boolean; moved: Verdict[]; woken: number };

/**
 * One tick of one vantage: probes every cloud at once, votes, judges all clouds together, watches
 * the heat stacks, and wakes the stacks that are overdue. Two overlapping ticks are harmless: votes
 * and verdicts are written on the condition that they are still the ones read.
 */
export async function tick(deps: TickDeps): Promise<Ticked> {
  const startedAt = deps.now().toISOString();
  const { vantage } = deps.settings;
  const board = await deps.readBoard();
  const vantages = await registered(deps, board, startedAt);
  const clouds = cloudsOf(deps, board);
  const votes = await deps.readVotes(clouds, vantages);
  const own = new Map(
    votes.filter((vote) => vote.vantage === vantage).map((vote) => [vote.cloud, vote]),
  );
  const climbs = await Promise.all(
    clouds.map((cloud) =>
      probeCloud(deps, cloud, own.get(cloud), {
        wantsList: wantsList(deps, board, own.get(cloud), { cloud, startedAt }),
      }),
    ),
  );
  const cast = await castVotes(deps, board, { climbs, own, startedAt });
  const others = votes.filter((vote) => vote.vantage !== vantage);
  const moved = await saveVerdicts(deps, board, {
    clouds,
    votes: [...others, ...cast.votes],
    vantages,
    startedAt,
  });
  await removeGone(deps, board, clouds);
  const verdicts = new Map(
    [...board.verdicts, ...moved].map((verdict) => [verdict.cloud, verdict]),
  );
  await watchAll(deps, board, { climbs, verdicts, cast, own });
  const names = overdue(
    { ...board, verdicts: [...verdicts.values()] },
    deps.now().toISOString(),
    deps.settings.intervalMs,
  );
  await Promise.all(names.map((name) => deps.wake(name, deps.now().toISOString())));
  return { clouds: clouds.length, isVoid: cast.isVoid, moved, woken: names.length };
}

async function registered(deps: TickDeps, board: Board, at: Time): Promise<VantageName[]> {
  const { vantage } = deps.settings;
  const known = board.vantages.map((one) => one.vantage);
  if (known.includes(vantage)) return known;
  await deps.registerVantage({ vantage, registered_at: at });
  return [...known, vantage];
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
  if (!previous?.listed_at || previous.updating) return true;
  if (elapsed(previous.listed_at, startedAt) >= settings.observeEveryMs - settings.intervalMs / 2)
    return true;
  return statuses.some(({ open }) => open.includes(cloud));
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
        refutedAt: orders.get(finding.cloud)?.refuted?.at,
        busySilenceMs: isBusy ? busySilenceMs : undefined,
      });
      const { login_pause: _, ...vote } = counted;
      const next: Vote = { ...vote, ...login, ...(list?.complete ? { listed_at: startedAt } : {}) };
      if (!isWorthWriting(previous, next, intervalMs)) return previous ?? next;
      return (await deps.saveVote(next, previous?.at)) ? next : (previous ?? next);
    }),
  );
  return { votes, isVoid: voidTick };
}

type Judged = { clouds: CloudName[]; votes: Vote[]; vantages: VantageName[]; startedAt: Time };

async function saveVerdicts(deps: TickDeps, board: Board, judged: Judged): Promise<Verdict[]> {
  const before = new Map(board.verdicts.map((verdict) => [verdict.cloud, verdict]));
  const orders = new Map<CloudName, CloudOrders>(board.orders.map((one) => [one.cloud, one]));
  const known = judged.clouds.map(
    (cloud): KnownCloud => ({
      cloud,
      verdict: before.get(cloud),
      orders: orders.get(cloud),
    }),
  );
  const { suspicionWindowMs } = deps.settings;
  const now = deps.now().toISOString();
  const verdicts = judge(known, judged.votes, now, {
    vantages: judged.vantages,
    suspicionWindowMs,
  });
  const moved = verdicts.filter((verdict) => before.get(verdict.cloud) !== verdict);
  const saved = await Promise.all(
    moved.map(async (verdict) => {
      const previous = before.get(verdict.cloud);
      const events = eventsOf(deps, previous, verdict);
      return (await deps.saveVerdict(verdict, previous?.at, events)) ? [verdict] : [];
    }),
  );
  return saved.flat();
}

function eventsOf(deps: TickDeps, previous: Verdict | undefined, next: Verdict): Event[] {
  const { cloud, at } = next;
  const event = (type: EventType, message: string, cause: string): Event => {
    return { id: deps.newId(), at, type, cloud, message, changes: [], cause };
  };
  const word = next.verdict === "unknown" ? "discovered" : next.verdict;
  const text = `${cloud} is ${word === "discovered" ? "known now, and not judged yet" : word}`;
  const verdict =
    previous?.verdict === next.verdict
      ? []
      : [event(`cloud.${word}`, `${text}: ${next.reason}`, next.reason)];
  const { blocking } = next;
  if (blocking?.code === previous?.blocking?.code) return verdict;
  const blocked = blocking
    ? event("cloud.blocked", `${cloud} is blocked: ${blocking.message}`, blocking.message)
    : event("cloud.unblocked", `${cloud} is no longer blocked`, previous?.blocking?.message ?? "");
  return [...verdict, blocked];
}

async function removeGone(deps: TickDeps, board: Board, clouds: CloudName[]): Promise<void> {
  const gone = board.verdicts.filter(({ cloud }) => !clouds.includes(cloud));
  await Promise.all(
    gone.map(({ cloud, at }) => {
      const message = `${cloud} left clouds.yaml, and no stack weighs it`;
      const event: Event = {
        id: deps.newId(),
        at: deps.now().toISOString(),
        type: "cloud.removed",
        cloud,
        message,
        changes: [],
        cause: message,
      };
      return deps.removeVerdict(cloud, at, [event]);
    }),
  );
}

type Watching = {
  climbs: Climb[];
  verdicts: Map<CloudName, Verdict>;
  cast: Cast;
  own: Map<CloudName, Vote>;
};

async function watchAll(
  deps: TickDeps,
  board: Board,
  { climbs, verdicts, cast }: Watching,
): Promise<void> {
  const votes = new Map(cast.votes.map((vote) => [vote.cloud, vote]));
  await Promise.all(
    climbs.map(async ({ finding: { cloud }, list }) => {
      if (!list) return;
      const watched = await watchCloud(deps, cloud, list, {
        ...board,
        verdict: verdicts.get(cloud),
      });
      const vote = votes.get(cloud);
      if (!vote || (vote.updating ?? false) === watched.updating) return;
      const { updating: _, ...rest } = vote;
      await deps.saveVote(watched.updating ? { ...rest, updating: true } : rest, vote.at);
    }),
  );
}
