import { monotonicFactory } from "ulid";
import { ApiError } from "../../lib/api/client.ts";
import { judgeBetween } from "../../lib/cloud/between.ts";
import type { CloudClient } from "../../lib/cloud/client.ts";
import type { Fault, Outcome } from "../../lib/cloud/faults.ts";
import { CloudName, HOME, type Seen, VantageName, type Verdict } from "../../lib/cloud/schema.ts";
import { type Ticked, tick } from "../../lib/cloud/tick.ts";
import type { Event } from "../../lib/event/schema.ts";
import { type BatchDeps, type NamedBy, reconcileBatch } from "../../lib/stack/batch.ts";
import type { StackView } from "../../lib/stack/deps.ts";
import { reconcileStack } from "../../lib/stack/reconcile.ts";
import { type Share, Stack, StackName, weightSum } from "../../lib/stack/schema.ts";
import { hostOf, type Witness } from "../../lib/stack/witness.ts";
import { cloudTable } from "../../lib/table/clouds.ts";
import { eventTable } from "../../lib/table/events.ts";
import type { Key, Table } from "../../lib/table/item.ts";
import { passesFilter } from "../../lib/table/records.ts";
import { stackTable } from "../../lib/table/stacks.ts";
import { type Committed, type MemoryRecord, memoryTable } from "./memory-table.ts";
import { type Order, type Place, placesOf } from "./places.ts";
import { mulberry32, type Owner, type Run, scheduler } from "./scheduler.ts";
import {
  type CloudWatch,
  type Cut,
  type SimulatedCloud,
  simulatedCloud,
} from "./simulated-cloud.ts";
import { trueTimes } from "./true-times.ts";

export type World = ReturnType<typeof world>;
export type Skews = { home: number; lanes: number[]; api: number };

/** A spectator of everything; the product never sees it. No owner: a person, or a test. */
export type Watch = {
  onCommit: (owner: Owner | undefined, changes: Committed[]) => void;
  onRead: (owner: Owner, key: Key) => void;
  ofCloud: (cloud: string) => CloudWatch;
};

const MINUTE = 60_000;
/** Between two judgements of what was left open. */
const NAP_MS = 500;
const usual = {
  retryPauseMs: MINUTE,
  longestPauseMs: 60 * MINUTE,
  pushSilenceMs: 5 * MINUTE,
  stuckGraceMs: 5 * MINUTE,
  updateTimeoutMs: 60 * MINUTE,
  vantage: HOME,
  misses: 3,
  intervalMs: 10_000,
  deadlineMs: 5_000,
  observeEveryMs: MINUTE,
  loginPauseMs: MINUTE,
  busySilenceMs: MINUTE,
  suspicionWindowMs: 10 * MINUTE,
};

/**
 * Clouds, a table, and the real probe, stores and reconcile between them, in virtual time: one
 * seed, one course of events. Nothing happens by itself; `pass` lets time pass as the schedule and
 * the stream would have it.
 */
export function world(
  options: {
    clouds?: string[];
    seed?: number;
    updateMs?: number;
    lanes?: number;
    watch?: Watch;
    /** Vantages beside home. */
    places?: Place[];
    misses?: number;
    /** How far the clocks of home, each lane of reconcile and the API are ahead. Milliseconds. */
    skews?: Skews;
  } = {},
) {
  const {
    clouds: names = ["athens", "lisbon", "manchester"],
    seed = 1,
    updateMs = 5_000,
    watch,
    places = [],
    misses = usual.misses,
    skews = { home: 0, lanes: [], api: 0 },
  } = options;
  const settings = { ...usual, misses };
  const time = scheduler(seed);
  let actor: Owner | undefined;
  const truth = trueTimes();
  const table = memoryTable((changes) => {
    truth.committed(actor, changes);
    watch?.onCommit(actor, changes);
  });
  const acting = <T>(owner: Owner, act: () => T): T => {
    actor = owner;
    const result = act();
    actor = undefined;
    return result;
  };
  /** Between whom and what nothing gets through: `office athens`, `office table`, `reconcile athens`. */
  const cuts = new Map<string, Cut>();
  const clouds = new Map<string, SimulatedCloud>(
    names.map((name) => {
      const cutOff = ({ place = "reconcile" }: Owner) => cuts.get(`${place} ${name}`);
      const spectator = watch ? { watch: watch.ofCloud(name) } : {};
      return [name, simulatedCloud(name, time, { updateMs, cutOff, ...spectator })];
    }),
  );
  const ulid = monotonicFactory(mulberry32(seed + 1));
  const newId = () => ulid(time.now().getTime());
  const stores = { ...cloudTable(table), ...stackTable(table) };
  const events: Event[] = [];
  const thrown: unknown[] = [];
  let read = 0;
  let pending: MemoryRecord[] = [];
  let underWay: { run: Run; batch: MemoryRecord[]; lane: number }[] = [];

  const of = (cloud: string): SimulatedCloud => {
    const found = clouds.get(cloud);
    if (!found) throw new Error(`no cloud ${cloud}`);
    return found;
  };

  /** The table, or the API before it, from there; a path that hangs takes as long as a deadline. */
  async function pass(owner: Owner): Promise<void> {
    const cut = cuts.get(`${owner.place} table`);
    if (cut === undefined) return;
    await time.turn(owner);
    if (cut === "hang") await time.sleep(owner, 5_000);
    throw new Unreachable();
  }

  function depsOf(owner: Owner) {
    const turned = inTurn(table, {
      turn: async () => {
        if (cuts.size > 0) await pass(owner);
        await time.turn(owner);
      },
      act: (work) => acting(owner, work),
      onRead: (key) => watch?.onRead(owner, key),
    });
    const own = { ...cloudTable(turned), ...stackTable(turned) };
    const vantage = owner.place === undefined ? HOME : VantageName.parse(owner.place);
    return {
      ...own,
      now: () => new Date(time.now().getTime() + (owner.skewMs ?? 0)),
      newId,
      random: time.random,
      sleep: (ms: number) => time.sleep(owner, ms),
      settings: { ...settings, vantage },
      log: () => {},
      cloudNames: () => names.map((name) => CloudName.parse(name)),
      cloudClient: (cloud: CloudName): Outcome<CloudClient> =>
        of(cloud).isConfigured
          ? { ok: true, value: of(cloud).client(owner) }
          : { ok: false, fault: unconfigured },
      /** A witness is named by its cloud: `{ tcp: "athens:80" }`. */
      askWitness: (witness: Witness) => of(hostOf(witness)).answers(owner),
      stacksWeighing: (cloud: CloudName) => own.listStacksWeighing([cloud]),
      announce: async (announced: Event[]) => {
        events.push(...announced);
        return [];
      },
      remainingMs: () => 10 * MINUTE,
      report: (_: StackName, error: unknown) => {
        thrown.push(error);
      },
    };
  }

  const agents = placesOf({
    time,
    skewMs: skews.api,
    intervalMs: settings.intervalMs,
    apiDeps: (owner) => {
      const { settings: own, ...deps } = depsOf(owner);
      const events = eventTable(table);
      return { ...events, ...deps, settings: own, judging: own, witness: { allowsPrivate: true } };
    },
    cloudNames: () => names.map((name) => CloudName.parse(name)),
    cloudClient: (owner, cloud) => ({ ok: true, value: of(cloud).client(owner) }),
    pass,
  });

  /** One tick of a vantage beside home, when its time comes. */
  function probeFrom(place: Place): Run {
    const { name, kind, phaseMs, skewMs } = place;
    const work = async (owner: Owner) => {
      if (phaseMs > 0) await time.sleep(owner, phaseMs);
      try {
        if (kind === "agent") await agents.vote(owner, place);
        else await tick(depsOf(owner));
      } catch (error) {
        if (!(error instanceof Unreachable)) thrown.push(error);
      }
    };
    return time.start(kind === "agent" ? "agent" : "probe", work, { place: name, skewMs });
  }

  /** What each idle lane may take now; what failed, or whose run died, comes again first. */
  function taken(count: number): Map<number, MemoryRecord[]> {
    const dead = underWay.filter(({ run }) => run.owner.isDead);
    underWay = underWay.filter(({ run }) => !run.hasEnded());
    const fresh = table.records.slice(read).filter(({ keys: key }) => passesFilter(key));
    read = table.records.length;
    pending = [...dead.flatMap(({ batch }) => batch), ...pending, ...fresh].filter(
      () => one.stream.loses === 0 || time.random() >= one.stream.loses,
    );
    const busy = new Set(underWay.map(({ lane }) => lane));
    const late = new Set<string>();
    const batches = new Map<number, MemoryRecord[]>();
    const left: MemoryRecord[] = [];
    for (const record of pending) {
      const item = `${record.keys.pk}/${record.keys.sk}`;
      const lane = laneOf(record, count);
      // What one item's records wait for, the later ones wait for too.
      if (busy.has(lane) || late.has(item)) left.push(record);
      else if (one.stream.delays > 0 && time.random() < one.stream.delays) {
        late.add(item);
        left.push(record);
      } else batches.set(lane, [...(batches.get(lane) ?? []), record]);
    }
    const taken = [...batches.values()].flat();
    const repeated = taken.filter(() => one.stream.repeats > time.random());
    pending = [...repeated, ...left];
    return batches;
  }

  /** Starts one reconcile for each idle lane that has records. */
  function lanes(overrides: Partial<BatchDeps> = {}): Run[] {
    return [...taken(options.lanes ?? 2)].map(([lane, batch]) => {
      const work = async (owner: Owner) => {
        const failed = await reconcileBatch({ ...depsOf(owner), ...overrides }, batch.map(namedBy));
        const first = Math.min(...failed.map(Number));
        pending.push(...batch.filter(({ sequence }) => sequence >= first));
      };
      const run = time.start("reconcile", work, { skewMs: skews.lanes[lane] ?? 0 });
      underWay.push({ run, batch, lane });
      return run;
    });
  }

  const one = {
    clouds: names,
    time,
    table,
    stores,
    settings,
    skews,
    /** When what the items tell of really was. */
    truth,
    /** The part of all records that get lost, that come twice, and that come later. */
    stream: { loses: 0, repeats: 0, delays: 0 },
    /** Facts that reached the bus, and what made a reconcile throw. */
    events,
    thrown,
    of,
    depsOf,
    lanes,
    cuts,
    /** What every declaration names, unless it says otherwise. */
    witnesses: undefined as Stack["witnesses"],
    /** Whatever was to go wrong is over. */
    isHealed: false,
    /** Since when a cloud's network has been what it is. Milliseconds. */
    lostAt: new Map<string, number>(),
    /** Vantages beside home; one that is stopped does not tick. */
    places: places.map((place) => ({ ...place, isStopped: false })),
    probeFrom,
    restart: agents.restart,
    /** What a person asks of the API. */
    order: (order: Order) => agents.order(order),

    /** Writes a declaration as the API does. */
    async declare(change: Partial<Stack> = {}, name = "web"): Promise<Stack> {
      const stack_name = StackName.parse(name);
      const found = await stores.readStack(stack_name);
      const current = found?.deleted_at === undefined ? found : undefined;
      const at = time.now().toISOString();
      const witnesses = one.witnesses ? { witnesses: one.witnesses } : {};
      const draft = { ...fresh(stack_name, newId(), at), ...current, ...witnesses, ...change };
      const stack = Stack.parse({
        ...draft,
        generation: (found?.generation ?? 0) + 1,
        completed: draft.completed || weightSum(draft.weights) === 1,
        updated_at: at,
      });
      await saved(stack, found);
      return stack;
    },
    /** Leaves a tombstone, as the API does. */
    async forget(name = "web"): Promise<void> {
      const found = await stores.readStack(StackName.parse(name));
      if (!found) return;
      const at = time.now().toISOString();
      const expires_at = Math.ceil(time.now().getTime() / 1000) + 30 * 86_400;
      const generation = found.generation + 1;
      await saved({ ...found, generation, deleted_at: at, updated_at: at, expires_at }, found);
    },
    async drain(cloud: string, drained = true): Promise<void> {
      const name = CloudName.parse(cloud);
      const before = await stores.readOrders(name);
      const at = time.now().toISOString();
      await stores.saveOrders({ ...before, cloud: name, drained, at }, before?.at, []);
    },
    /** Confirms or refutes a suspicion, if there is one. */
    async answer(cloud: string, how: "confirmed" | "refuted"): Promise<void> {
      const name = CloudName.parse(cloud);
      const verdict = await stores.readVerdict(name);
      if (verdict?.verdict !== "suspected") return;
      const before = await stores.readOrders(name);
      const at = time.now().toISOString();
      const answered = { [how]: { since: verdict.since, at } };
      const orders = { drained: false, ...before, ...answered, cloud: name, at };
      await stores.saveOrders(orders, before?.at, []);
    },
    async ask(name = "web"): Promise<void> {
      const at = time.now().toISOString();
      await stores.wake(StackName.parse(name), at, at);
    },

    /** A tick of home, and what it does until the next one has ended. */
    probe: (): Run => {
      const work = async (owner: Owner) => {
        const deps = depsOf(owner);
        let { open } = await tick(deps);
        while (open && time.now().getTime() - owner.startedAt < settings.intervalMs + 5_000) {
          await time.sleep(owner, NAP_MS);
          const { isOpen } = await judgeBetween(deps, open);
          if (!isOpen) open = undefined;
        }
      };
      return time.start("probe", work, { place: HOME, skewMs: skews.home });
    },
    /** One tick of the probe, alone, and before it one of every other vantage. */
    async tick(): Promise<Ticked> {
      const all: Ticked[] = [];
      const running = one.places.filter(({ isStopped }) => !isStopped);
      await time.finish(running.map((place) => probeFrom({ ...place, phaseMs: 0 })));
      const home = async (owner: Owner) => {
        all.push(await tick(depsOf(owner)));
      };
      await one.run("probe", home, { place: HOME, skewMs: skews.home });
      const [ticked] = all;
      if (!ticked) throw new Error("the tick did not end");
      return ticked;
    },
    /** One run of reconcile, alone. */
    reconcile: (name = "web"): Promise<void> =>
      one.run("reconcile", (owner) =>
        reconcileStack(depsOf(owner), StackName.parse(name), { givenUp: new Map() }),
      ),
    async run(
      name: string,
      work: (owner: Owner) => Promise<void>,
      more: Pick<Owner, "place" | "skewMs"> = {},
    ): Promise<void> {
      const run = time.start(name, work, more);
      await time.finish([run]);
      if (run.error() !== undefined) throw run.error();
    },
    /** Reconciles whatever the stream names, until it names nothing any more. */
    async drainStream(): Promise<void> {
      for (let round = 0; round < 200; round += 1) {
        lanes();
        const runs = underWay.map(({ run }) => run);
        if (runs.length === 0 && pending.length === 0) return;
        await time.finish(runs);
        for (const run of runs) if (run.error() !== undefined) throw run.error();
      }
      const last = table.records.slice(-12).map((record) => JSON.stringify(record));
      throw new Error(`the stream never ends: something wakes itself\n${last.join("\n")}`);
    },
    /**
     * Lets so many milliseconds pass: a tick every ten seconds (or, where hours must pass, less often),
     * and the stream read all the time.
     */
    async pass(ms: number, every = settings.intervalMs): Promise<void> {
      const end = time.now().getTime() + ms;
      while (time.now().getTime() < end) {
        const next = time.now().getTime() + every;
        await one.tick();
        await one.drainStream();
        time.skip(Math.max(0, next - time.now().getTime()));
      }
      await one.drainStream();
    },

    view: (name = "web"): Promise<StackView> => stores.readStackView(StackName.parse(name)),
    async state(name = "web"): Promise<string | undefined> {
      return (await one.view(name)).status?.state;
    },
    async condition(type: string, name = "web") {
      const { status } = await one.view(name);
      return status?.conditions.find((condition) => condition.type === type);
    },
    async share(cloud: string, name = "web"): Promise<Share> {
      const found = (await one.view(name)).shares.find((share) => share.cloud === cloud);
      if (!found) throw new Error(`no share in ${cloud}`);
      return found;
    },
    async seen(cloud: string, name = "web"): Promise<Seen | undefined> {
      return (await one.view(name)).seen.get(CloudName.parse(cloud));
    },
    verdict: (cloud: string): Promise<Verdict | undefined> =>
      stores.readVerdict(CloudName.parse(cloud)),
    /** What each cloud's count parameter says. */
    counts: (name = "web"): (number | undefined)[] => names.map((cloud) => of(cloud).count(name)),
    desired: async (name = "web"): Promise<number[]> => {
      const { shares } = await one.view(name);
      return names.map((cloud) => shares.find((share) => share.cloud === cloud)?.desired ?? 0);
    },
    patches: (): number => names.reduce((sum, cloud) => sum + of(cloud).patches.length, 0),
    /** Writes that changed something; records of these make the world go round. */
    writes: (): number => table.records.length,
    types: (): string[] => events.map(({ type }) => type),
  };

  async function saved(stack: Stack, previous: Stack | undefined): Promise<void> {
    const { stack_name, generation } = stack;
    const at = time.now().toISOString();
    const text = { message: "declared", changes: [], cause: "a test" };
    const type = stack.deleted_at === undefined ? "stack.declared" : "stack.deleted";
    const event: Event = { id: newId(), at, type, stack_name, generation, ...text };
    if (!(await stores.saveStack({ stack, previous, event }))) throw new Error("not saved");
  }

  return one;
}

/** A cut path to the table, or to the API before it. */
class Unreachable extends ApiError {
  constructor() {
    super({ status: 0, code: "connection.failed", detail: "the path is cut" });
  }
}

function fresh(stack_name: StackName, uid: string, at: string): Omit<Stack, "generation"> {
  return {
    stack_name,
    uid,
    count: 0,
    count_parameter: "count",
    weights: {},
    policy: {
      failover: "even",
      order: "make_before_break",
      failback: "auto",
      evidence: "api_and_workload",
    },
    paused: false,
    partial: false,
    completed: false,
    created_at: at,
    updated_at: at,
  };
}

const unconfigured: Fault = {
  class: "config",
  code: "clouds_yaml",
  message: "The entry cannot be read.",
};

type Acting = {
  turn: () => Promise<void>;
  act: <T>(work: () => T) => T;
  onRead: (key: Key) => void;
};

/** A table whose every call waits for its turn, before it and after it. */
function inTurn(table: Table, { turn, act, onRead }: Acting): Table {
  const waiting =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await turn();
      const answer = await act(() => call(...args));
      await turn();
      return answer;
    };
  const get = waiting(table.get);
  return {
    get: (key) => {
      onRead(key);
      return get(key);
    },
    getMany: waiting(table.getMany),
    query: waiting(table.query),
    write: waiting(table.write),
    transact: waiting(table.transact),
  };
}

/** As the handler does with a stream record. */
function namedBy({ sequence, eventName, keys: { pk, sk }, newImage }: MemoryRecord): NamedBy {
  const base = { sequence: String(sequence) };
  if (sk.startsWith("EVENT#")) {
    return eventName === "INSERT" ? { ...base, event: newImage as unknown as Event } : base;
  }
  if (pk === "VERDICT" || pk === "CLOUD") return { ...base, cloud: CloudName.parse(sk) };
  if (pk === "STACK") return { ...base, stack: StackName.parse(sk) };
  const name = sk === "WAKE" ? pk.slice("STACK#".length) : sk.slice(sk.indexOf("#") + 1);
  return { ...base, stack: StackName.parse(name) };
}

/** The records of one item stay in one lane, and in order. */
function laneOf({ keys: { pk, sk } }: MemoryRecord, lanes: number): number {
  return [...`${pk}/${sk}`].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % lanes;
}
