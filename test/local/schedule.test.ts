import assert from "node:assert/strict";
import { test } from "node:test";
import { invoker } from "../../lib/local/invoke.ts";
import { schedule } from "../../lib/local/schedule.ts";
import { type LogLine, log } from "../../lib/log.ts";

const quiet = log({ level: "CRITICAL", write: () => undefined });
const at = (time: string) => Date.parse(`2026-11-20T${time}Z`);

test("invokes for what is left of this minute, then at every minute's start, with its time", (t) => {
  t.mock.timers.enable({ apis: ["Date", "setTimeout"], now: at("10:00:17.300") });
  const times: string[] = [];
  const minutes = schedule({ log: quiet, invoke: async ({ time }) => times.push(time) });
  minutes.start();
  t.mock.timers.tick(42_699);
  assert.deepEqual(times, ["2026-11-20T10:00:00.000Z"]);
  t.mock.timers.tick(1);
  t.mock.timers.tick(60_000);
  assert.deepEqual(times.slice(1), ["2026-11-20T10:01:00.000Z", "2026-11-20T10:02:00.000Z"]);
});

test("a run that has not ended does not keep the next from beginning", (t) => {
  t.mock.timers.enable({ apis: ["Date", "setTimeout"], now: at("10:00:00") });
  let begun = 0;
  const minutes = schedule({
    log: quiet,
    invoke: () => {
      begun += 1;
      return new Promise(() => undefined);
    },
  });
  minutes.start();
  t.mock.timers.tick(60_000);
  t.mock.timers.tick(60_000);
  assert.equal(begun, 3);
});

test("a clock that was set is followed, and no minute is invoked for late or early", (t) => {
  t.mock.timers.enable({ apis: ["Date", "setTimeout"], now: at("10:00:30") });
  const times: string[] = [];
  const minutes = schedule({ log: quiet, invoke: async ({ time }) => times.push(time) });
  minutes.start();
  t.mock.timers.setTime(at("13:20:10"));
  t.mock.timers.tick(0);
  assert.equal(times.at(-1), "2026-11-20T13:20:00.000Z");
  t.mock.timers.tick(50_000);
  assert.equal(times.at(-1), "2026-11-20T13:21:00.000Z");
});

test("a run that fails is logged, and not repeated", async (t) => {
  t.mock.timers.enable({ apis: ["Date", "setTimeout"], now: at("10:00:00") });
  const lines: LogLine[] = [];
  let runs = 0;
  const minutes = schedule({
    log: log({ level: "INFO", write: (line) => lines.push(line) }),
    invoke: async () => {
      runs += 1;
      throw new Error("no table");
    },
  });
  minutes.start();
  await minutes.stop();
  assert.equal(runs, 1);
  assert.equal(lines[0]?.message, "scheduled run failed");
});

test("the first tick is for a minute that is all but over, and is waited for", async () => {
  let event: { time: string } | undefined;
  let isOver = false;
  const minutes = schedule({
    log: quiet,
    invoke: async (given) => {
      event = given;
      await new Promise(setImmediate);
      isOver = true;
    },
  });
  const before = Date.now();
  await minutes.firstTick();
  assert.ok(isOver);
  const age = before - Date.parse(event?.time ?? "");
  assert.ok(age <= 59_000 && age > 58_000, `${age}`);
});

test("a stop waits for the runs that are under way, and begins no more", async (t) => {
  t.mock.timers.enable({ apis: ["Date", "setTimeout"], now: at("10:00:00") });
  const open = Promise.withResolvers<void>();
  let runs = 0;
  let ended = 0;
  const minutes = schedule({
    log: quiet,
    invoke: async () => {
      runs += 1;
      await open.promise;
      ended += 1;
    },
  });
  minutes.start();
  const stopped = minutes.stop();
  t.mock.timers.tick(300_000);
  open.resolve();
  await stopped;
  assert.equal(runs, 1);
  assert.equal(ended, 1);
});

test("each invocation has an id of its own and a time that runs out", async () => {
  const contexts: { id: string; left: number }[] = [];
  const invoke = invoker<string, void>(
    async (_, context) => {
      contexts.push({ id: context.awsRequestId, left: context.getRemainingTimeInMillis() });
    },
    { name: "probe", timeoutMs: 5000 },
  );
  await invoke("a");
  await invoke("b");
  const [first, second] = contexts;
  assert.notEqual(first?.id, second?.id);
  assert.ok(first && first.left <= 5000 && first.left > 0);
});

test("an invocation that outlives its time fails, as in Lambda", async () => {
  const invoke = invoker<string, void>(() => new Promise(() => undefined), {
    name: "reconcile",
    timeoutMs: 5,
  });
  await assert.rejects(invoke("a"), /reconcile did not end within 0\.005 s/);
});

test("a function that is to end sees no time left", async () => {
  let isOver = false;
  const left: number[] = [];
  const invoke = invoker<string, void>(
    async (_, context) => {
      left.push(context.getRemainingTimeInMillis());
    },
    { name: "probe", timeoutMs: 5000, isOver: () => isOver },
  );
  await invoke("a");
  isOver = true;
  await invoke("b");
  assert.equal(left[1], 0);
});
