import type { CloudName, Time } from "../cloud/schema.ts";
import { allocationSentences } from "./allocation-explanation.ts";
import { contradictions } from "./replay.ts";
import type { Event } from "./schema.ts";
import { findingSentences, verdictSentences } from "./verdict-explanation.ts";
import { clock, counted, day, list, readable } from "./words.ts";

/** So many reallocations are told with the verdict that brought them about. */
const MOST_TOLD = 10;

/**
 * The story of an event for a tired person, one thing a sentence: from its evidence, where it has
 * any, with whether the same follows from it again; else what was told when it happened.
 * `followed` are the later events that it brought about, the oldest first; `behind` are the verdicts that a
 * reallocation rests on: who saw what is told with it.
 */
export function explanation(event: Event, followed: Event[], behind: Event[] = []): string[] {
  const { evidence } = event;
  const consequences = told(event, followed);
  if (!evidence) return [...plainly(event), ...consequences];
  if (evidence.of === "verdict") {
    return [...verdictSentences(event, evidence), ...consequences, again(event)];
  }
  const [heading = "", ...deal] = allocationSentences(event, evidence);
  const finding = behind.flatMap((verdict) =>
    verdict.evidence?.of === "verdict"
      ? [...findingSentences(verdict, verdict.evidence), `That was event ${verdict.id}.`]
      : [],
  );
  return [heading, ...finding, ...deal, ...consequences, again(event)];
}

/** Of so many clouds it is told who saw what. */
const MOST_BEHIND = 3;

/**
 * The verdicts that a reallocation rests on, by cloud and when they were given: of clouds that it
 * takes from or gives back to because they are lost, or have come back.
 */
export function restsOn({ evidence, changes }: Event): { cloud: CloudName; since: Time }[] {
  if (evidence?.of !== "allocation") return [];
  const moved = new Set(changes.map(({ cloud }) => cloud));
  return evidence.clouds
    .flatMap(({ cloud, since, verdict, dealt_away }) => {
      const isTold = verdict === "unreachable" || (verdict === "reachable" && dealt_away === true);
      return since !== undefined && isTold && moved.has(cloud) ? [{ cloud, since }] : [];
    })
    .slice(0, MOST_BEHIND);
}

/** Whether this is the event of a verdict on whether a cloud is there. */
export function isVerdict(type: Event["type"]): boolean {
  return ["cloud.reachable", "cloud.suspected", "cloud.unreachable"].includes(type);
}

/** The first few, and the end of it; a cloud may weigh in a thousand stacks. */
function told(event: Event, followed: Event[]): string[] {
  const dealt = followed.filter(({ type }) => !isVerdict(type));
  const shown = followed.filter((one) => isVerdict(one.type) || dealt.indexOf(one) < MOST_TOLD);
  const sentences = shown.map(({ at, message, id }) => {
    return `At ${clock(at, event.at)}: ${readable(message, event.at).replace(/\.$/, "")} (event ${id}).`;
  });
  const more = dealt.length - MOST_TOLD;
  return more > 0 ? [...sentences, `And ${counted(more, "stack")} or more besides.`] : sentences;
}

function plainly({ at, message, cause }: Event): string[] {
  const isRepeated = message.includes(cause);
  const why = isRepeated ? [] : [`Why: ${stop(readable(cause, at))}`];
  return [`At ${day(at)}: ${stop(readable(message, at))}`, ...why];
}

function again(event: Event): string {
  const { evidence } = event;
  const decided = evidence?.of === "verdict" ? "Judged" : "Allocated";
  const found = contradictions(event);
  return found.length === 0
    ? `${decided} again from the stored evidence, it comes to the same.`
    : `This version decides otherwise from the same evidence: ${list(found)}.`;
}

function stop(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}

/**
 * Of later events, those that this one brought about: of a loss or return of a cloud, the
 * reallocations that rest on that very verdict, the stacks whose share there is held, and the cloud's
 * next verdict.
 */
export function followedBy({ type, cloud, at }: Event, later: Event[]): Event[] {
  if (!isVerdict(type) || cloud === undefined) return [];
  const told = new Set<string>();
  const end = later.find((event) => event.cloud === cloud && isVerdict(event.type));
  const before = end === undefined ? later : later.slice(0, later.indexOf(end));
  const held = before.filter(
    (event) =>
      event.type === "share.held" && (event.cloud === cloud || event.message.includes(cloud)),
  );
  const dealt = later.filter(({ evidence, stack_name = "", changes }) => {
    if (evidence?.of !== "allocation" || told.has(stack_name)) return false;
    const own = evidence.clouds.find((one) => one.cloud === cloud);
    const moved = changes.some((change) => change.cloud === cloud);
    if (own?.since !== at || !moved) return false;
    told.add(stack_name);
    return true;
  });
  return [...held, ...dealt, ...(end ? [end] : [])].sort((a, b) => (a.id < b.id ? -1 : 1));
}
