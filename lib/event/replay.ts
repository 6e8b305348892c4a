import { judgedAgain } from "../cloud/evidence.ts";
import { factsOf } from "../cloud/facts.ts";
import type { Verdict } from "../cloud/schema.ts";
import { allocatedAgain, keptAgain } from "../stack/evidence.ts";
import { entriesOf } from "../stack/schema.ts";
import type { AllocationEvidence, Event, VerdictEvidence } from "./schema.ts";

/** The decision behind an event, made again from its evidence. */
export type Replayed =
  | { of: "verdict"; verdict: Verdict | undefined }
  | { of: "allocation"; shares: ReturnType<typeof allocatedAgain> };

/** Judges, or allocates, the event's evidence again; undefined where the event has none. */
export function replay({ evidence, cloud }: Event): Replayed | undefined {
  if (!evidence) return undefined;
  if (evidence.of === "allocation") return { of: "allocation", shares: allocatedAgain(evidence) };
  return { of: "verdict", verdict: judgedAgain(evidence).find((one) => one.cloud === cloud) };
}

/**
 * Where the event says otherwise than what follows from its evidence, in words; nothing, where it
 * holds: then the same verdict tells the same event, or the same shares make the same changes.
 */
export function contradictions(event: Event): string[] {
  const { evidence } = event;
  if (!evidence) return [];
  return evidence.of === "verdict" ? ofVerdict(event, evidence) : ofAllocation(event, evidence);
}

function ofVerdict(event: Event, evidence: VerdictEvidence): string[] {
  const again = judgedAgain(evidence).find(({ cloud }) => cloud === event.cloud);
  if (!again) return [`${event.cloud} is not among the clouds that were judged`];
  const before = evidence.clouds.find(({ cloud }) => cloud === event.cloud)?.verdict;
  const facts = factsOf(before && { ...before, votes: [] }, again, () => event.id);
  const same = facts.find(({ type }) => type === event.type);
  if (!same) return [`judged again, ${again.cloud} is ${again.verdict}, not ${event.type}`];
  const fields = ["at", "message", "cause"] as const;
  return fields
    .filter((field) => same[field] !== event[field])
    .map((field) => `judged again, its ${field} is ${same[field]}, not ${event[field]}`);
}

function ofAllocation({ changes }: Event, evidence: AllocationEvidence): string[] {
  const again = allocatedAgain(evidence);
  if (again === "hold") return ["allocated again, no cloud is available"];
  const kept = keptAgain(evidence);
  const toldKept = entriesOf(evidence.input.kept ?? {}).map(([cloud]) => cloud);
  const doubtful = [...new Set([...kept, ...toldKept])].filter(
    (cloud) => kept.includes(cloud) !== toldKept.includes(cloud),
  );
  const shares = new Map(entriesOf(again));
  const told = new Map(entriesOf(evidence.shares));
  for (const { cloud, to } of changes) told.set(cloud, to);
  return [
    ...doubtful.map((cloud) =>
      kept.includes(cloud)
        ? `by what its witness had said ${cloud} keeps its share`
        : `by what its witness had said ${cloud} does not keep its share`,
    ),
    ...[...told]
      .filter(([cloud, share]) => shares.get(cloud) !== share)
      .map(([cloud, share]) => `allocated again, ${cloud} gets ${shares.get(cloud)}, not ${share}`),
  ];
}
