import type { CloudName, Time } from "../../cloud/schema.ts";
import { ControlError } from "../../error.ts";
import type { Stack } from "../../stack/schema.ts";
import { type CloudView, cloudViews, isDeclared, isRefusal } from "../../stack/view.ts";
import type { ApiDeps } from "../deps.ts";

type DrainDeps = Pick<ApiDeps, "listStacks" | "readStackView" | "settings">;

/** Stacks read at a time. */
const READERS = 32;
const MOST_NAMES = 10;

/**
 * What a drain of this cloud rests on: of each stack that weighs it another cloud that can take over,
 * with the orders for that one as they were read, so that the drain is written only while they stand.
 * Throws 409, naming the stacks that would be left without any, and what is wrong with the others.
 */
export async function othersThan(
  deps: DrainDeps,
  cloud: CloudName,
): Promise<Map<CloudName, Time | undefined>> {
  const stacks = await weighing(deps, cloud);
  const others = new Map<CloudName, Time | undefined>();
  const stranded: string[] = [];
  const unfit = new Map<CloudName, string>();
  const readUntilDone = async () => {
    for (let stack = stacks.pop(); stack !== undefined; stack = stacks.pop()) {
      const view = await deps.readStackView(stack.stack_name);
      if (!isDeclared(view)) continue;
      const rest = [...cloudViews(view, new Map(), deps.settings).values()].filter(
        (own) => own.cloud !== cloud && own.weight !== undefined,
      );
      const other = rest.find((own) => unfitness(own) === undefined);
      if (other) {
        others.set(other.cloud, view.orders.get(other.cloud)?.at);
        continue;
      }
      stranded.push(stack.stack_name);
      for (const own of rest) unfit.set(own.cloud, unfitness(own) ?? "");
    }
  };
  await Promise.all(Array.from({ length: READERS }, readUntilDone));
  if (stranded.length === 0) return others;
  const why = [...unfit].sort().map(([other, what]) => `${other} ${what}`);
  const beside = why.length === 0 ? "" : ` (${listed(why)})`;
  throw new ControlError(
    "cloud.conflict",
    `${cloud} is not drained: no other cloud of ${listed(stranded)} can take over${beside}. Undrain or mend another cloud of theirs, or give one that is well a weight (0 makes it a standby).`,
  );
}

/** Why a cloud can take nothing over now; undefined: it can. */
function unfitness(own: CloudView): string | undefined {
  const { kind, isDrained, isMissing, awaitsRelease, verdict, share } = own;
  if (isDrained) return "is drained";
  if (kind === "unknown") return "is not judged yet";
  if (kind !== "reachable") return `is ${kind}`;
  if (isMissing) return "has no heat stack of this name";
  if (awaitsRelease) return "waits for a release";
  return verdict?.blocking || isRefusal(share?.blocked) ? "is blocked" : undefined;
}

/** Those with instances to move. */
async function weighing(deps: DrainDeps, cloud: CloudName): Promise<Stack[]> {
  const found: Stack[] = [];
  let marker: string | undefined;
  do {
    const { stacks, next } = await deps.listStacks({ limit: 1000, marker });
    found.push(
      ...stacks.filter(({ weights, count }) => count > 0 && Object.hasOwn(weights, cloud)),
    );
    marker = next;
  } while (marker !== undefined);
  return found;
}

function listed(names: string[]): string {
  const sorted = names.sort();
  const rest = sorted.length - MOST_NAMES;
  const shown = sorted.slice(0, MOST_NAMES).join(", ");
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}
