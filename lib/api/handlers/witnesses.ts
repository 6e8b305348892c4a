import { isDeepStrictEqual } from "node:util";
import type { CloudName } from "../../cloud/schema.ts";
import { ControlError } from "../../error.ts";
import { entriesOf, type Witnesses } from "../../stack/schema.ts";
import { ALLOW_PRIVATE, hostKind, hostOf, type Witness } from "../../stack/witness.ts";
import type { ApiDeps } from "../deps.ts";
import { pointerOf } from "../fields.ts";
import type { Draft } from "./change.ts";
import { unknownText } from "./weights.ts";

export type WitnessRules = { known: ReadonlySet<CloudName>; settings: ApiDeps["witness"] };

/** The witnesses after a merge, null removing one; none at all is no field. */
export function mergedWitnesses(
  before: Witnesses | undefined,
  patch: Record<CloudName, Witness | null>,
): Pick<Draft, "witnesses"> {
  const all = new Map([...entriesOf(before ?? {}), ...entriesOf(patch)]);
  const left = [...all].flatMap(([cloud, witness]) => (witness ? [[cloud, witness] as const] : []));
  return left.length === 0 ? {} : { witnesses: Object.fromEntries(left) };
}

/**
 * Throws 422, naming every witness at fault, where one is named for a cloud that has no weight, or
 * newly for one that nobody knows, or at an address that this deployment does not ask. A name is
 * looked at when it is asked.
 */
export function requireAskable(
  { known, settings }: WitnessRules,
  before: Witnesses | undefined,
  { witnesses = {}, weights }: Pick<Draft, "witnesses" | "weights">,
): void {
  const old = new Map(entriesOf(before ?? {}));
  const fields = entriesOf(witnesses).flatMap(([cloud, witness]) => {
    const isOld = isDeepStrictEqual(old.get(cloud), witness);
    const isWeighed = Object.hasOwn(weights, cloud);
    if (isOld && isWeighed) return [];
    const message = objection(cloud, witness, { known, settings }) ?? unweighed(cloud, isWeighed);
    return message === undefined ? [] : [{ pointer: pointerOf(["witnesses", cloud]), message }];
  });
  if (fields.length === 0) return;
  const texts = fields.map(({ pointer, message }) => `${pointer.slice(1)}: ${message}`);
  throw new ControlError("stack.invalid", `${texts.join("; ")}.`, { fields });
}

function unweighed(cloud: CloudName, isWeighed: boolean): string | undefined {
  if (isWeighed) return undefined;
  return `${cloud} has no weight in this stack, so nobody would ask its witness; give it a weight first (0 makes it a standby)`;
}

function objection(
  cloud: CloudName,
  witness: Witness,
  { known, settings }: WitnessRules,
): string | undefined {
  if (!known.has(cloud)) return unknownText(known);
  const host = hostOf(witness);
  if (settings.allowsPrivate || hostKind(host) !== "private") return undefined;
  return `${host} is a private address, which this deployment does not ask; ${ALLOW_PRIVATE}`;
}
