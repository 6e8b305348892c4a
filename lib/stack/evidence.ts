import type { CloudName, Testimony } from "../cloud/schema.ts";
import { shownTarget, workloadOf } from "../cloud/witness.ts";
import type { AllocationEvidence, Word } from "../event/schema.ts";
import { type AllocationInput, allocate } from "./allocation.ts";
import { entriesOf, type Stack } from "./schema.ts";
import type { Clouds, CloudView } from "./view.ts";
import { keepsShare } from "./workload.ts";

/** What the shares of a stack follow from, as its clouds are. */
export function allocationInput(stack: Stack, clouds: Clouds): AllocationInput {
  const named = (is: (own: CloudView) => boolean) =>
    new Set(listed(clouds).flatMap((own) => (is(own) ? [own.cloud] : [])));
  return {
    stack_name: stack.stack_name,
    count: stack.count,
    weights: stack.weights,
    available: named(({ isAvailable }) => isAvailable),
    kept: new Map(
      listed(clouds).flatMap(({ cloud, isKept, share }) =>
        isKept ? [[cloud, share?.desired ?? 0] as const] : [],
      ),
    ),
    drained: named(({ isDrained }) => isDrained),
    failover: stack.policy.failover,
  };
}

/** What an allocation came to, and how it is told. */
type Allocated = {
  clouds: Clouds;
  desired: ReadonlyMap<CloudName, number>;
  /** What brought it about, but for the clouds that take no part. */
  because: string[];
  /** Why a cloud takes no part in the deal. */
  absent: (own: CloudView) => string;
};

/** The evidence of a reallocation, for its event. */
export function allocationEvidence(
  stack: Stack,
  { clouds, desired, because, absent }: Allocated,
): AllocationEvidence {
  const { available, kept = new Map(), drained, ...input } = allocationInput(stack, clouds);
  const weighed = entriesOf(stack.weights).map(([cloud]) => cloud);
  return {
    of: "allocation",
    input: {
      ...input,
      available: [...available],
      ...(kept.size === 0 ? {} : { kept: Object.fromEntries(kept) }),
      drained: [...drained],
    },
    because,
    evidence: stack.policy.evidence,
    clouds: listed(clouds).map((own) => ({
      cloud: own.cloud,
      verdict: own.kind,
      ...(own.verdict ? { since: own.verdict.since } : {}),
      before: own.share?.desired ?? 0,
      ...(own.isAvailable || own.isKept ? {} : { absent: absent(own) }),
      ...(own.workload ? { witness: own.testimony ? { said: word(own.testimony) } : {} } : {}),
      ...(own.isMissing ? { gone: true as const } : {}),
      ...(own.share?.lost ? { dealt_away: true as const } : {}),
    })),
    shares: Object.fromEntries(weighed.map((cloud) => [cloud, desired.get(cloud) ?? 0])),
  };
}

function word({ cloud: _, stack_name: __, target, ...said }: Testimony): Word {
  return { ...said, target: shownTarget(target) };
}

/** The clouds that keep their share by what their witnesses had said. */
export function keptAgain({ input, clouds }: AllocationEvidence): CloudName[] {
  const isKept = ({ cloud, verdict, since, witness, ...own }: (typeof clouds)[number]) =>
    verdict === "unreachable" &&
    since !== undefined &&
    witness !== undefined &&
    keepsShare({
      weight: input.weights[cloud],
      share: { lost: own.dealt_away ? { since } : undefined, desired: own.before },
      isDrained: input.drained.includes(cloud),
      isMissing: own.gone === true,
      workload: workloadOf(witness.said, since),
    });
  return clouds.filter(isKept).map(({ cloud }) => cloud);
}

/** The shares that follow from the evidence; "hold" would mean that it is not the evidence of a reallocation. */
export function allocatedAgain({ input }: AllocationEvidence): ReturnType<typeof allocate> {
  return allocate({
    ...input,
    available: new Set(input.available),
    kept: new Map(entriesOf(input.kept ?? {})),
    drained: new Set(input.drained),
  });
}

function listed(clouds: Clouds): CloudView[] {
  return [...clouds.values()].filter(({ weight }) => weight !== undefined);
}
