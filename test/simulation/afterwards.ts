import assert from "node:assert/strict";
import { HOME } from "../../lib/cloud/schema.ts";
import type { World } from "../support/world.ts";
import type { History } from "./history.ts";
import { entriesNow } from "./watch-ledger.ts";

const MINUTE = 60_000;

/** All is well. Then too few vantages watch, and then one cloud is gone for two minutes, and back. */
export async function afterwards(one: World, { clouds, stacks, ending }: History): Promise<void> {
  if (one.places.length > 0) await unwatched(one, ending.cloud);
  await lostAndBack(one, { cloud: ending.cloud, clouds, stacks });
}

/** With fewer fresh votes than a majority there is no new outage, and everybody is told. */
async function unwatched(one: World, lost: string): Promise<void> {
  const verdicts = () => one.table.peekAll("VERDICT");
  for (const place of one.places) place.isStopped = true;
  await one.pass(3 * MINUTE);
  const watched = verdicts().filter((verdict) => verdict.unwatched === undefined);
  assert.deepEqual(watched, [], "5 too few vantages: nobody says that clouds are unwatched");
  const kinds = () => verdicts().map(({ sk, verdict }) => `${sk} ${verdict}`);
  const before = kinds();
  one.of(lost).network = "refused";
  await one.pass(2 * MINUTE);
  assert.deepEqual(kinds(), before, "5 too few vantages: a cloud is lost all the same");
  one.of(lost).network = "up";
  for (const place of one.places) place.isStopped = false;
  await one.pass(3 * MINUTE);
  const still = verdicts().filter((verdict) => verdict.unwatched !== undefined);
  assert.deepEqual(still, [], "5 too few vantages: a cloud stays unwatched");
}

/** What may run in a cloud that nobody can see is known again within two observation periods of its return. */
async function lostAndBack(
  one: World,
  { cloud, stacks }: { cloud: string; clouds: string[]; stacks: string[] },
): Promise<void> {
  const places = [HOME as string, "reconcile", ...one.places.map(({ name }) => name)];
  const open = () =>
    stacks.filter((name) =>
      entriesNow(one, name).some(
        (entry) => entry.cloud === cloud && entry.in_place !== entry.up_to,
      ),
    );
  const wasOpen = new Set(open());
  for (const place of places) one.cuts.set(`${place} ${cloud}`, "refused");
  await one.pass(2 * MINUTE);
  one.cuts.clear();
  let left = stacks.filter((name) => !wasOpen.has(name));
  for (let ticks = 0; ticks < (2 * MINUTE) / one.settings.intervalMs; ticks += 1) {
    await one.pass(one.settings.intervalMs);
    const now = open();
    left = left.filter((name) => now.includes(name));
  }
  assert.deepEqual(left, [], "ledger: it does not close within two observation periods");
}
