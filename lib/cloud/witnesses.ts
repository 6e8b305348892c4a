import type { Event } from "../event/schema.ts";
import { entriesOf } from "../stack/schema.ts";
import type { Board, ProbeDeps } from "./deps.ts";
import type { Outcome } from "./faults.ts";
import type { CloudName, Testimony, Time, Vote } from "./schema.ts";
import { elapsed, THRESHOLD } from "./vote.ts";
import {
  countTestimony,
  isCheckNews,
  isTestimonyNews,
  type Workplace,
  workloadFacts,
} from "./witness.ts";

type Deps = Pick<
  ProbeDeps,
  "now" | "newId" | "askWitness" | "readTestimonies" | "saveTestimony"
> & { settings: { intervalMs: number; misses?: number } };

type Asked = { place: Workplace; previous: Testimony | undefined };
type Heard = Asked & { outcome: Outcome<void> };
/** What a workplace's witness said before, and says now. */
type Counted = { previous: Testimony | undefined; next: Testimony };
type Round = { heard: Heard[]; isCrowded: boolean };
/** Why they are asked: their cloud is missed, or only to see whether they would be of use. */
type Reason = "missed" | "check";

/** Asked at the same time, over all stacks and clouds. */
const AT_ONCE = 256;
/** No further one is asked after this part of the interval: the tick must end before the next begins. */
const BUDGET = 0.6;

export type Witnesses = {
  /** Begins to ask the witnesses in those of these clouds that were not asked for yet. */
  ask: (clouds: CloudName[]) => void;
  /** The same of clouds that are well: what they say is shown, and decides nothing. */
  check: (clouds: CloudName[]) => void;
  /** Writes down what was heard, once it is; of a void tick nothing. */
  save: (isVoid: boolean) => Promise<void>;
};

/**
 * The witnesses of one tick: asked beside the probes, and written like votes, with an event where a
 * workload fell silent or answers again. What does not fit into the tick is asked first in the next
 * one: some 600 that hang fit into ten seconds. A bug met in asking one is kept in `bugs`.
 */
export function witnessesOf(
  deps: Deps,
  board: Board,
  { startedAt, bugs }: { startedAt: Time; bugs: unknown[] },
): Witnesses {
  const begun = new Set<CloudName>();
  const rounds: { reason: Reason; asked: Promise<Round> }[] = [];
  const begin = (clouds: CloudName[], reason: Reason) => {
    const fresh = clouds.filter((cloud) => !begun.has(cloud));
    for (const cloud of fresh) begun.add(cloud);
    const places = fresh.flatMap((cloud) => workplaces(board, cloud));
    if (places.length === 0) return;
    rounds.push({ reason, asked: round(deps, places, { startedAt, bugs }) });
  };
  return {
    ask: (clouds) => begin(clouds, "missed"),
    check: (clouds) => begin(clouds, "check"),
    save: async (isVoid) => {
      await Promise.all(
        rounds.map(async ({ reason, asked }) => {
          const { heard, isCrowded } = await asked;
          if (isVoid) return;
          const save = reason === "missed" ? saveMissed : saveChecked;
          await Promise.all(
            heard.map((one) => save(deps, counted(deps, one, startedAt), isCrowded)),
          );
        }),
      );
    },
  };
}

/** The clouds whose witnesses are to be asked: one that home misses, or whose verdict is not reachable. */
export function missedClouds({ verdicts }: Board, votes: Iterable<Vote>): CloudName[] {
  const missed = [...votes].filter(({ vote, misses }) => vote === "silent" && misses > 0);
  const lost = verdicts.filter(({ verdict }) => verdict !== "reachable");
  return [...new Set([...missed, ...lost].map(({ cloud }) => cloud))];
}

function workplaces({ stacks }: Board, cloud: CloudName): Workplace[] {
  return stacks.flatMap(({ stack_name, deleted_at, weights, witnesses = {}, policy }) => {
    if (deleted_at !== undefined || policy.evidence === "api") return [];
    const witness = new Map(entriesOf(witnesses)).get(cloud);
    return witness && Object.hasOwn(weights, cloud) ? [{ cloud, stack_name, witness }] : [];
  });
}

async function round(
  deps: Deps,
  places: Workplace[],
  { startedAt, bugs }: { startedAt: Time; bugs: unknown[] },
): Promise<Round> {
  const heard: Heard[] = [];
  try {
    const queue = await inTurn(deps, places);
    const end = Date.parse(startedAt) + BUDGET * deps.settings.intervalMs;
    const asker = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        heard.push({ ...next, outcome: await outcomeOf(deps, next, bugs) });
        if (deps.now().getTime() >= end) break;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, asker));
    return { heard, isCrowded: queue.length > 0 };
  } catch (error) {
    bugs.push(error);
    return { heard, isCrowded: true };
  }
}

/** A bug of ours says nothing of the workload, like whatever else keeps a witness from being asked: it must keep no share for ever. */
async function outcomeOf(
  { askWitness }: Deps,
  { place: { stack_name, cloud, witness } }: Asked,
  bugs: unknown[],
): Promise<Outcome<void>> {
  try {
    return await askWitness(witness);
  } catch (error) {
    bugs.push(error);
    const message = `asking the witness of ${stack_name} in ${cloud} met a bug: see the log.`;
    return { ok: false, fault: { class: "answer", code: "bug", message } };
  }
}

/** Whoever was asked longest ago goes first. */
async function inTurn(deps: Deps, places: Workplace[]): Promise<Asked[]> {
  const clouds = [...new Set(places.map(({ cloud }) => cloud))];
  const known = (await Promise.all(clouds.map((cloud) => deps.readTestimonies(cloud)))).flat();
  const previousOf = new Map(known.map((one) => [keyOf(one), one]));
  const asked = places.map((place) => ({ place, previous: previousOf.get(keyOf(place)) }));
  return asked.sort((a, b) => ((a.previous?.at ?? "") < (b.previous?.at ?? "") ? -1 : 1));
}

function counted({ settings }: Deps, { place, previous, outcome }: Heard, at: Time): Counted {
  const { misses: threshold = THRESHOLD } = settings;
  return { previous, next: countTestimony({ place, outcome, at, previous, threshold }) };
}

async function saveMissed(
  deps: Deps,
  { previous, next }: Counted,
  isCrowded: boolean,
): Promise<void> {
  const { intervalMs } = deps.settings;
  const isOld = previous !== undefined && elapsed(previous.at, next.at) >= intervalMs / 2;
  // Where not all could be asked, when each was asked must be known.
  if (!isTestimonyNews(previous, next, intervalMs) && !(isCrowded && isOld)) return;
  const events: Event[] = workloadFacts(previous, next, deps.newId);
  await deps.saveTestimony(next, previous?.at, events);
}

/** No event: nothing is lost, and nothing moves for it. */
async function saveChecked(deps: Deps, { previous, next }: Counted): Promise<void> {
  if (isCheckNews(previous, next)) await deps.saveTestimony(next, previous?.at, []);
}

function keyOf({ cloud, stack_name }: Pick<Testimony, "cloud" | "stack_name">): string {
  return `${cloud}/${stack_name}`;
}
