import type { Fault } from "../../lib/cloud/faults.ts";
import type { Key } from "../../lib/table/item.ts";
import type { Committed } from "../support/memory-table.ts";
import type { Owner } from "../support/scheduler.ts";
import type { Patch, SimulatedStack } from "../support/simulated-cloud.ts";
import type { Watch, World } from "../support/world.ts";
import { watchCalls } from "./watch-calls.ts";
import { watchClouds } from "./watch-clouds.ts";
import { watchEvidence } from "./watch-evidence.ts";
import { watchLedger } from "./watch-ledger.ts";
import { watchPauses } from "./watch-pauses.ts";
import { watchPushes } from "./watch-pushes.ts";
import { watchStacks } from "./watch-stacks.ts";
import { watchWitnesses } from "./watch-witnesses.ts";

/** Something that should never be seen: named by the invariant of DESIGN section 1. */
export type Complain = (invariant: string, what: string) => void;

/** One part of the monitor: told of every step, and complains. */
export type Watcher = {
  committed?: (owner: Owner | undefined, changes: Committed[]) => void;
  read?: (owner: Owner, key: Key) => void;
  call?: (owner: Owner, cloud: string, call: string) => void;
  answer?: (owner: Owner, cloud: string, call: string, fault: Fault | undefined) => void;
  patch?: (
    owner: Owner | undefined,
    cloud: string,
    patch: Patch,
    stack: SimulatedStack | undefined,
  ) => void;
  witness?: (owner: Owner, cloud: string, answers: boolean) => void;
  /** What runs in a cloud changed. */
  changed?: () => void;
};
export type WatcherOf = (one: World, complain: Complain) => Watcher;

export type Monitor = Watch & {
  /** To be called once, before anything happens. */
  attach: (one: World) => void;
  /** Throws the first complaint, if there is one. */
  check: () => void;
};

/**
 * Holds every step of a world to the invariants. It knows what the clouds really did and what the
 * table says, and nothing of how the product decides.
 */
export function monitor(more: WatcherOf[] = []): Monitor {
  const complaints: string[] = [];
  let watchers: Watcher[] = [];
  return {
    attach: (one) => {
      const complain: Complain = (invariant, what) => {
        complaints.push(`${invariant}: ${what} (${one.time.now().toISOString()})`);
      };
      const all = [
        watchClouds,
        watchStacks,
        watchPushes,
        watchPauses,
        watchCalls,
        watchEvidence,
        watchWitnesses,
        watchLedger,
        ...more,
      ];
      watchers = all.map((of) => of(one, complain));
      for (const cloud of one.clouds) {
        one.of(cloud).onChange = () => {
          for (const watcher of watchers) watcher.changed?.();
        };
      }
    },
    check: () => {
      if (complaints.length > 0) throw new Error(complaints[0]);
    },
    onCommit: (owner, changes) => {
      for (const watcher of watchers) watcher.committed?.(owner, changes);
    },
    onRead: (owner, key) => {
      for (const watcher of watchers) watcher.read?.(owner, key);
    },
    ofCloud: (cloud) => ({
      onCall: (owner, call) => {
        for (const watcher of watchers) watcher.call?.(owner, cloud, call);
      },
      onAnswer: (owner, call, fault) => {
        for (const watcher of watchers) watcher.answer?.(owner, cloud, call, fault);
      },
      onPatch: (owner, patch, stack) => {
        for (const watcher of watchers) watcher.patch?.(owner, cloud, patch, stack);
      },
      onWitness: (owner, answers) => {
        for (const watcher of watchers) watcher.witness?.(owner, cloud, answers);
      },
    }),
  };
}
