import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { Time } from "../../lib/cloud/schema.ts";
import { explanation, followedBy } from "../../lib/event/explanation.ts";
import { contradictions, replay } from "../../lib/event/replay.ts";
import type { Event } from "../../lib/event/schema.ts";
import { Weights } from "../../lib/stack/schema.ts";
import { eventTable } from "../../lib/table/events.ts";
import { world } from "../support/world.ts";

const weights = Weights.parse({ athens: 0.4, lisbon: 0.2, manchester: 0.2, oslo: 0.2 });

/** A loss, a return, and a loss of two at once; then every event there is, the oldest first. */
async function history() {
  const one = world({ clouds: Object.keys(weights) });
  for (const cloud of one.clouds) one.of(cloud).add("web", 0);
  await one.declare({ count: 10, weights });
  await one.pass(60_000);
  one.of("athens").network = "refused";
  await one.pass(60_000);
  one.of("athens").network = "up";
  await one.pass(60_000);
  one.of("lisbon").network = "refused";
  one.of("oslo").network = "rejects";
  one.of("athens").network = "hang";
  await one.pass(12 * 60_000);
  const events = eventTable(one.table);
  const now = one.time.now();
  const all = (await events.listEvents({ limit: 1000, now })).events.reverse();
  const story = async (event: Event) =>
    explanation(event, followedBy(event, await events.listLaterEvents(event.id, { limit: 200 })));
  return { all, story };
}

describe("an event, decided again from its evidence", () => {
  let all: Event[] = [];
  let story: (event: Event) => Promise<string[]>;
  before(async () => {
    ({ all, story } = await history());
  });
  const of = (type: Event["type"], which = 0): Event => {
    const found = all.filter((event) => event.type === type).at(which);
    assert.ok(found, `no ${type}`);
    return found;
  };

  test("every verdict and every reallocation has evidence, and comes to the same", () => {
    const decided = all.filter(({ type }) => /^cloud\.|reallocated/.test(type));
    assert.deepEqual(
      new Set(decided.map(({ type }) => type)),
      new Set([
        "cloud.reachable",
        "cloud.unreachable",
        "cloud.suspected",
        "cloud.blocked",
        "stack.reallocated",
      ]),
    );
    for (const event of decided) {
      assert.ok(event.evidence, event.type);
      assert.deepEqual(contradictions(event), []);
    }
  });

  test("gives the verdict, or the shares", () => {
    const loss = replay(of("cloud.unreachable"));
    assert.equal(loss?.of === "verdict" && loss.verdict?.verdict, "unreachable");
    const dealt = replay(of("stack.reallocated", 1));
    assert.deepEqual(dealt?.of === "allocation" && dealt.shares, {
      athens: 0,
      lisbon: 4,
      manchester: 3,
      oslo: 3,
    });
    assert.equal(replay(of("stack.declared")), undefined);
  });

  test("says where it does not hold", () => {
    const loss = structuredClone(of("cloud.unreachable"));
    assert.ok(loss.evidence?.of === "verdict");
    loss.evidence.votes = loss.evidence.votes.map((vote) => ({ ...vote, misses: 2 }));
    assert.deepEqual(contradictions(loss), [
      "judged again, athens is reachable, not cloud.unreachable",
    ]);
    const dealt = structuredClone(of("stack.reallocated", 1));
    assert.ok(dealt.evidence?.of === "allocation");
    dealt.evidence.input.count = 11;
    assert.deepEqual(contradictions(dealt), ["allocated again, manchester gets 4, not 3"]);
  });

  test("the story of a loss: who saw what since when, the rule, and what followed", async () => {
    const sentences = await story(of("cloud.unreachable"));
    assert.deepEqual(
      sentences.map((sentence) => sentence.replace(/ \(event \w{26}\)/, "")),
      [
        "At 2026-01-01 00:01:20 UTC athens was found unreachable; it had been reachable since 00:00:00.",
        "home had heard nothing since 00:01:00 (refused): 3 misses in a row.",
        "The one vantage there is must have 3 misses in a row before a cloud is lost: so it was.",
        "Every stack that weighs athens is dealt anew without it, as its policy says, where another of its clouds is available and no witness answers.",
        "At 00:01:20: web: athens 4 -> 0, lisbon 2 -> 4, manchester 2 -> 3, oslo 2 -> 3, because athens is unreachable since 00:01.",
        "At 00:02:20: athens is reachable (was unreachable since 00:01:20): Heat answers (asked from home).",
        "Judged again from the stored evidence, it comes to the same.",
      ],
    );
  });

  test("the story of a suspicion: the blast limit, and until when it waits for a person", async () => {
    const text = (await story(of("cloud.suspected"))).join("\n");
    assert.match(text, /Of 4 clouds 2 were lost within 10 min \(athens and lisbon\)/);
    assert.match(text, /the blast limit lets 1 go/);
    assert.match(text, /cloud confirm (athens|lisbon)`.*given up at 00:13:\d\d/);
    const over = (await story(of("cloud.unreachable", -1))).join("\n");
    assert.match(over, /the 10 min in which a person may refute a suspicion were over/);
  });

  test("the story of a block: it is us, and nothing is moved for it", async () => {
    const text = (await story(of("cloud.blocked"))).join("\n");
    assert.match(text, /oslo was blocked/);
    assert.match(text, /home abstained since .*only the network's silence is held against a cloud/);
    assert.match(text, /no instance is moved for it/);
  });

  test("the story of a reallocation: who took part, the base, what was dealt to whom, the sum", async () => {
    assert.deepEqual(await story(of("stack.reallocated", 1)), [
      "At 2026-01-01 00:01:20 UTC web (generation 1) was dealt anew.",
      "athens took no part: it is unreachable since 00:01:20.",
      "lisbon, manchester and oslo were available.",
      "By weight (athens 0.4, lisbon 0.2, manchester 0.2 and oslo 0.2) the 10 would be athens 4, lisbon 2, manchester 2 and oslo 2.",
      "The 4 of athens were dealt one by one to the others: lisbon +2, manchester +1 and oslo +1.",
      "So athens 4 -> 0, lisbon 2 -> 4, manchester 2 -> 3 and oslo 2 -> 3; together 10.",
      "Allocated again from the stored evidence, it comes to the same.",
    ]);
  });

  test("without evidence it tells what was told", async () => {
    const { at, evidence: _, ...rest } = of("cloud.unreachable");
    const [first, ...others] = explanation({ ...rest, at: Time.parse(at) }, []);
    assert.match(first ?? "", /^At .* UTC: athens is unreachable .*\.$/);
    assert.deepEqual(others, []);
  });
});
