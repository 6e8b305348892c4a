import type { CloudClient } from "./client.ts";
import type { Outcome } from "./faults.ts";
import type { CloudName, HeatStackDetail, Known, Seen, Time } from "./schema.ts";
import {
  hasOutlived,
  isUnderWay,
  knownNow,
  missingFrom,
  type StuckSettings,
  seenFrom,
  type TableNow,
  wasCutOff,
} from "./seen.ts";

/** With what the table said before this reading, and the push that it speaks of. */
export type Reading = Omit<TableNow, "now"> & {
  cloud: CloudName;
  client: CloudClient;
  stack_name: string;
  /** The declared count parameter. */
  parameter: string;
  previous: Seen | undefined;
  now: () => Date;
  settings: StuckSettings;
};

type Begun = { read_at: Time; after: Known };

/**
 * Reads one heat stack in full: by its id, or, where there is none or it is gone, by its name in the
 * project. *Missing* is said only when the same project's list does not have the name either; in
 * another project than before it is a `config` fault, because what ran there may still run.
 */
export async function readHeatStack(reading: Reading): Promise<Outcome<Seen>> {
  const { client, stack_name, previous, settings } = reading;
  const now = reading.now();
  const begun = { read_at: now.toISOString(), after: knownNow({ ...reading, now }, settings) };
  if (previous?.heat_stack_id) {
    const shown = await client.showStack({ stack_name, heat_stack_id: previous.heat_stack_id });
    if (!shown.ok) return shown;
    if (shown.value && shown.value.heat_status !== "DELETE_COMPLETE") {
      return understood(reading, shown.value, begun);
    }
  }
  const found = await client.findStack(stack_name);
  if (!found.ok) return found;
  const { project_id, stack } = found.value;
  if (previous?.project_id && previous.project_id !== project_id)
    return anotherProject(reading, project_id);
  const missing = missingFrom({ ...named(reading), ...begun, project_id, previous });
  if (!stack) return { ok: true, value: missing };
  const shown = await client.showStack({ stack_name, heat_stack_id: stack.heat_stack_id });
  if (!shown.ok) return shown;
  if (!shown.value || shown.value.heat_status === "DELETE_COMPLETE")
    return { ok: true, value: missing };
  return understood(reading, shown.value, begun);
}

function named({ cloud, stack_name, parameter }: Reading) {
  return { cloud, stack_name, parameter };
}

async function understood(
  reading: Reading,
  detail: HeatStackDetail,
  begun: Begun,
): Promise<Outcome<Seen>> {
  const { previous } = reading;
  if (previous?.project_id && previous.project_id !== detail.project_id) {
    return anotherProject(reading, detail.project_id);
  }
  const stuck = await isStuck(reading, detail, begun.read_at);
  if (!stuck.ok) return stuck;
  const { cloud, parameter, push } = reading;
  const read = { ...begun, cloud, detail, parameter, push, previous };
  return { ok: true, value: seenFrom({ ...read, isStuck: stuck.value }) };
}

/**
 * An update is given up on when it outlived its timeout, or when the cloud was away during it and
 * five minutes have passed without an event since the return. Events are read only then.
 */
async function isStuck(
  { client, verdict, settings, previous }: Reading,
  detail: HeatStackDetail,
  read_at: Time,
): Promise<Outcome<boolean>> {
  if (!isUnderWay(detail)) return { ok: true, value: false };
  const isSameUpdate =
    previous?.heat_stack_id === detail.heat_stack_id &&
    previous.updated_time === detail.updated_time;
  if (previous?.stuck && isSameUpdate) return { ok: true, value: true };
  if (hasOutlived(detail, read_at, settings)) return { ok: true, value: true };
  const quietSince = Date.parse(verdict?.returned_at ?? read_at);
  const nowMs = Date.parse(read_at);
  if (!wasCutOff(detail, verdict) || nowMs < quietSince + settings.stuckGraceMs) {
    return { ok: true, value: false };
  }
  const newest = await client.newestEvent(detail);
  if (!newest.ok) return newest;
  const newestMs = newest.value ? Date.parse(newest.value) : 0;
  return { ok: true, value: nowMs >= Math.max(quietSince, newestMs) + settings.stuckGraceMs };
}

function anotherProject({ cloud, stack_name }: Reading, project_id: string): Outcome<Seen> {
  const message = `the credentials of ${cloud} are now for project ${project_id}, but ${stack_name} was driven in another; put the old ones back, or remove the cloud's weight and set it again`;
  return { ok: false, fault: { class: "config", code: "another_project", message } };
}
