import { judged, type Rule } from "./judging.ts";
import { noise, seeded, TICK_MS } from "./noise.ts";

const HOUR_MS = 3_600_000;
const WARM_UP_MS = 120_000;
/** Most are found by then: a longer stretch is judged only for the rest. */
const MOSTLY_MS = 60_000;
/** Whatever has not been found by then counts as found then. */
const LONGEST_MS = 1_200_000;

/**
 * How long a true outage goes unfound, in so many of them: one cloud answers nothing any more, at a
 * random moment of ordinary trouble, and every probe of it costs its deadline. Milliseconds from the
 * loss to the verdict `unreachable`.
 */
export function timesToFind(
  rule: Rule,
  { clouds, outages, seed }: { clouds: number; outages: number; seed: number },
): number[] {
  const random = seeded(seed);
  return Array.from({ length: outages }, () => {
    const { phases, misses } = noise({ places: rule.places, clouds, ms: 2 * HOUR_MS }, random);
    const lostAt = HOUR_MS + random() * TICK_MS;
    const isMissed = (place: number, cloud: number, tick: number) =>
      (cloud === 0 && tick * TICK_MS + (phases[place] ?? 0) >= lostAt) ||
      misses[place]?.[cloud]?.includes(tick) === true;
    const untilFound = (ms: number): number | undefined => {
      const span = { from: lostAt - WARM_UP_MS, to: lostAt + ms };
      const moves = judged(rule, { ...span, clouds, phases }, isMissed);
      const own = moves.filter(({ cloud }) => cloud === 0);
      // Given up by mistake just before: then it is found already.
      if (own.findLast(({ at }) => at < lostAt)?.to === "unreachable") return 0;
      const found = own.find(({ to, at }) => to === "unreachable" && at >= lostAt);
      return found && found.at - lostAt;
    };
    return untilFound(MOSTLY_MS) ?? untilFound(LONGEST_MS) ?? LONGEST_MS;
  });
}
