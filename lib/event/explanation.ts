import { allocationSentences } from "./allocation-explanation.ts";
import { contradictions } from "./replay.ts";
import type { Event } from "./schema.ts";
import { verdictSentences } from "./verdict-explanation.ts";
import { clock, day, list, readable } from "./words.ts";

/**
 * The story of an event for a tired person, one thing a sentence: from its evidence, where it has
 * any, with whether the same follows from it again; else what was told when it happened.
 * `followed` are the later events that it brought about, the oldest first.
 */
export function explanation(event: Event, followed: Event[]): string[] {
  const { evidence } = event;
  const consequences = followed.map(({ at, message, id }) => {
    return `At ${clock(at, event.at)}: ${readable(message, event.at)} (event ${id}).`;
  });
  if (!evidence) return [...told(event), ...consequences];
  const sentences =
    evidence.of === "verdict"
      ? verdictSentences(event, evidence)
      : allocationSentences(event, evidence);
  return [...sentences, ...consequences, again(event)];
}

function told({ at, message, cause }: Event): string[] {
  const isRepeated = message.includes(cause);
  return [`At ${day(at)}: ${stop(message)}`, ...(isRepeated ? [] : [`Why: ${stop(cause)}`])];
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
 * reallocations that rest on that very verdict, and the cloud's next verdict.
 */
export function followedBy({ type, cloud, at }: Event, later: Event[]): Event[] {
  if (!isVerdict(type) || cloud === undefined) return [];
  const told = new Set<string>();
  const end = later.find((event) => event.cloud === cloud && isVerdict(event.type));
  const dealt = later.filter(({ evidence, stack_name = "", changes }) => {
    if (evidence?.of !== "allocation" || told.has(stack_name)) return false;
    const own = evidence.clouds.find((one) => one.cloud === cloud);
    const moved = changes.some((change) => change.cloud === cloud);
    if (own?.since !== at || !moved) return false;
    told.add(stack_name);
    return true;
  });
  return [...dealt, ...(end ? [end] : [])].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function isVerdict(type: Event["type"]): boolean {
  return ["cloud.reachable", "cloud.suspected", "cloud.unreachable"].includes(type);
}
