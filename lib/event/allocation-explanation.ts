import type { CloudName, Time } from "../cloud/schema.ts";
import { THRESHOLD } from "../cloud/vote.ts";
import { allocate, totalOf } from "../stack/allocation.ts";
import { entriesOf, weightSum } from "../stack/schema.ts";
import type { AllocationEvidence, Event } from "./schema.ts";
import { clock, counted, day, faultText, list, readable } from "./words.ts";

type Counts = Map<CloudName, number>;

/** Which clouds took part and which not and why, the base, what was dealt to whom, and the sum: in sentences. */
export function allocationSentences(event: Event, stored: AllocationEvidence): string[] {
  const clouds = [...stored.clouds].sort((a, b) => (a.cloud < b.cloud ? -1 : 1));
  const evidence = { ...stored, clouds };
  const { input, because } = evidence;
  const generation = event.generation === undefined ? "" : ` (generation ${event.generation})`;
  const why = readable(because.join("; "), event.at);
  return [
    `At ${day(event.at)} ${input.stack_name}${generation} was dealt anew${why ? `: ${why}` : ""}.`,
    ...clouds.flatMap((own) => {
      if (own.absent === undefined) return [];
      const text = own.absent.replace(`${own.cloud} `, "it ");
      return [
        `${own.cloud} took no part: ${readable(text, event.at)}.`,
        ...witnessed(own, event.at),
      ];
    }),
    ...present(evidence, event.at),
    ...dealing(evidence),
    outcome(evidence),
  ];
}

type Party = AllocationEvidence["clouds"][number];

/** Why a cloud that Heat does not answer in kept its share. */
function keptBy({ witness }: Party, at: Time): string {
  const { said } = witness ?? {};
  if (said === undefined) return "its witness had not been asked yet: it kept its share";
  if (said.finding === "answers") {
    return `its workload answered at ${clock(said.at, at)} (${said.target}): it kept its share`;
  }
  const { misses, threshold = THRESHOLD } = said;
  return `whether its workload answers was not known yet (${misses} of ${threshold} silences in a row): it kept its share`;
}

/** What the witness of a cloud that takes no part had said. */
function witnessed({ cloud, verdict, witness }: Party, at: Time): string[] {
  const { said } = witness ?? {};
  if (verdict !== "unreachable" || said === undefined) return [];
  const { finding, target, misses, abstentions, fault } = said;
  const why = fault ? `: ${faultText(fault)}` : "";
  const heard: Record<typeof finding, string> = {
    answers: "answered",
    silent: `was silent, ${counted(misses, "time")} in a row`,
    abstains: `could not be asked, ${counted(abstentions, "time")} in a row`,
  };
  return [
    `The witness of ${cloud} (${target}) ${heard[finding]}, last at ${clock(said.at, at)}${why}.`,
  ];
}

function present({ input, clouds }: AllocationEvidence, at: Time): string[] {
  const taking = clouds.filter(({ absent }) => absent === undefined);
  const named = (verdict: string) =>
    taking.filter((own) => own.verdict === verdict).map(({ cloud }) => cloud);
  const say = (names: CloudName[], one: string, many: string) =>
    names.length === 0 ? [] : [`${list(names)} ${names.length === 1 ? one : many}.`];
  const keeps = clouds
    .filter(({ cloud }) => Object.hasOwn(input.kept ?? {}, cloud))
    .map((own) => `${own.cloud} was unreachable, but ${keptBy(own, at)}.`);
  const standby = taking.filter(({ cloud }) => input.weights[cloud] === 0);
  return [
    ...say(named("reachable"), "was available", "were available"),
    ...say(
      named("suspected"),
      "was suspected only, and kept its place",
      "were suspected only, and kept their places",
    ),
    ...say(
      named("unknown"),
      "was never reached for a reason of ours, and kept its place",
      "were never reached for a reason of ours, and kept their places",
    ),
    ...keeps,
    ...say(
      standby.map(({ cloud }) => cloud),
      "has weight 0: it stands by, and only takes over from others",
      "have weight 0: they stand by, and only take over from others",
    ),
  ];
}

function dealing({ input, shares }: AllocationEvidence): string[] {
  const entries = entriesOf(input.weights).sort(byName);
  const all = entries.map(([cloud]) => cloud);
  const kept = entriesOf(input.kept ?? {}).map(([cloud]) => cloud);
  const out = all.filter((cloud) => !input.available.includes(cloud) && !kept.includes(cloud));
  const total = totalOf(input.count, input.weights);
  const weights = list(entries.map(([cloud, weight]) => `${cloud} ${weight}`));
  const part = weightSum(input.weights);
  const asked = total === input.count ? `${input.count}` : `${total} (${part} of ${input.count})`;
  if (out.length === 0) {
    return [`By weight (${weights}) the ${asked} are ${text(new Map(entriesOf(shares)))}.`];
  }
  const weighed = input.available.some((cloud) => (input.weights[cloud] ?? 0) > 0);
  if (input.failover === "proportional" && weighed) {
    return [
      `Failover is proportional: the ${asked} are shared by weight (${weights}) among the clouds available only.`,
    ];
  }
  const base = baseOf(input);
  const sum = (clouds: CloudName[]) =>
    clouds.reduce((whole, cloud) => whole + (base.get(cloud) ?? 0), 0);
  const isLost = (cloud: CloudName) => input.failover === "none" && !input.drained.includes(cloud);
  const left = out.filter(isLost);
  const moved = out.filter((cloud) => !isLost(cloud));
  const gains = new Map(
    entriesOf(shares)
      .map(([cloud, share]) => [cloud, share - (base.get(cloud) ?? 0)] as const)
      .filter(([, gain]) => gain > 0),
  );
  const gained = list([...gains].sort(byName).map(([cloud, gain]) => `${cloud} +${gain}`));
  return [
    `By weight (${weights}) the ${asked} would be ${text(base)}.`,
    ...(sum(moved) > 0
      ? [`The ${sum(moved)} of ${list(moved)} were dealt one by one to the others: ${gained}.`]
      : []),
    ...(sum(left) > 0
      ? [`Failover is none: the ${sum(left)} of ${list(left)} stay lost until it is back.`]
      : []),
  ];
}

/** What each cloud would have, were all of them available. */
function baseOf({ kept: _, ...input }: AllocationEvidence["input"]): Counts {
  const available = new Set(entriesOf(input.weights).map(([cloud]) => cloud));
  const base = allocate({ ...input, available, drained: new Set() });
  return base === "hold" ? new Map() : new Map(entriesOf(base));
}

function outcome({ input, clouds, shares }: AllocationEvidence): string {
  const given = new Map(entriesOf(shares));
  const moves = clouds.map(({ cloud, before }) => {
    const to = given.get(cloud) ?? 0;
    return before === to ? `${cloud} stays at ${to}` : `${cloud} ${before} -> ${to}`;
  });
  const sum = [...given.values()].reduce((whole, share) => whole + share, 0);
  const total = totalOf(input.count, input.weights);
  const together = sum === total ? `${sum}` : `${sum} of ${counted(total, "instance")}`;
  return `So ${list(moves)}; together ${together}.`;
}

function text(counts: Counts): string {
  return list([...counts].sort(byName).map(([cloud, count]) => `${cloud} ${count}`));
}

/** A table keeps no order of keys. */
function byName([one]: [CloudName, number], [other]: [CloudName, number]): number {
  return one < other ? -1 : 1;
}
