import { clock, list } from "../event/words.ts";
import { ballotsOn } from "./ballots.ts";
import { type Case, prospects } from "./prospects.ts";
import { waitingAmong } from "./rhythm.ts";
import type { CloudName, Time, Vote } from "./schema.ts";
import { sightings } from "./sightings.ts";
import type { JudgeSettings, KnownCloud } from "./verdict.ts";
import { isFresh, THRESHOLD } from "./vote.ts";

export type OutlookSettings = JudgeSettings & {
  /** Of home, as the deadline: other vantages' votes say their own. */
  intervalMs: number;
  busySilenceMs: number;
  /** A probe that nothing answers takes so long. */
  deadlineMs: number;
};

/** What was seen of a cloud, by whom, since when; and what will happen next, and when. Sentences. */
export type Outlook = { seen: string[]; next: string[] };

/**
 * What `judge` would say next of one of the clouds, in sentences: from the votes on all of them as they are now, by
 * the rule that it goes by. Times are the earliest, each vantage's by its own interval: a tick that
 * comes late makes them later. They stay the same until another vote is there, or should be.
 */
export function outlookOf(
  cloud: CloudName,
  clouds: KnownCloud[],
  votes: Vote[],
  now: Time,
  settings: OutlookSettings,
): Outlook {
  const { misses = THRESHOLD, vantages, busySilenceMs } = settings;
  const waiting = waitingAmong(votes.filter(({ at }) => isFresh(at, now)));
  const cases = clouds.flatMap((known): Case[] => {
    const { verdict } = known;
    if (verdict === undefined) return [];
    const ballots = ballotsOn(known, votes, now, settings);
    return [
      {
        known,
        verdict,
        clouds: clouds.length,
        others: [],
        ballots,
        ...settings,
        waiting,
        now,
        misses,
      },
    ];
  });
  const alone = cases.find(({ known }) => known.cloud === cloud);
  if (alone === undefined) return { seen: [], next: [] };
  const of: Case = { ...alone, others: cases.filter((one) => one !== alone) };
  const own = votes.filter((vote) => vote.cloud === cloud);
  const refutedAt = of.known.orders?.refuted?.at;
  const seen = sightings(own, { vantages, misses, busySilenceMs, refutedAt, now });
  return { seen, next: [...watch(of), ...prospects(of), ...standing(of)] };
}

function watch({ ballots, verdict: { unwatched }, now }: Case): string[] {
  const { blind, telling, majority } = ballots;
  if (telling >= majority) return [];
  const since = unwatched ? ` since ${clock(unwatched.since, now)}` : "";
  const names = list(blind.map(({ vantage }) => vantage));
  const hear = blind.length === 1 ? "hears" : "hear";
  const remedy =
    blind.length > 0
      ? `${names} ${hear} nothing from any cloud: look at the network there, or at all clouds.`
      : "Start those that are down, or remove those that are gone.";
  return [
    `Too few vantages can tell of it${since}, ${telling} of the ${majority} needed: no new outage can be found until more do. ${remedy}`,
  ];
}

/** What is so whatever the verdict. */
function standing({ verdict: { blocking }, known: { orders }, now }: Case): string[] {
  const drained = orders?.drained ? ["It is drained: its instances are dealt to the others."] : [];
  if (blocking === undefined) return drained;
  const since = clock(blocking.since, now);
  const why = blocking.message.replace(/\.$/, "");
  return [
    `Nothing is pushed there since ${since}, and no instance moves for it: ${why}. The first answer after that is mended ends it.`,
    ...drained,
  ];
}
