/** Something that waits for its turn, or for a time. */
type Waiting = { owner: Owner; resume: () => void };
/** Whose turn it is: a run of one function, which may be killed between any two of its steps. */
export type Owner = {
  name: string;
  isDead: boolean;
  /** Milliseconds of its time that it was frozen. */
  stalledMs: number;
  /** Virtual time, in milliseconds. */
  startedAt: number;
  /** Where it runs, if that is a vantage. */
  place?: string;
  /** Who sent the request that it answers. */
  behalf?: Owner;
  /** How far its clock is ahead. Milliseconds. */
  skewMs?: number;
};

export type Scheduler = {
  now: () => Date;
  random: () => number;
  /** Waits until the scheduler picks this owner: every read, write and call goes through here. */
  turn: (owner: Owner) => Promise<void>;
  /** Waits for so many virtual milliseconds. */
  sleep: (owner: Owner, ms: number) => Promise<void>;
  /** The part of all steps before which a run is frozen for up to so many milliseconds. */
  stalls: { part: number; ms: number };
  /** Lets all go on, one step at a time, until these have ended or been killed, or until that time. */
  finish: (runs: Run[], until?: number) => Promise<void>;
  /** Starts a function on behalf of a new owner. */
  start: (
    name: string,
    work: (owner: Owner) => Promise<void>,
    more?: Pick<Owner, "place" | "behalf" | "skewMs">,
  ) => Run;
  /** Nothing runs meanwhile. */
  skip: (ms: number) => void;
};
export type Run = {
  owner: Owner;
  startedAt: number;
  hasEnded: () => boolean;
  endedAt: () => number | undefined;
  error: () => unknown;
};

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

  const stalls = { part: 0, ms: 0 };

  /** False: nothing can go on before that time. */
  const step = (until: number): boolean => {
    ready = ready.filter(({ owner }) => !owner.isDead);
    timers = timers.filter(({ owner }) => !owner.isDead).sort((a, b) => a.at - b.at);
    const due = timers.filter(({ at }) => at <= nowMs);
    const choice = [...ready, ...due];
    const next = choice[Math.floor(random() * choice.length)] ?? timers[0];
    if (!next) throw new Error("nobody can go on: something waits for what never comes");
    const at = "at" in next ? (next.at as number) : nowMs;
    if (Math.max(nowMs, at) >= until) {
      nowMs = Math.max(nowMs, until);
      return false;
    }
    nowMs = Math.max(nowMs, at) + STEP_MS;
    ready = ready.filter((one) => one !== next);
    timers = timers.filter((one) => one !== next);
    next.resume();
    return true;
  };

  const sleep = (owner: Owner, ms: number) =>
    new Promise<void>((resume) => timers.push({ owner, resume, at: nowMs + Math.max(0, ms) }));

  return {
    now,
    random,
    stalls,
    turn: (owner) => {
      if (stalls.part > 0 && random() < stalls.part) {
        const ms = random() * stalls.ms;
        owner.stalledMs += ms;
        return sleep(owner, ms);
      }
      return new Promise((resume) => ready.push({ owner, resume }));
    },
    sleep,
    start: (name, work, more = {}) => {
      const owner: Owner = { name, isDead: false, stalledMs: 0, startedAt: nowMs, ...more };
      const state: { endedAt?: number; error?: unknown } = {};
      const startedAt = nowMs;
      work(owner)
        .catch((error: unknown) => {
          state.error = error;
        })
        .finally(() => {
          state.endedAt = nowMs;
        });
      return {
        owner,
        startedAt,
        hasEnded: () => state.endedAt !== undefined || owner.isDead,
        endedAt: () => state.endedAt,
        error: () => state.error,
      };
    },
    finish: async (runs, until = Number.POSITIVE_INFINITY) => {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        if (runs.every((run) => run.hasEnded()) || !step(until)) return;
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
