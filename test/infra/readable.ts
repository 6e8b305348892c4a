import { stringify } from "yaml";
import type { Inputs, Plan, Planned } from "./engine/planned.ts";
import { one } from "./find.ts";

/**
 * A plan as a person reviews it: every resource of a cloud by type and name with its inputs, sorted,
 * policies and patterns opened up. Left out is what no reviewer can judge: hashes, the places where
 * code lies, the key to the links; and the value that the webhook knows us by.
 */
export function readable(plan: Plan): string {
  return text(reviewed(plan));
}

/** The same of those resources only that `base` has not, or has otherwise. */
export function readableDifference(plan: Plan, base: Plan): string {
  const known = reviewed(base);
  const differing = Object.entries(reviewed(plan)).filter(
    ([title, resource]) => JSON.stringify(known[title]) !== JSON.stringify(resource),
  );
  return text(Object.fromEntries(differing));
}

function reviewed(plan: Plan): Record<string, Inputs> {
  const home = one(plan, "table").region;
  const shown = plan.resources.filter(({ custom, type }) => custom && !bookkeeping.has(type));
  const entries = shown.map((resource) => [titleOf(resource, home), bodyOf(resource)] as const);
  return Object.fromEntries([
    ["aws provider", opened(plan.config) as Inputs] as const,
    ...entries.sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}

/** What SST keeps for itself, and the packages, of which nothing but the place and the hash is known. */
const bookkeeping = new Set([
  "random:index/randomBytes:RandomBytes",
  "aws:s3/bucketObjectv2:BucketObjectv2",
]);
const unjudgeable = new Set([
  ...["__internal", "__provider", "s3Key", "sourceCodeHash", "SST_KEY", "value"],
]);

function titleOf({ type, name, region }: Planned, home: string): string {
  const short = type.replace(/^aws:(.*)\/.*:(.*)$/, "$1 $2");
  return region === home ? `${short} ${name}` : `${short} ${name} in ${region}`;
}

function bodyOf({ inputs, options }: Planned): Inputs {
  const { protect, retainOnDelete } = options;
  return {
    ...(opened(inputs) as Inputs),
    ...(protect ? { protect } : {}),
    ...(retainOnDelete ? { retainOnDelete } : {}),
  };
}

/** JSON within text becomes what it says, and keys are sorted: their order means nothing. */
function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value === "string") return /^[{[]/.test(value) ? parsed(value) : value;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => !unjudgeable.has(key));
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => [key, opened(one)]),
  );
}

function parsed(text: string): unknown {
  try {
    return opened(JSON.parse(text));
  } catch {
    return text; // a template, say
  }
}

function text(resources: Record<string, Inputs>): string {
  return stringify(resources, { lineWidth: 0, aliasDuplicateObjects: false });
}
