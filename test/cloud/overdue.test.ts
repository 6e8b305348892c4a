import assert from "node:assert/strict";
import { test } from "node:test";
import type { Board } from "../../lib/cloud/deps.ts";
import { marksOf } from "../../lib/cloud/marks.ts";
import { overdue } from "../../lib/cloud/overdue.ts";
import { CloudName, type CloudOrders, type Verdict } from "../../lib/cloud/schema.ts";
import { Stack, StackName, type Status } from "../../lib/stack/schema.ts";
import { at } from "../support/time.ts";

const athens = CloudName.parse("athens");
const lisbon = CloudName.parse("lisbon");

function stack(more: Partial<Stack> = {}): Stack {
  return Stack.parse({
    stack_name: "web",
    uid: "uid-1",
    generation: 1,
    count: 10,
    count_parameter: "count",
    weights: { athens: 1 },
    policy: {},
    paused: false,
    partial: false,
    completed: true,
    created_at: at(0),
    updated_at: at(0),
    ...more,
  });
}

function status(more: Partial<Status> = {}): Status {
  return {
    stack_name: StackName.parse("web"),
    version: 1,
    uid: "uid-1",
    inputs: knowing({ [athens]: " " }),
    open: [],
    attempts: 0,
    state: "converged",
    conditions: [],
    ...more,
  };
}

/** What a reconcile knew that found this said of its clouds. */
function knowing(said: Record<CloudName, string>): Status["inputs"] {
  const clouds = Object.keys(said) as CloudName[];
  return { generation: 1, verdicts: marksOf(clouds, (cloud) => said[cloud] ?? "") };
}

function verdict(cloud: CloudName, seconds: number): Verdict {
  const since = at(seconds);
  return { cloud, verdict: "reachable", since, at: since, reason: "", votes: [] };
}

function orders(cloud: CloudName, seconds: number): CloudOrders {
  return { cloud, drained: true, at: at(seconds) };
}

const cases: [what: string, board: Partial<Board>, seconds: number, isOverdue: boolean][] = [
  ["converged, nothing moved", { statuses: [status()] }, 9999, false],
  ["never reconciled, just declared", {}, 10, false],
  ["never reconciled for more than an interval", {}, 11, true],
  ["due in a moment", { statuses: [status({ due_at: at(101) })] }, 100, false],
  ["due", { statuses: [status({ due_at: at(100) })] }, 100, true],
  [
    "a newer declaration, just written",
    { stacks: [stack({ generation: 2, updated_at: at(95) })], statuses: [status()] },
    100,
    false,
  ],
  [
    "a newer declaration, its record lost",
    { stacks: [stack({ generation: 2, updated_at: at(89) })], statuses: [status()] },
    100,
    true,
  ],
  [
    "deleted and declared again, its record lost",
    { stacks: [stack({ uid: "uid-2" })], statuses: [status()] },
    100,
    true,
  ],
  [
    "a newer verdict, just written",
    { statuses: [status()], verdicts: [verdict(athens, 95)] },
    100,
    false,
  ],
  [
    "a newer verdict, its record lost",
    { statuses: [status()], verdicts: [verdict(athens, 89)] },
    100,
    true,
  ],
  [
    "a newer verdict that was taken in",
    {
      statuses: [status({ inputs: knowing({ [athens]: `${at(89)} ` }) })],
      verdicts: [verdict(athens, 89)],
    },
    100,
    false,
  ],
  [
    "a newer verdict of a cloud that it does not weigh",
    { statuses: [status()], verdicts: [verdict(lisbon, 50)] },
    100,
    false,
  ],
  [
    "newer orders, their record lost",
    { statuses: [status()], orders: [orders(athens, 89)] },
    100,
    true,
  ],
  [
    "a lost record and then a fresh one",
    { statuses: [status()], verdicts: [verdict(athens, 95)], orders: [orders(athens, 50)] },
    100,
    false,
  ],
  [
    "a newer verdict of one of two clouds",
    {
      stacks: [stack({ weights: { [athens]: 0.5, [lisbon]: 0.5 } })],
      statuses: [status({ inputs: knowing({ [athens]: " ", [lisbon]: " " }) })],
      verdicts: [verdict(athens, 50), verdict(lisbon, 99)],
    },
    100,
    true,
  ],
  [
    "one of two verdicts of one tick was missed",
    {
      stacks: [stack({ weights: { [athens]: 0.5, [lisbon]: 0.5 } })],
      statuses: [status({ inputs: knowing({ [athens]: " ", [lisbon]: `${at(50)} ` }) })],
      verdicts: [verdict(athens, 50), verdict(lisbon, 50)],
    },
    100,
    true,
  ],
  [
    "put aside after it threw: it is tried when it is due",
    { statuses: [status({ inputs: { generation: 1 } })], verdicts: [verdict(athens, 50)] },
    100,
    false,
  ],
  [
    "deleted, just now",
    { stacks: [stack({ deleted_at: at(95) })], statuses: [status()] },
    100,
    false,
  ],
  [
    "deleted, its record lost",
    { stacks: [stack({ deleted_at: at(50) })], statuses: [status()] },
    100,
    true,
  ],
  [
    "deleted and forgotten",
    {
      stacks: [stack({ deleted_at: at(50) })],
      statuses: [status({ expires_at: 9, due_at: at(60) })],
    },
    100,
    false,
  ],
  [
    "deleted before it was ever reconciled",
    { stacks: [stack({ deleted_at: at(50) })] },
    100,
    false,
  ],
  [
    "paused: nothing due",
    { stacks: [stack({ paused: true })], statuses: [status({ state: "paused" })] },
    9999,
    false,
  ],
];
for (const [what, board, seconds, isOverdue] of cases) {
  test(`${isOverdue ? "wakes" : "lets sleep"}: ${what}`, () => {
    const all: Board = {
      stacks: [stack()],
      statuses: [],
      verdicts: [],
      orders: [],
      vantages: [],
      ...board,
    };
    assert.deepEqual(overdue(all, at(seconds), 10_000), isOverdue ? ["web"] : []);
  });
}

test("wakes the stacks that are overdue, and nothing else", () => {
  const named = (name: string) => StackName.parse(name);
  const names = ["web", "constructor", "api"].map(named);
  const board: Board = {
    stacks: names.map((stack_name) => stack({ stack_name })),
    statuses: names.map((stack_name) =>
      status({ stack_name, ...(stack_name === "constructor" ? { due_at: at(1) } : {}) }),
    ),
    verdicts: [],
    orders: [],
    vantages: [],
  };
  assert.deepEqual(overdue(board, at(100), 10_000), ["constructor"]);
});
