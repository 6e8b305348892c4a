import type { CloudName } from "../../cloud/schema.ts";
import { ControlError } from "../../error.ts";
import { entriesOf, type StackName, Weights, weightSum } from "../../stack/schema.ts";
import type { Handlers } from "../contract.ts";
import type { ApiDeps } from "../deps.ts";
import { pointerOf } from "../fields.ts";
import { change, draftOf, existing, reweighed } from "./change.ts";
import { declarationAnswer, leftRunning } from "./show.ts";

/** Weights one by one. */
export function weightHandlers(deps: ApiDeps): Pick<Handlers, "putWeight" | "deleteWeight"> {
  return {
    putWeight: async ({ params: { stack_name, cloud }, body: { weight }, precondition, who }) => {
      const known = await knownClouds(deps);
      const { stack } = await change(deps, {
        stack_name,
        precondition,
        who,
        edit: (current) => {
          const before = existing(current, stack_name);
          const weights = merged(before.weights, { [cloud]: weight });
          requireKnown(known, before.weights, weights);
          requireRoom(stack_name, weights);
          return { ...draftOf(before), weights: acceptable(weights) };
        },
      });
      return declarationAnswer(stack);
    },
    deleteWeight: async ({ params: { stack_name, cloud }, precondition, who }) => {
      const running = leftRunning(await deps.readStackView(stack_name), deps.settings);
      const { stack } = await change(deps, {
        stack_name,
        precondition,
        who,
        edit: (current) => {
          const before = existing(current, stack_name);
          if (!Object.hasOwn(before.weights, cloud)) {
            throw new ControlError("cloud.missing", `${stack_name} has no weight for ${cloud}.`);
          }
          return reweighed(draftOf(before), merged(before.weights, { [cloud]: null }));
        },
      });
      const { reply, ...rest } = declarationAnswer(stack);
      const left_running = running.filter((one) => one.cloud === cloud);
      return { ...rest, reply: { ...reply, left_running } };
    },
  };
}

/** The weights after a merge; null removes a cloud. */
export function merged(
  weights: Weights,
  patch: Record<CloudName, number | null>,
): Record<CloudName, number> {
  const all = new Map<CloudName, number | null>([...entriesOf(weights), ...entriesOf(patch)]);
  return Object.fromEntries([...all].filter(([, weight]) => weight !== null)) as Record<
    CloudName,
    number
  >;
}

/** The clouds that the deployment knows: those that a tick has put a verdict of. */
export async function knownClouds(deps: Pick<ApiDeps, "listVerdicts">): Promise<Set<CloudName>> {
  const verdicts = await deps.listVerdicts();
  return new Set(verdicts.map(({ cloud }) => cloud));
}

/** Throws 422, naming the clouds that there are, when a cloud is newly weighed that nobody knows. */
export function requireKnown(
  known: ReadonlySet<CloudName>,
  before: Weights,
  weights: Record<CloudName, number>,
): void {
  const added = entriesOf(weights).filter(([cloud]) => !Object.hasOwn(before, cloud));
  const unknown = added.map(([cloud]) => cloud).filter((cloud) => !known.has(cloud));
  if (unknown.length === 0) return;
  throw new ControlError("stack.invalid", `${unknown.join(", ")}: ${unknownText(known)}.`, {
    fields: unknown.map((cloud) => ({
      pointer: pointerOf(["weights", cloud]),
      message: unknownText(known),
    })),
  });
}

/** What to say of a cloud that is none of these. */
export function unknownText(known: ReadonlySet<CloudName>): string {
  const names = [...known].sort().join(", ");
  return names === ""
    ? "no such cloud; this deployment knows none yet (is its clouds.yaml read, and has it ticked?)"
    : `no such cloud; there are ${names}`;
}

/** The weights, once more under the schema's rules. Throws 422 with the sum, or the number of clouds. */
export function acceptable(weights: Record<CloudName, number>): Weights {
  const parsed = Weights.safeParse(weights);
  if (parsed.success) return parsed.data;
  const message = parsed.error.issues.map((issue) => issue.message).join("; ");
  throw new ControlError("stack.invalid", `${message}.`, {
    fields: [{ pointer: "/weights", message }],
  });
}

function requireRoom(stack_name: StackName, weights: Record<CloudName, number>): void {
  const sum = weightSum(weights);
  if (sum <= 1) return;
  const message = `the weights would sum to ${sum}, more than 1; set several at once with PATCH /v1/stacks/${stack_name} and weights, or \`heat-spreader weight set ${stack_name} CLOUD=WEIGHT CLOUD=WEIGHT\``;
  throw new ControlError("stack.invalid", `${message}.`, {
    fields: [{ pointer: "/weight", message }],
  });
}
