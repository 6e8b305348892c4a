import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictEvidence } from "../../lib/cloud/evidence.ts";
import { factsOf } from "../../lib/cloud/facts.ts";
import {
  CloudName,
  type CloudOrders,
  VantageName,
  type Verdict,
  type Vote,
} from "../../lib/cloud/schema.ts";
import { judge } from "../../lib/cloud/verdict.ts";
import { explanation } from "../../lib/event/explanation.ts";
import type { AllocationEvidence, Event } from "../../lib/event/schema.ts";
import { allocate } from "../../lib/stack/allocation.ts";
import { entriesOf, StackName, Weights } from "../../lib/stack/schema.ts";
import { fault } from "../support/plain-cloud.ts";
import { at } from "../support/time.ts";

const [athens, lisbon, oslo] = ["athens", "lisbon", "oslo"].map((name) =>
  CloudName.parse(name),
) as [CloudName, CloudName, CloudName];
const now = at(1000);

function vote(vantage: string, of: Partial<Vote> = {}): Vote {
  return {
    ...{ cloud: athens, vantage: VantageName.parse(vantage), vote: "silent", at: at(990) },
    ...{ since: at(970), misses: 0, successes: 0, abstentions: 0 },
    ...of,
  };
}
const silent = (vantage: string, misses: number): Vote =>
  vote(vantage, { misses, silent_since: at(970), fault: fault("path", "refused") });

/** The stories of what one judgement brings about on athens. */
function stories(
  before: Partial<Verdict>,
  vantages: string[],
  votes: Vote[],
  more: { orders?: Partial<CloudOrders>; misses?: number } = {},
): Map<Event["type"], string[]> {
  const known = { since: at(0), at: at(0), reason: "r", votes: [] };
  const verdict: Verdict = { cloud: athens, verdict: "reachable", ...known, ...before };
  const orders = { cloud: athens, drained: false, at: at(0), ...more.orders };
  const clouds = [
    { cloud: athens, verdict, orders },
    ...[lisbon, oslo].map((cloud) => {
      return { cloud, verdict: { cloud, verdict: "reachable" as const, ...known } };
    }),
  ];
  const settings = {
    vantages: vantages.map((name) => VantageName.parse(name)),
    suspicionWindowMs: 600_000,
    misses: more.misses,
  };
  const verdicts = judge(clouds, votes, now, settings);
  const [next] = verdicts;
  assert.ok(next);
  const evidence = verdictEvidence(athens, { clouds, votes, now, settings, verdicts });
  const events = factsOf(verdict, next, () => "01KDVDSJR76YPKM6DXVSEAY0BE", evidence);
  return new Map(events.map((event) => [event.type, explanation(event, [])]));
}

test("every vantage is told as what it is: silent, void, abstaining, answered, late, never heard of", () => {
  const told = stories(
    {},
    ["home", "office", "rack", "cron", "attic"],
    [
      silent("home", 3),
      silent("office", 10),
      silent("rack", 4),
      vote("cron", { vote: "abstains", void: true, misses: 2 }),
      silent("nobody", 3),
    ],
  );
  assert.deepEqual(told.get("cloud.unreachable"), [
    "At 2026-01-01 00:16:40 UTC athens was found unreachable; it had been reachable since 00:00:00.",
    "home had heard nothing since 00:16:10 (GET heat.test: refused): 3 misses in a row.",
    "office had heard nothing since 00:16:10 (GET heat.test: refused): 10 misses or more in a row.",
    "rack had heard nothing since 00:16:10 (GET heat.test: refused): 4 misses in a row.",
    "cron heard nothing from any of the clouds it asked, so it blames itself and abstains (a void tick).",
    "attic is registered, and had never voted on it.",
    "A majority of the registered vantages, 3 of 5, must have 3 misses in a row before a cloud is lost: so it was.",
    "Every stack that weighs athens is dealt anew without it, as its policy says, where another of its clouds is available and no witness answers.",
    "Judged again from the stored evidence, it comes to the same.",
  ]);
});

test("what does not count yet is told so, and the rule as it was set", () => {
  const told = stories(
    {},
    ["home", "office", "rack"],
    [silent("home", 2), silent("office", 2), vote("rack", { vote: "up", successes: 3 })],
    { misses: 2 },
  );
  const text = told.get("cloud.unreachable")?.join("\n") ?? "";
  assert.match(text, /2 of 3, must have 2 misses in a row before/);
  assert.match(text, /rack was answered, 3 times or more in a row\./);
  const blocked = stories(
    {},
    ["home", "office", "rack"],
    [
      silent("home", 2),
      vote("office", { vote: "abstains", fault: fault("credentials", "login_rejected", 401) }),
      vote("rack", { vote: "abstains", fault: fault("credentials", "login_rejected", 401) }),
    ],
  ).get("cloud.blocked");
  assert.match(blocked?.join("\n") ?? "", /home had heard nothing .*: 2 of 3 misses\./);
  assert.match(
    blocked?.join("\n") ?? "",
    /office abstained since 00:16:10 \(GET heat.test: login_rejected\): only/,
  );
});

test("too few vantages: nothing new can be found", () => {
  const told = stories(
    {},
    ["home", "office", "rack"],
    [
      vote("home", { vote: "up", successes: 3 }),
      vote("office", { vote: "up", successes: 3, at: at(700) }),
    ],
  ).get("cloud.unwatched");
  assert.deepEqual(told?.slice(2), [
    "office last voted at 00:11:40: too long ago to count.",
    "rack is registered, and had never voted on it.",
    "A majority of the registered vantages, 2 of 3, must have voted lately, and not void, or no new outage can be found.",
    "Its verdict stays as it is until 2 vantages vote again.",
    "Judged again from the stored evidence, it comes to the same.",
  ]);
});

test("a person's word on a suspicion is told as the reason", () => {
  const suspected = { verdict: "suspected", since: at(900), lost_at: at(900) } as const;
  const answer = { since: at(900), at: at(950) };
  const votes = [silent("home", 10)];
  const confirmed = stories(suspected, ["home"], votes, { orders: { confirmed: answer } });
  assert.match(
    confirmed.get("cloud.unreachable")?.join("\n") ?? "",
    /A person confirmed the suspicion at 00:15:50\./,
  );
  const refuted = stories(suspected, ["home"], votes, { orders: { refuted: answer } });
  assert.match(
    refuted.get("cloud.reachable")?.join("\n") ?? "",
    /A person refuted the suspicion at 00:15:50\.\nNothing had been moved; pushes go there again\./,
  );
});

const weights = Weights.parse({ athens: 0.5, lisbon: 0.25, oslo: 0.25 });

function dealt(of: Partial<AllocationEvidence["input"]>, absent: CloudName[] = []): string {
  const input: AllocationEvidence["input"] = {
    ...{ stack_name: StackName.parse("web"), count: 8, weights, drained: [], failover: "even" },
    available: [athens, lisbon, oslo].filter((cloud) => !absent.includes(cloud)),
    ...of,
  };
  const shares = allocate({
    ...input,
    available: new Set(input.available),
    drained: new Set(input.drained),
    kept: new Map(entriesOf(input.kept ?? {})),
  });
  assert.ok(shares !== "hold");
  const clouds = [athens, lisbon, oslo].map((cloud) => ({
    cloud,
    verdict: "reachable" as const,
    before: { athens: 4, lisbon: 2, oslo: 2 }[String(cloud)] ?? 0,
    ...(absent.includes(cloud) ? { absent: `${cloud} is away` } : {}),
  }));
  const evidence: AllocationEvidence = { of: "allocation", input, because: [], clouds, shares };
  const event: Event = {
    ...{ id: "01KDVDSJR76YPKM6DXVSEAY0BE", at: now, type: "stack.reallocated" },
    ...{ message: "m", changes: [], cause: "c" },
    evidence,
  };
  return explanation(event, []).join("\n");
}

test("a loss that deals a thousand stacks anew names ten of them, and its end", () => {
  const event: Event = {
    ...{ id: "01KDVDSJR76YPKM6DXVSEAY0BE", at: now, type: "cloud.unreachable", cloud: athens },
    ...{ message: "athens is unreachable", changes: [], cause: "c" },
  };
  const dealt = Array.from({ length: 25 }, (_, i): Event => {
    return { ...event, type: "stack.reallocated", message: `stack ${i}` };
  });
  const back: Event = { ...event, type: "cloud.reachable", message: "athens is reachable" };
  const told = explanation(event, [...dealt, back]);
  assert.equal(told.filter((sentence) => /: stack \d+ \(event/.test(sentence)).length, 10);
  assert.match(
    told.join("\n"),
    /athens is reachable \(event .*\)\.\nAnd 15 stacks or more besides\./,
  );
});

test("the deal is told as each policy has it", () => {
  assert.match(
    dealt({}, [athens]),
    /athens took no part: it is away\.\n.*\nBy weight \(.*\) the 8 would be athens 4, lisbon 2 and oslo 2\.\nThe 4 of athens were dealt one by one to the others: lisbon \+2 and oslo \+2\.\nSo athens 4 -> 0, lisbon 2 -> 4 and oslo 2 -> 4; together 8\./,
  );
  assert.match(
    dealt({ failover: "none" }, [athens]),
    /Failover is none: the 4 of athens stay lost until it is back\.\nSo athens 4 -> 0, lisbon stays at 2 and oslo stays at 2; together 4 of 8 instances\./,
  );
  assert.match(
    dealt({ failover: "none", drained: [athens] }, [athens]),
    /The 4 of athens were dealt one by one/,
  );
  assert.match(
    dealt({ failover: "proportional" }, [athens]),
    /Failover is proportional: the 8 are shared by weight/,
  );
  assert.match(
    dealt({ weights: Weights.parse({ athens: 0.5, lisbon: 0.25, oslo: 0 }) }),
    /oslo has weight 0: it stands by, .*\nBy weight \(.*\) the 6 \(0\.75 of 8\) are athens 4, lisbon 2 and oslo 0\./,
  );
  assert.match(
    dealt({ available: [lisbon, oslo], kept: { [athens]: 4 } }),
    /athens was unreachable, but its witness had not been asked yet: it kept its share\./,
  );
});
