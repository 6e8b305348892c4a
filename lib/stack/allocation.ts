import type { CloudName } from "../cloud/schema.ts";
import { billionths, entriesOf, type Policy, type StackName, weightSum } from "./schema.ts";

export type AllocationInput = {
  stack_name: StackName;
  count: number;
  weights: Record<CloudName, number>;
  /** Clouds that may hold instances of this stack; a drained one is never among them. */
  available: ReadonlySet<CloudName>;
  /** Clouds that no push reaches, whose workload answers: with what they hold. Never among the available. */
  kept?: ReadonlyMap<CloudName, number>;
  drained: ReadonlySet<CloudName>;
  failover: Policy["failover"];
};

type Party = { cloud: CloudName; weight: number; seats: number };
/** What a party has without any loss, and what it may have at most. */
type Bounds = { ownOf: (party: Party) => number; mostOf: (party: Party) => number };

/**
 * Every listed cloud's share; "hold" when clouds are listed and none is available.
 *
 * The shares add up to `totalOf(count, weights)`, less the lost clouds' under failover `none`; an
 * unavailable cloud has 0. A kept one has what it holds, but no less than without any loss, and no
 * more than if it were available: nothing new is asked of it, and nothing taken from it. A larger
 * count never takes an instance from any cloud, nor does a further loss from a survivor. The order
 * of keys is of no effect.
 */
export function allocate(input: AllocationInput): Record<CloudName, number> | "hold" {
  const { stack_name, count, weights, available, kept = new Map(), drained, failover } = input;
  const entries = entriesOf(weights);
  const weightOf = new Map(entries.map(([cloud, weight]) => [cloud, billionths(weight)]));
  const parties = tieOrder(stack_name, weightOf.keys()).map((cloud) => {
    return { cloud, weight: weightOf.get(cloud) ?? 0, seats: 0 };
  });
  const survivors = parties.filter(({ cloud }) => available.has(cloud) || kept.has(cloud));
  const open = survivors.filter(({ cloud }) => available.has(cloud));
  if (open.length === 0 && parties.length > 0) {
    return "hold";
  }

  const total = totalOf(count, weights);
  seat(parties, total);
  const base = new Map(parties.map(({ cloud, seats }) => [cloud, seats]));
  const lost = parties.filter((party) => !survivors.includes(party));
  const left = lost.filter(({ cloud }) => failover === "none" && !drained.has(cloud));
  const wanted = total - sumOfSeats(left);
  const ownOf = ({ cloud }: Party) => base.get(cloud) ?? 0;
  const mostOf = (party: Party) => {
    const held = kept.get(party.cloud);
    return held === undefined ? Number.POSITIVE_INFINITY : Math.max(ownOf(party), held);
  };
  fillWithin(survivors, { total: wanted, failover, ownOf, mostOf });
  const shares = new Map(survivors.map(({ cloud, seats }) => [cloud, seats]));
  return Object.fromEntries(entries.map(([cloud]) => [cloud, shares.get(cloud) ?? 0]));
}

/** Brings these parties up to `total` seats together: by weight, or by dealing what their own seats lack. */
function fill(parties: Party[], total: number, failover: Policy["failover"]): void {
  if (failover === "proportional" && parties.some(({ weight }) => weight > 0)) {
    seat(parties, total);
  } else {
    deal(parties, total - sumOfSeats(parties));
  }
}

/**
 * The same with a most for some of them. Whoever would get more has its most, and the others are filled
 * anew: what is over for one may be what makes another one's most too little.
 */
function fillWithin(
  parties: Party[],
  { total, failover, ownOf, mostOf }: Bounds & { total: number; failover: Policy["failover"] },
): void {
  fill(parties, total, failover);
  const bound = parties.filter((party) => party.seats > mostOf(party));
  if (bound.length === 0) return;
  const free = parties.filter((party) => !bound.includes(party));
  for (const party of bound) party.seats = mostOf(party);
  for (const party of free) party.seats = ownOf(party);
  const left = total - sumOfSeats(bound);
  fillWithin(free, { total: left, failover, ownOf, mostOf });
}

/** The instances that a count comes to in all: weights below 1 ask for their part of it, rounded up. */
export function totalOf(count: number, weights: Record<CloudName, number>): number {
  // Weights are known to a billionth, so a billionth of the count is noise; max() turns -0 into 0.
  return Math.max(0, Math.ceil(count * weightSum(weights) - 1e-9 * count));
}

/**
 * The clouds in the order in which ties go: by FNV-1a (32 bits) of `stack/cloud`, so that spare
 * instances of many stacks do not all meet in one cloud; equal hashes by name.
 */
export function tieOrder(stack_name: StackName, clouds: Iterable<CloudName>): CloudName[] {
  const hashed = Array.from(clouds, (cloud) => ({ cloud, hash: fnv1a(`${stack_name}/${cloud}`) }));
  hashed.sort((a, b) => a.hash - b.hash || (a.cloud < b.cloud ? -1 : 1));
  return hashed.map(({ cloud }) => cloud);
}

/** Seats `total` by Webster (Sainte-Lague): each goes to the greatest weight / (2 seats + 1), ties to the first. */
function seat(parties: Party[], total: number): void {
  const sum = parties.reduce((whole, { weight }) => whole + weight, 0);
  if (sum === 0) {
    return;
  }
  // Rounding at a divisor for total - n / 2 seats gives whole runs of Webster's sequence, at most
  // `total` of them and at most n too few. Products stay below 3e15, so doubles are exact.
  for (const party of parties) {
    const doubled = party.weight * (2 * total - parties.length) + sum;
    party.seats = Math.max(0, Math.floor(doubled / (2 * sum)));
  }
  for (let left = total - sumOfSeats(parties); left > 0; left -= 1) {
    const next = parties.reduce((best, party) => (outbids(party, best) ? party : best));
    next.seats += 1;
  }
}

function outbids(a: Party, b: Party): boolean {
  return a.weight * (2 * b.seats + 1) > b.weight * (2 * a.seats + 1);
}

/**
 * Deals instances one by one, round and round, from the last in tie order: who got a spare one of
 * the base gets one of these last, so three equal clouds that lose one end at 5/5, not 6/4.
 * More to deal, or fewer to deal to, never means fewer for anyone: hence the stability.
 */
function deal(survivors: Party[], instances: number): void {
  survivors.toReversed().forEach((party, rank) => {
    party.seats += Math.max(0, Math.ceil((instances - rank) / survivors.length));
  });
}

function sumOfSeats(parties: Party[]): number {
  return parties.reduce((sum, { seats }) => sum + seats, 0);
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    // Names are ASCII (schema.ts), so a UTF-16 unit is a byte.
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return hash;
}
