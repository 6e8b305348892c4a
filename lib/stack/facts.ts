import type { CloudName, Time } from "../cloud/schema.ts";
import type { Event, EventType } from "../event/schema.ts";
import type { Decision } from "./decision.ts";
import { allocationEvidence } from "./evidence.ts";
import type { Share } from "./schema.ts";
import { sentence } from "./sentence.ts";
import { type CloudView, type Declared, ownStatus } from "./view.ts";
import { keptText, lostWorkloadText } from "./workload.ts";

type Draft = Pick<Event, "type" | "message" | "changes" | "cause" | "evidence"> & {
  cloud?: CloudName;
};

/**
 * What a decision brings about, in the past tense: a reallocation, and each block or hold that came
 * or went, those of one kind in one event. Nothing moved: no event.
 */
export function factsOf(
  view: Declared,
  decision: Decision,
  made: { now: string; newId: () => string },
): Event[] {
  const drafts = [
    ...reallocation(view, decision, made.now),
    ...comings(view, decision, "blocked", ["share.blocked", "share.unblocked"]),
    ...comings(view, decision, "held", ["share.held", "share.unheld"]),
  ];
  const { stack_name, generation } = view.stack;
  return drafts.map((draft) => ({
    id: made.newId(),
    at: made.now,
    stack_name,
    generation,
    ...draft,
  }));
}

function reallocation(view: Declared, { shares, removed, clouds }: Decision, now: Time): Draft[] {
  const before = new Map(view.shares.map((share) => [share.cloud, share.desired]));
  const changes = shares
    .filter(({ cloud }) => clouds.get(cloud)?.weight !== undefined)
    .map(({ cloud, desired }) => ({ cloud, from: before.get(cloud) ?? 0, to: desired }))
    .filter(({ from, to }) => from !== to)
    .sort((a, b) => (a.cloud < b.cloud ? -1 : 1));
  const letGo = removed.map((cloud) => `${cloud} is no longer weighed and keeps what it has`);
  if (changes.length === 0) return [];
  const what = changes.map(({ cloud, from, to }) => `${cloud} ${from} -> ${to}`).join(", ");
  const causes = causesOf(view, clouds);
  const short = causes
    .map(({ since, text, also }) => [text, ...clock(since, now), ...(also ?? [])].join(" "))
    .join("; ");
  const message = [`${view.stack.stack_name}: ${what}, because ${short}`, ...letGo].join("; ");
  const desired = new Map(shares.map(({ cloud, desired: share }) => [cloud, share]));
  const because = causes.filter(({ isAbsence }) => !isAbsence).map(whole);
  const evidence = allocationEvidence(view.stack, { clouds, desired, because, absent });
  const cause = causes.map(whole).join("; ");
  return [{ type: "stack.reallocated", message, changes, cause, evidence }];
}

/** `evidence` is too long for a message: it is told in the event's cause. */
type Cause = {
  text: string;
  since?: Time | undefined;
  /** Beside it: `and its workload is silent`. */
  also?: string[];
  evidence?: string | undefined;
  isAbsence?: true;
};

function whole({ text, since, also = [], evidence }: Cause): string {
  const time = since === undefined ? [] : [since];
  return [text, ...time, ...also, ...(evidence === undefined ? [] : [`(${evidence})`])].join(" ");
}

/** `04:31`, or the day too where it was another: the event's own time is beside it, in UTC as well. */
function clock(since: Time | undefined, now: Time): string[] {
  if (since === undefined) return [];
  const [day, time = ""] = since.split("T");
  return [...(day === now.split("T")[0] ? [] : [day ?? ""]), time.slice(0, 5)];
}

function causesOf(view: Declared, clouds: Decision["clouds"]): Cause[] {
  const { stack } = view;
  const listed = [...clouds.values()].filter(({ weight }) => weight !== undefined);
  const isDeclared = ownStatus(view)?.inputs.generation !== stack.generation;
  const declared = isDeclared
    ? [
        {
          text: `generation ${stack.generation} asks for ${stack.count} in ${listed.length} clouds`,
        },
      ]
    : [];
  const out = listed
    .filter(({ isAvailable, isKept }) => !isAvailable && !isKept)
    .map((own) => {
      return { ...absence(own), isAbsence: true as const };
    });
  const back = listed
    .filter(({ isAvailable, share }) => isAvailable && share?.lost)
    .map(({ cloud, verdict }) => {
      return { text: `${cloud} came back at`, since: verdict?.returned_at ?? verdict?.since };
    });
  const kept = listed
    .filter(({ isKept }) => isKept)
    .map((own) => ({ text: `${own.cloud} keeps its share (${keptText(own)})` }));
  const causes: Cause[] = [...declared, ...out, ...back, ...kept];
  if (causes.length > 0) return causes;
  const asked = `generation ${stack.generation} asks for ${stack.count}`;
  return [{ text: `${asked}, and all of its clouds are available` }];
}

/** Why a cloud takes no part, without who saw it: that is told with the verdict. */
function absent(own: CloudView): string {
  const { evidence: _, ...cause } = absence(own);
  return whole(cause);
}

function absence(own: CloudView): Cause {
  const { cloud, kind, verdict, isDrained, isMissing, raw } = own;
  if (isDrained) return { text: `${cloud} is drained` };
  if (kind === "unreachable") {
    const { since, reason } = verdict ?? {};
    const said = lostWorkloadText(own);
    const also = said === undefined ? [] : [`and ${said}`];
    return { text: `${cloud} is unreachable since`, since, also, evidence: reason };
  }
  if (isMissing) {
    return {
      text: `${cloud} has had no heat stack of this name since`,
      since: raw?.missing?.since,
    };
  }
  return { text: `${cloud} waits for a release` };
}

function comings(
  view: Declared,
  { shares }: Decision,
  field: "blocked" | "held",
  [came, went]: [EventType, EventType],
): Draft[] {
  const before = new Map(view.shares.map((share) => [share.cloud, share]));
  const after = new Map(shares.map((share) => [share.cloud, share]));
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const key = (share: Share | undefined) =>
    field === "blocked" ? share?.blocked?.code : holdKey(share?.held);
  const moved = names.filter((cloud) => key(before.get(cloud)) !== key(after.get(cloud)));
  const isNow = moved.filter((cloud) => key(after.get(cloud)) !== undefined);
  const isOver = moved.filter((cloud) => key(after.get(cloud)) === undefined);
  const why = (cloud: CloudName) => after.get(cloud)?.[field]?.message ?? "";
  const reasons = [...new Set(isNow.map(why))].map((reason) => {
    return `${isNow.filter((cloud) => why(cloud) === reason).join(", ")}: ${reason}`;
  });
  const past = isOver.map((cloud) => {
    const share = before.get(cloud);
    return `${cloud} (was: ${field === "blocked" ? share?.blocked?.code : share?.held?.reason})`;
  });
  return [...draft(view, came, isNow, reasons), ...draft(view, went, isOver, past)];
}

/** A share that is kept is news again once the witness has spoken. */
function holdKey(held: Share["held"]): string | undefined {
  return held?.reason === "evidence" ? held.message : held?.reason;
}

function draft(view: Declared, type: EventType, clouds: CloudName[], texts: string[]): Draft[] {
  const [only, ...others] = clouds;
  if (only === undefined) return [];
  const word = type.slice(type.indexOf(".") + 1);
  const cause = sentence(texts);
  const message = `${view.stack.stack_name}: ${word}: ${cause}`;
  return [{ type, message, changes: [], cause, ...(others.length === 0 ? { cloud: only } : {}) }];
}
