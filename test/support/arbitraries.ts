import fc from "fast-check";
import { CloudName } from "../../lib/cloud/schema.ts";
import { MAX_COUNT, StackName } from "../../lib/stack/schema.ts";

/** Legal names that are traps for code that indexes plain objects, or that trusts the order of keys. */
const awkwardNames = ["constructor", "toString", "valueOf", "hasOwnProperty", "10", "9", "a", "A"];

export const cloudName: fc.Arbitrary<CloudName> = fc
  .oneof(
    fc.constantFrom(...awkwardNames, "athens", "lisbon", "manchester"),
    fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/),
  )
  .map((name) => CloudName.parse(name));

export const stackName: fc.Arbitrary<StackName> = fc
  .oneof(
    fc.constantFrom("web", "api", "constructor", "toString"),
    fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_.-]{0,30}$/),
  )
  .map((name) => StackName.parse(name));

/** Counts as people use them, and up to the most there may be. */
export const count: fc.Arbitrary<number> = fc.oneof(
  { weight: 3, arbitrary: fc.nat(30) },
  { weight: 1, arbitrary: fc.nat(1_000) },
  { weight: 1, arbitrary: fc.nat(MAX_COUNT) },
);

/** The scales of clouds' parts in whole numbers: small ones make ties, 0 is a standby. */
const scale: fc.Arbitrary<number> = fc.constantFrom(1, 3, 100, 1_000_000);

function partsByCloud(least: number): fc.Arbitrary<[CloudName, number][]> {
  return scale.chain((greatest) =>
    fc.uniqueArray(fc.tuple(cloudName, fc.nat(greatest)), {
      minLength: least,
      maxLength: 10,
      selector: ([cloud]) => cloud,
      size: "max",
    }),
  );
}

/** Weights of 1 to 10 clouds that sum to 1, standbys of weight 0 among them. */
export const weightsOfOne: fc.Arbitrary<Record<CloudName, number>> = partsByCloud(1)
  .filter((parts) => parts.some(([, n]) => n > 0))
  .map((parts) => weightsFrom(parts, 1));

/** Weights of 0 to 10 clouds that sum to at most 1, perhaps to 0. */
export const weightsUpToOne: fc.Arbitrary<Record<CloudName, number>> = fc
  .tuple(partsByCloud(0), fc.nat(1_000))
  .map(([parts, thousandths]) => weightsFrom(parts, thousandths / 1_000));

/** Some of these, in any order: none, all, or between. */
export function subsetOf<T>(values: readonly T[]): fc.Arbitrary<Set<T>> {
  return fc.shuffledSubarray([...values]).map((some) => new Set(some));
}

/** All of these, in any order. */
export function shuffled<T>(values: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...values], { minLength: values.length });
}

function weightsFrom(parts: [CloudName, number][], sum: number): Record<CloudName, number> {
  const whole = Math.max(
    1,
    parts.reduce((total, [, n]) => total + n, 0),
  );
  return Object.fromEntries(parts.map(([cloud, n]) => [cloud, (n * sum) / whole]));
}
