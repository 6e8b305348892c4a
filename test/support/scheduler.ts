/** Something that waits for its turn, or for a time. */
type Waiting = { owner: Owner; resume: () => void };
/** Whose turn it is: a run of one function, which may be killed between any two of its steps. */
export type Owner = { name: string; isDead: boolean };

export type Scheduler = {
  now: () => Date;
  random: () => number;
  /** Waits until the scheduler picks this owner: every read, write and call goes through here. */
  turn: (owner: Owner) => Promise<void>;
  /** Waits for so many virtual milliseconds. */
  sleep: (owner: Owner, ms: number) => Promise<void>;
  /** Lets all go on, one step at a time, until these have ended or been killed. */
  finish: (runs: Run[]) => Promise<void>;
  /** Starts a function on behalf of a new owner. */
  start: (name: string, work: (owner: Owner) => Promise<void>) => Run;
  /** Nothing runs meanwhile. */
  skip: (ms: number) => void;
};
export type Run = { owner: Owner; hasEnded: () => boolean; error: () => unknown };

/** Every step takes so long, so that no two things happen at one time. Milliseconds. */
const STEP_MS = 1;

/**
 * Virtual time, and a seeded choice of who goes next among all that wait. One seed, one course of
 * events: a failing one can be replayed.
 */
export function scheduler(seed: number, startAt = "2026-01-01T00:00:00.000Z"): Scheduler {
  const random = mulberry32(seed);
  let nowMs = Date.parse(startAt);
  let ready: Waiting[] = [];
  let timers: (Waiting & { at: number })[] = [];
  const now = () => new Date(nowMs);

  const step = () => {
    ready = ready.filter(({ owner }) => !owner.isDead);
    timers = timers.filter(({ owner }) => !owner.isDead).sort((a, b) => a.at - b.at);
    const due = timers.filter(({ at }) => at <= nowMs);
    const choice = [...ready, ...due];
    const next = choice[Math.floor(random() * choice.length)] ?? timers[0];
    if (!next) throw new Error("nobody can go on: something waits for what never comes");
    if ("at" in next) nowMs = Math.max(nowMs, next.at as number);
    nowMs += STEP_MS;
    ready = ready.filter((one) => one !== next);
    timers = timers.filter((one) => one !== next);
    next.resume();
  };

  return {
    now,
    random,
    turn: (owner) => new Promise((resume) => ready.push({ owner, resume })),
    sleep: (owner, ms) =>
      new Promise((resume) => timers.push({ owner, resume, at: nowMs + Math.max(0, ms) })),
    start: (name, work) => {
      const owner: Owner = { name, isDead: false };
      const state: { ended: boolean; error?: unknown } = { ended: false };
      work(owner)
        .catch((error: unknown) => {
          state.error = error;
        })
        .finally(() => {
          state.ended = true;
        });
      return { owner, hasEnded: () => state.ended || owner.isDead, error: () => state.error };
    },
    finish: async (runs) => {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        if (runs.every((run) => run.hasEnded())) return;
        step();
      }
    },
    skip: (ms) => {
      nowMs += ms;
    },
  };
}

/** A small seeded generator of numbers from 0 up to 1 (Tommy Ettinger's mulberry32). */
export function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
