import type { Owner } from "../support/scheduler.ts";
import type { World } from "../support/world.ts";
import type { Complain, Watcher } from "./monitor.ts";

/** Longer than this no call may keep a run, its own freezing left out: two deadlines, and the others' steps. */
const MOST_MS = 15_000;

/** Invariant 8: a sick cloud costs one deadline a run, in parallel, and nothing else. */
export function watchCalls(one: World, complain: Complain): Watcher {
  const begun = new Map<Owner, number>();
  /** Where a run heard a silence: the stacks that it was already at work on there, and those that heard it. */
  const silences = new Map<Owner, Map<string, { atWork: Set<string>; heard: Set<string> }>>();
  const called = new Map<Owner, Map<string, Set<string>>>();
  const nowMs = () => one.time.now().getTime();

  /** What a call is about: a stack by its name; a list is about none. */
  function subjectOf(cloud: string, call: string): string {
    const [verb, name = ""] = call.split(" ");
    return verb === "find" ? name : (one.of(cloud).byId(name)?.name ?? "");
  }

  return {
    call: (owner, cloud, call) => {
      if (!begun.has(owner)) begun.set(owner, nowMs());
      const subject = subjectOf(cloud, call);
      const silence = silences.get(owner)?.get(cloud);
      if (silence && (silence.heard.has(subject) || !silence.atWork.has(subject))) {
        complain(
          "8 one sick cloud delays nobody",
          `${owner.name} asks silent ${cloud} for ${call}`,
        );
      }
      const own = called.get(owner) ?? new Map<string, Set<string>>();
      called.set(owner, own.set(cloud, (own.get(cloud) ?? new Set()).add(subject)));
      const took = nowMs() - (begun.get(owner) ?? 0) - owner.stalledMs;
      if (one.time.stalls.part === 0 && took > MOST_MS) {
        complain("8 one sick cloud delays nobody", `${owner.name} is ${took} ms old at ${cloud}`);
      }
    },
    answer: (owner, cloud, call, fault) => {
      if (fault?.class !== "path" && fault?.class !== "service") return;
      const own = silences.get(owner) ?? new Map();
      silences.set(owner, own);
      const atWork = new Set(called.get(owner)?.get(cloud));
      const silence = own.get(cloud) ?? { atWork, heard: new Set() };
      silence.heard.add(subjectOf(cloud, call));
      own.set(cloud, silence);
    },
  };
}
