import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** A rule of DESIGN, broken: this text of that file becomes another. */
export type Mutation = { rule: string; file: string; from: string; to: string };

const shares = "lib/table/shares.ts";
const view = "lib/stack/view.ts";
const pushes = "lib/stack/pushes.ts";
const verdict = "lib/cloud/verdict.ts";
const vote = "lib/cloud/vote.ts";
const ballots = "lib/cloud/ballots.ts";
const ledger = "lib/stack/ledger.ts";

export const mutations: Mutation[] = [
  {
    rule: "a push is fenced by its share's version and push",
    file: shares,
    from: 'equals: { version, "push.id": push_id_read }',
    to: "equals: {}",
  },
  {
    rule: "a reconcile writes on the version that it read",
    file: shares,
    from: "{ exists: false } : { equals: { version } }",
    to: "{ equals: {} } : { equals: {} }",
  },
  {
    rule: "a reconcile writes for the declaration that it read",
    file: shares,
    from: "{ equals: { uid, generation, deleted_at: undefined } }",
    to: "{ equals: {} }",
  },
  {
    rule: "a 401 is no silence",
    file: "lib/cloud/faults.ts",
    from: 'fault.class === "path" || fault.class === "service"',
    to: '["path", "service", "credentials"].includes(fault.class)',
  },
  {
    rule: "a return is dated",
    file: verdict,
    from: "const returned_at = isBack ? now : previous?.returned_at;",
    to: "const returned_at = isBack ? previous?.since : previous?.returned_at;",
  },
  {
    rule: "after a return nothing counts before it is read again",
    file: view,
    from: "raw.parameter === stack.count_parameter && isReadSinceReturn(raw, verdict);",
    to: "raw.parameter === stack.count_parameter;",
  },
  {
    rule: "nothing is pushed into an update",
    file: pushes,
    from: 'return heatState(status) === "in_progress" || refusesUpdates(status);',
    to: "return refusesUpdates(status);",
  },
  { rule: "one miss is nothing", file: vote, from: "THRESHOLD = 3", to: "THRESHOLD = 1" },
  {
    rule: "one success does not end an outage",
    file: verdict,
    from: 'return up >= majority ? "reachable" : "unreachable";',
    to: 'return anyUp ? "reachable" : "unreachable";',
  },
  {
    rule: "a void tick says nothing",
    file: vote,
    from: "return asked.length >= 2 &&",
    to: "return asked.length >= 99 &&",
  },
  {
    rule: "the blast limit",
    file: verdict,
    from: "isNew && isBlast ?",
    to: "isNew && isBlast && known === undefined ?",
  },
  {
    rule: "an unanswered PATCH is not taken for ended at once",
    file: view,
    from: "return isTraceOver(push, seen, verdict, settings);",
    to: "return settings.pushSilenceMs > 0;",
  },
  {
    rule: "the same push again only after a pause",
    file: pushes,
    from: "return isSame && retryAt !== undefined && retryAt > now ? retryAt : undefined;",
    to: "return isSame && retryAt !== undefined && retryAt > now && count < 0 ? retryAt : undefined;",
  },
  {
    rule: "a scale-down takes the surplus only",
    file: pushes,
    from: "return place - Math.min(oldTotal ?? total, total);",
    to: "return place + (oldTotal ?? total);",
  },
  {
    rule: "the place of an open push is the lower number",
    file: pushes,
    from: "if (!push || !(isOpen || isUnconfirmed)) return seen.in_place;",
    to: "if (!push || !(isOpen && isUnconfirmed && !seen)) return seen.in_place;",
  },
  {
    rule: "what failed is not in place",
    file: "lib/cloud/seen.ts",
    from: "return confirms(heat_status, previous) ? count : Math.min(before, count);",
    to: "return confirms(heat_status, previous) ? count : Math.max(before, count);",
  },
  {
    rule: "every PATCH is preceded by a read of the same run",
    file: "lib/stack/reading.ts",
    from: "new Set([...due, ...pushed]",
    to: "new Set([...due, ...pushed.slice(0, 0)]",
  },
  {
    rule: "after one silence no further call goes there",
    file: "lib/stack/reading.ts",
    from: "new Map([...met.memory.givenUp, ...met.faults, ...slow])",
    to: "new Map([...met.faults, ...slow])",
  },
  {
    rule: "what is stuck is freed",
    file: "lib/cloud/observe.ts",
    from: "if (!isUnderWay(detail)) return",
    to: "if (client) return",
  },
  {
    rule: "what is missing is dealt to the others",
    file: view,
    from: "isAvailable: isHere && !isDrained && !isMissing",
    to: "isAvailable: isHere && !isDrained",
  },
  {
    rule: "the tick wakes what is overdue",
    file: "lib/cloud/overdue.ts",
    from: "return stacks.filter(isOverdue)",
    to: "return stacks.filter((stack) => isOverdue(stack) && stack.count < 0)",
  },
  {
    rule: "the watch wakes a stack that missed a reading",
    file: "lib/cloud/watch.ts",
    from: "return elapsed(read_at, now) > intervalMs && !hasMark",
    to: "return elapsed(read_at, now) < 0 && !hasMark",
  },
  {
    rule: "a reading is saved over the one that it was understood with",
    file: "lib/table/seen.ts",
    from: "when: { equals: { read_at: previousReadAt } }",
    to: "when: { equals: {} }",
  },
  {
    rule: "overlapping ticks share one blast limit",
    file: "lib/cloud/verdicts.ts",
    from: "await save(loss, knownAt)",
    to: "await save(loss, new Map())",
  },
  {
    rule: "every reallocation has its event",
    file: "lib/stack/facts.ts",
    from: "if (changes.length === 0) return [];",
    to: "if (changes.length < 2) return [];",
  },
  {
    rule: "the shares add up to the total",
    file: "lib/stack/allocation.ts",
    from: "Math.ceil((instances - rank) / survivors.length)",
    to: "Math.ceil((instances - rank * 0) / survivors.length)",
  },
  {
    rule: "the majority is of all registered vantages, fresh or not",
    file: ballots,
    from: "majority: majorityOf(settings.vantages.length)",
    to: "majority: majorityOf(fresh.length)",
  },
  {
    rule: "one vantage of several loses no cloud",
    file: ballots,
    from: "return Math.floor(vantages / 2) + 1;",
    to: "return Math.min(vantages, 1);",
  },
  {
    rule: "as many misses as are set",
    file: ballots,
    from: "const { misses = THRESHOLD } = settings;",
    to: "const misses = Math.min(settings.misses ?? THRESHOLD, 2);",
  },
  {
    rule: "too few vantages are told of",
    file: verdict,
    from: "if (telling >= majority) return undefined;",
    to: "if (telling >= majority - 1) return undefined;",
  },
  {
    rule: "a void tick of an agent says nothing",
    file: "lib/api/handlers/votes.ts",
    from: "isVoid: body.void === true",
    to: "isVoid: body.void === undefined && body.fault === undefined",
  },
  {
    rule: "an agent's abstention is no silence",
    file: "lib/agent/ballot.ts",
    from: 'if (!isSilence(fault)) return { vote: "abstains", ...told };',
    to: 'if (!isSilence(fault)) return { vote: "silent", ...told, fault: { ...told.fault, class: "path" } };',
  },
  {
    rule: "between ticks another vantage's vote decides",
    file: "lib/cloud/between.ts",
    from: "return silent.length >= majorityOf(vantages.length);",
    to: "return silent.length > vantages.length;",
  },
  {
    rule: "a workload that answers keeps the share",
    file: "lib/stack/workload.ts",
    from: 'return workload === "answers" || workload === "unknown";',
    to: 'return workload === "unknown";',
  },
  {
    rule: "a workload is silent after three silences",
    file: "lib/cloud/witness.ts",
    from: 'if (misses >= threshold) return "silent";',
    to: 'if (misses >= 1) return "silent";',
  },
  {
    rule: "a workload that is silent keeps no share",
    file: "lib/stack/workload.ts",
    from: 'return workload === "answers" || workload === "unknown";',
    to: 'return workload === "answers" || workload === "unknown" || workload === "silent";',
  },
  {
    rule: "the ledger counts a push that has not ended",
    file: ledger,
    from: "const pushed = isOwed ?",
    to: "const pushed = isOwed && sent < 0 ?",
  },
  {
    rule: "the ledger confirms nothing that nobody can see",
    file: ledger,
    from: 'const isSeen = kind === "reachable" && seen !== undefined;',
    to: "const isSeen = seen !== undefined;",
  },
  {
    rule: "the ledger remembers what was more before an update",
    file: "lib/cloud/seen.ts",
    from: "...(most > Math.max(in_place, count ?? 0) ? { at_most: most } : {}),",
    to: "...(most > Math.max(in_place, count ?? 0) && most < 0 ? { at_most: most } : {}),",
  },
  {
    rule: "an accepted push has ended when it was read after its answer",
    file: view,
    from: "return (seen.after?.answered === true || seen.settled_after === id) && !isRunning;",
    to: "return !isRunning;",
  },
  {
    rule: "a COMPLETE confirms the push that was written down before it was read",
    file: "lib/cloud/seen.ts",
    from: "return complete_at !== undefined && complete_after === push.id;",
    to: "return complete_at !== undefined && [complete_after, push.id].includes(push.id);",
  },
  {
    rule: "an event's evidence is what was judged",
    file: "lib/cloud/evidence.ts",
    from: "votes: votes.filter(({ cloud }) => telling.has(cloud)).map(ballot),",
    to: "votes: votes.filter(({ cloud }) => cloud !== of).map(ballot),",
  },
];

/** The file of a mutation below `root`, with its rule broken; throws where the rule is not written so, or not once. */
export async function mutated(root: string, { rule, file, from, to }: Mutation): Promise<string> {
  const [before, after, ...others] = (await readFile(join(root, file), "utf8")).split(from);
  if (before === undefined || after === undefined || others.length > 0)
    throw new Error(`${file} has not exactly one "${from}": ${rule}`);
  return `${before}${to}${after}`;
}
