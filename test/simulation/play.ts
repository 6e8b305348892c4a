import assert from "node:assert/strict";
import { CloudName, HOME } from "../../lib/cloud/schema.ts";
import { allocate } from "../../lib/stack/allocation.ts";
import { entriesOf, type Share, type Stack, StackName, weightSum } from "../../lib/stack/schema.ts";
import type { Witness } from "../../lib/stack/witness.ts";
import type { Run } from "../support/scheduler.ts";
import type { Cut, SimulatedCloud } from "../support/simulated-cloud.ts";
import { type World, world } from "../support/world.ts";
import { afterwards } from "./afterwards.ts";
import type { History, Step } from "./history.ts";
import { monitor, type WatcherOf } from "./monitor.ts";
import type { Operation } from "./themes.ts";
import { watchTheme } from "./watch-themes.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const TICK = 10 * SECOND;
/** No two clocks differ by more. */
const MOST_SKEW_MS = 10 * SECOND;

/** What a history came to; `failure` says which invariant did not hold, and how. */
export type Played = { failure?: string; pushes: number; virtualMs: number };

/** Plays a history in its own world, every invariant watched. Never throws. */
export async function play(history: History, more: WatcherOf[] = []): Promise<Played> {
  const { clouds, seed, vantages, skews, theme } = history;
  const watched = monitor([watchTheme(theme), ...more]);
  const one = world({ clouds, seed, watch: watched, skews, ...vantages });
  watched.attach(one);
  const startedAt = one.time.now().getTime();
  let failure: string | undefined;
  try {
    await begin(one, history);
    let atWork: Run[] = [];
    for (const step of history.steps) {
      atWork = await tenSeconds(one, step, atWork);
      watched.check();
    }
    await one.time.finish(atWork);
    await heal(one, history);
    await rest(one, history, watched.check);
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  return {
    ...(failure === undefined ? {} : { failure }),
    pushes: one.patches(),
    virtualMs: one.time.now().getTime() - startedAt,
  };
}

async function begin(one: World, history: History): Promise<void> {
  history.clouds.forEach((cloud, i) => {
    for (const stack of history.stacks) one.of(cloud).add(stack, history.counts[i] ?? 0);
  });
  await one.tick();
  if (history.hasWitnesses) one.witnesses = witnessesOf(history.clouds);
  for (const stack of history.stacks) await one.declare(history.first, stack);
  Object.assign(one.stream, history.stream);
  Object.assign(one.time.stalls, history.stalls);
}

function witnessesOf(clouds: string[]): Record<CloudName, Witness> {
  return Object.fromEntries(clouds.map((cloud) => [cloud, { tcp: `${cloud}:80` }]));
}

/** Whoever is still at work when the ten seconds are over goes on in the next. */
async function tenSeconds(one: World, step: Step, atWork: Run[]): Promise<Run[]> {
  const { time } = one;
  const next = time.now().getTime() + TICK;
  const others = one.places.flatMap((place, i) =>
    Array.from({ length: place.isStopped ? 0 : (step.others[i] ?? 0) }, () => one.probeFrom(place)),
  );
  const home = Array.from({ length: step.probes }, () => one.probe());
  const runs = [...home, ...one.lanes(), ...others];
  for (const { nth, after } of step.kills) {
    const doomed = runs[nth % Math.max(1, runs.length)];
    if (doomed) {
      afterTurns(one, after, async () => {
        doomed.owner.isDead = true;
      });
    }
  }
  const doings = step.operations.map((operation) =>
    afterTurns(one, operation.after, () => act(one, operation), operation.inMs),
  );
  const all = [...atWork, ...runs, ...doings];
  await time.finish(all, next);
  while (step.keepsReading && time.now().getTime() < next) {
    const more = one.lanes();
    if (more.length === 0) break;
    all.push(...more);
    await time.finish(all, next);
  }
  for (const doing of doings) if (doing.error() !== undefined) throw doing.error();
  time.skip(Math.max(0, next - time.now().getTime()));
  return all.filter((run) => !run.hasEnded());
}

function afterTurns(one: World, turns: number, work: () => Promise<void>, ms = 0): Run {
  return one.time.start("somebody", async (owner) => {
    for (let turn = 0; turn <= turns; turn += 1) await one.time.turn(owner);
    if (ms > 0) await one.time.sleep(owner, ms);
    await work();
  });
}

async function act(one: World, operation: Operation): Promise<void> {
  switch (operation.act) {
    case "declare":
      await one.declare(operation.change, operation.stack);
      return;
    case "forget":
      return one.forget(operation.stack);
    case "ask":
      return one.ask(operation.stack);
    case "release":
      await one.order({ releases: operation.stack });
      return;
    case "drain":
      return one.drain(operation.cloud, operation.drained);
    case "answer":
      await one.order({ cloud: operation.cloud, suspicion: operation.how });
      return;
    case "order":
      await one.order(operation.order);
      return;
    case "cut":
      return cut(one, operation.from, operation.to, operation.how);
    case "cut_all":
      for (const { name } of [{ name: HOME }, ...one.places]) {
        for (const cloud of one.clouds) cut(one, name, cloud, operation.how);
      }
      return;
    case "stop":
    case "start":
      return runVantage(one, operation.vantage, operation.act === "start");
    default:
      return actOnCloud(one, operation);
  }
}

type OnCloud = Exclude<
  Operation,
  {
    act:
      | "declare"
      | "forget"
      | "ask"
      | "release"
      | "drain"
      | "answer"
      | "order"
      | "cut"
      | "cut_all"
      | "stop"
      | "start";
  }
>;

function cut(one: World, from: string, to: string, how: Cut | "none"): void {
  if (how === "none") one.cuts.delete(`${from} ${to}`);
  else one.cuts.set(`${from} ${to}`, how);
}

function runVantage(one: World, name: string, isRunning: boolean): void {
  for (const place of one.places.filter((each) => each.name === name)) {
    if (place.isStopped && isRunning) one.restart(name);
    place.isStopped = !isRunning;
  }
}

function actOnCloud(one: World, operation: OnCloud): void {
  const cloud = one.of(operation.cloud);
  switch (operation.act) {
    case "network":
      Object.assign(cloud, { network: operation.to, isDark: false });
      one.lostAt.set(operation.cloud, one.time.now().getTime());
      break;
    case "heal":
      mend(one, operation.cloud);
      break;
    case "die":
      cloud.die();
      break;
    case "new_password":
      cloud.changeCredentials();
      break;
    case "lose_entry":
      cloud.isConfigured = false;
      break;
    case "move_project":
      cloud.project = `${cloud.project}-2`;
      break;
    case "limit":
      cloud.limit = operation.count;
      break;
    case "workload":
      cloud.workload = operation.to;
      break;
    case "updates":
      Object.assign(cloud, { updates: operation.end, updateMs: operation.ms });
      break;
    default:
      actOnHeatStack(cloud, operation);
  }
}

type OnHeatStack = Extract<OnCloud, { stack: string }>;

function actOnHeatStack(cloud: SimulatedCloud, operation: OnHeatStack): void {
  const { stack } = operation;
  const parameter = cloud.parameter(stack);
  switch (operation.act) {
    case "change":
      cloud.change(stack, operation.count, parameter);
      break;
    case "add":
      if (!cloud.find(stack)) cloud.add(stack, operation.count);
      break;
    case "replace":
      cloud.remove(stack);
      cloud.add(stack, 1);
      break;
    case "rename":
      cloud.rename(stack, parameter === "size" ? "count" : "size");
      break;
    default:
      cloud[operation.act](stack);
  }
}

function mend(one: World, name: string): void {
  const cloud = one.of(name);
  if (cloud.network === "rejects" && one.time.random() < 0.5) cloud.changeCredentials();
  cloud.heal();
  cloud.isConfigured = true;
}

/** All is well again, but for one ailment; where the history says so, somebody declares anew. */
async function heal(one: World, { clouds, stacks, ending }: History): Promise<void> {
  one.isHealed = true;
  Object.assign(one.time.stalls, { part: 0 });
  one.cuts.clear();
  for (const { name } of one.places) runVantage(one, name, true);
  for (const name of clouds) {
    const cloud = one.of(name);
    mend(one, name);
    Object.assign(cloud, { updateMs: 5 * SECOND, limit: 1_000_000 });
    // What the sick one serves may be dead for good.
    if (name !== ending.cloud || cloud.workload === "unknown") cloud.workload = "answers";
    // Whatever else there was, the credentials are again for the project that was driven first.
    for (const stack of stacks) {
      const seen = one.table.peek({ pk: `CLOUD#${name}`, sk: `SEEN#${stack}` });
      cloud.project = String(seen?.project_id ?? cloud.project);
    }
    // Whoever asks for what is so already would wake all stacks: they must find out by themselves.
    const orders = one.table.peek({ pk: "CLOUD", sk: name });
    if (orders?.drained) await one.drain(name, false);
  }
  for (const stack of stacks) {
    if (ending.declares) await one.declare(ending.declares, stack);
    const { stack: declared } = await one.view(stack);
    for (const name of clouds) {
      const cloud = one.of(name);
      if (!cloud.find(stack)) cloud.add(stack, 1);
      cloud.resume(stack);
      // An update that never ends keeps its parameters: somebody replaces the whole heat stack.
      if (cloud.parameter(stack) !== declared?.count_parameter) cloud.remove(stack);
      if (!cloud.find(stack)) cloud.add(stack, 1, declared?.count_parameter);
    }
  }
  const sick = one.of(ending.cloud);
  switch (ending.ailment) {
    case "none":
      return;
    case "drained":
      return one.drain(ending.cloud);
    case "missing":
      for (const stack of stacks) sick.remove(stack);
      return;
    case "suspended":
      for (const stack of stacks) sick.suspend(stack);
      return;
    default:
      sick.network = ending.ailment;
  }
}

/** Hours later: what was declared is there, in few pushes, and nothing moves any more. */
async function rest(one: World, history: History, check: () => void): Promise<void> {
  const { clouds, stacks } = history;
  const before = one.patches();
  await calm(one, 30 * MINUTE);
  check();
  Object.assign(one.stream, { loses: 0, repeats: 0, delays: 0 });
  for (const stack of stacks) {
    const { stack: declared, shares } = await one.view(stack);
    const waits = declared?.policy.failback === "manual" && shares.some(({ lost }) => lost);
    if (waits) await one.run("somebody", async () => void (await one.order({ releases: stack })));
  }
  await calm(one, 4 * HOUR);
  // Nobody asked the witnesses while time was skipped: they begin anew.
  if (one.witnesses) await one.pass(MINUTE);
  check();
  assert.deepEqual(one.thrown, [], "9 nothing is lost: a reconcile threw");
  for (const stack of stacks) await isAsDeclared(one, history, stack);
  const pushes = one.patches() - before;
  const most = 10 * clouds.length * stacks.length;
  assert.ok(pushes <= most, `at rest: ${pushes} pushes after all was well`);
  if (history.stream.loses > 0) await findsLost(one, stacks);
  await doesNothing(one, stacks);
  check();
  if (history.stream.loses === 0) isAnnounced(one, history);
  if (history.ending.ailment === "none" && history.seed % 4 === 0) {
    await afterwards(one, history);
    check();
  }
}

/**
 * Lets time pass. While nothing moves, it jumps to the next moment at which something could: a quiet
 * stretch costs nothing.
 */
async function calm(one: World, ms: number): Promise<void> {
  const end = one.time.now().getTime() + ms;
  for (let quietTicks = 0; one.time.now().getTime() < end; ) {
    const startedAt = one.time.now().getTime();
    const written = one.writes();
    await one.tick();
    await one.drainStream();
    const isQuiet = movedSince(one, written).length === 0;
    quietTicks = isQuiet ? quietTicks + 1 : 0;
    const next = quietTicks > 7 ? nextMoment(one, startedAt) : startedAt + TICK;
    one.time.skip(Math.max(0, Math.min(next, end) - one.time.now().getTime()));
  }
}

/** When something is due, at least every half an hour. */
function nextMoment(one: World, nowMs: number): number {
  const statuses = one.table.peekAll("STATUS").map(({ due_at }) => Date.parse(String(due_at)));
  const votes = one.clouds.flatMap((cloud) => one.table.peekAll(`CLOUD#${cloud}`, "VOTE#"));
  const pauses = votes.map((vote) =>
    Date.parse(String((vote.login_pause as { until?: string } | undefined)?.until)),
  );
  const changes = one.clouds.map((cloud) => one.of(cloud).nextChange());
  // By whose clock they are due does not matter then.
  const moments = [...statuses, ...pauses, ...changes].map((at) => at + MOST_SKEW_MS);
  const ahead = moments.filter((at) => at > nowMs);
  return Math.max(nowMs + TICK, Math.min(nowMs + 30 * MINUTE, ...ahead));
}

function movedSince(one: World, written: number): string[] {
  return one.table.records
    .slice(written)
    .filter(({ keys: { sk } }) => !sk.startsWith("VOTE#") && !sk.startsWith("WITNESS#"))
    .map(({ keys: { pk, sk } }) => `${pk} ${sk}`);
}

/**
 * A reading whose record was lost is noticed when its cloud is listed next: where it is not, as it only
 * limits us, say, then by a look that somebody asks for.
 */
async function findsLost(one: World, stacks: string[]): Promise<void> {
  const written = one.writes();
  for (const stack of stacks) await one.reconcile(stack);
  if (movedSince(one, written).length > 0) await calm(one, 4 * HOUR);
}

async function doesNothing(one: World, stacks: string[]): Promise<void> {
  // What is blocked is tried every hour: not now.
  if (nextMoment(one, one.time.now().getTime()) < one.time.now().getTime() + 5 * MINUTE) {
    await calm(one, 6 * MINUTE);
  }
  // Nobody asked the witnesses meanwhile: they begin anew.
  if (one.witnesses) await one.pass(MINUTE);
  for (const stack of stacks) await one.reconcile(stack);
  const [writes, patches] = [one.writes(), one.patches()];
  for (const stack of stacks) await one.reconcile(stack);
  assert.deepEqual(movedSince(one, writes), [], "at rest: a second reconcile writes");
  await one.pass(2 * MINUTE);
  assert.deepEqual(movedSince(one, writes), [], "at rest: something wakes itself");
  assert.equal(one.patches(), patches, "at rest: it pushes without need");
}

async function isAsDeclared(one: World, history: History, name: string): Promise<void> {
  const { ending, clouds } = history;
  const { stack, shares, status, seen } = await one.view(name);
  if (!stack || stack.deleted_at !== undefined || stack.paused) return;
  const { weights, count_parameter } = stack;
  const listed = entriesOf(weights).map(([cloud]) => cloud);
  // A cloud that only abstains stays what it was before: lost, or without the heat stack.
  const own = await one.seen(ending.cloud, name);
  const kept = shares.find(({ held }) => held?.reason === "evidence");
  if (kept) isKeptRightly(one, kept, stack);
  const isLost =
    kept === undefined &&
    (["refused", "missing", "drained"].includes(ending.ailment) ||
      own?.missing !== undefined ||
      (await one.verdict(ending.cloud))?.verdict === "unreachable");
  const lost = new Set(isLost && ending.ailment !== "none" ? [ending.cloud] : []);
  const available = new Set(listed.filter((cloud) => !lost.has(cloud) && cloud !== kept?.cloud));
  const drained = new Set(ending.ailment === "drained" ? [CloudName.parse(ending.cloud)] : []);
  const wanted = allocate({
    stack_name: StackName.parse(name),
    count: stack.count,
    weights,
    available,
    ...(kept ? { kept: new Map([[kept.cloud, kept.desired]]) } : {}),
    drained,
    failover: stack.policy.failover,
  });
  if (wanted === "hold") return;
  const desired = new Map(shares.map((share) => [share.cloud, share]));
  const summary = listed.map((cloud) => {
    const share = desired.get(cloud);
    const held = share?.held?.reason ?? share?.blocked?.code ?? "";
    return `${cloud}: wants ${wanted[cloud]}, desired ${share?.desired}, ${one.of(cloud).count(name, count_parameter)} there, in place ${seen.get(cloud)?.in_place} ${held}`;
  });
  const why = `7 newest wins: ${status?.state} ${ending.ailment} ${summary.join("; ")}; due ${status?.due_at}, now ${one.time.now().toISOString()}`;
  const isIncomplete = !stack.completed && !stack.partial;
  for (const cloud of listed) {
    const share = desired.get(cloud);
    assert.equal(share?.desired, wanted[cloud], why);
    if (cloud === ending.cloud && ending.ailment !== "none" && ending.ailment !== "drained")
      continue;
    const isHeld = share?.held?.reason === "order" || (isIncomplete && share?.held !== undefined);
    if (isHeld && (ending.ailment !== "none" || isIncomplete)) continue;
    assert.equal(one.of(cloud).count(name, count_parameter), wanted[cloud], why);
    assert.equal(one.of(cloud).runs(name), wanted[cloud], why);
  }
  const isWell = ending.ailment === "none" && !isIncomplete && listed.length > 0;
  if (isWell) assert.equal(status?.state, "converged", why);
  assert.ok(clouds.length > 0 && weightSum(weights) <= 1);
}

/** Heat was lost, what it serves answers, and the stack goes by that. */
function isKeptRightly(one: World, { cloud }: Share, { policy, witnesses }: Stack): void {
  const verdict = one.table.peek({ pk: "VERDICT", sk: cloud })?.verdict;
  const isAnswered = verdict === "unreachable" && one.of(cloud).workload === "answers";
  const isNamed = witnesses !== undefined && policy.evidence === "api_and_workload";
  assert.ok(isAnswered && isNamed, `API down is not workload down: ${cloud} keeps its share`);
}

/** Nothing was lost on the way: every fact reached the bus. */
function isAnnounced(one: World, { clouds, stacks }: History): void {
  const announced = new Set(one.events.map(({ id }) => id));
  const partitions = [
    ...clouds.map((cloud) => `CLOUD#${cloud}`),
    ...stacks.map((name) => `STACK#${name}`),
  ];
  const silent = partitions
    .flatMap((pk) => one.table.peekAll(pk, "EVENT#"))
    .filter(({ id }) => !announced.has(String(id)));
  assert.deepEqual(silent, [], "10 explained: a fact never reached the bus");
}
