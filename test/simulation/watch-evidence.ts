import { contradictions } from "../../lib/event/replay.ts";
import { Event } from "../../lib/event/schema.ts";
import type { World } from "../support/world.ts";
import type { Complain, Watcher } from "./monitor.ts";

/** What must come with evidence: every verdict, every block by one, every reallocation. */
const decisions =
  /^(cloud\.(reachable|suspected|unreachable|blocked|unblocked|discovered|unwatched|watched)|stack\.reallocated)$/;

/** Invariant 10: every decision has an event whose evidence, decided again, comes to the same. */
export function watchEvidence(_: World, complain: Complain): Watcher {
  return {
    committed: (_owner, changes) => {
      for (const { key, before, after } of changes) {
        if (!key.sk.startsWith("EVENT#") || before || !after) continue;
        // As the table gives it back: what is no JSON would be lost.
        const event = Event.parse(JSON.parse(JSON.stringify(after)));
        if (decisions.test(event.type) && !event.evidence) {
          complain("10 explained", `${event.type} ${event.id} has no evidence`);
        }
        for (const what of contradictions(event)) {
          complain("10 explained", `${event.type} ${event.id}: ${what}`);
        }
      }
    },
  };
}
