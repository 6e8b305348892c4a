import { Seen, Verdict } from "../../lib/cloud/schema.ts";
import { type Push, Share, Stack, Status } from "../../lib/stack/schema.ts";
import type { Committed } from "../support/memory-table.ts";
import type { Owner } from "../support/scheduler.ts";
import type { SimulatedStack } from "../support/simulated-cloud.ts";
import type { World } from "../support/world.ts";
import { frozenSends } from "./frozen.ts";
import type { Complain, Watcher } from "./monitor.ts";

type Past<T> = { until: number; value: T };

/** Invariant 6, and the rules of DESIGN 3.2 by which a push may be sent. */
export function watchPushes(one: World, complain: Complain): Watcher {
  const frozen = frozenSends();
  /** Who wrote a push down, by its id. */
  const writers = new Map<string, Owner | undefined>();
  /** Declarations by uid and generation: a push is held to its own. */
  const declared = new Map<string, Stack>();
  /** What SEENs and VERDICTs said before, and until when: a run decides on what it read. */
  const pastSeen = new Map<string, Past<Seen>[]>();
  const pastVerdicts = new Map<string, Past<Verdict>[]>();
  /** When a run last read what is known of a stack. */
  const viewReadAt = new Map<Owner, Map<string, number>>();
  const fullReads = new Map<Owner, Map<string, { at: number; isRunning: boolean }>>();
  /** What was taken at its word after a resume, as nobody can know what failed before it. */
  const blind = new Set<string>();
  const nowMs = () => one.time.now().getTime();

  /** Whoever judges dates the return when it begins to write it. */
  function returnedMs({ returned_at }: Verdict): number {
    return returned_at === undefined ? 0 : Date.parse(returned_at) - one.skews.home;
  }

  function seenThere(stack: string, cloud: string, since: number): Seen[] {
    const item = one.table.peek({ pk: `CLOUD#${cloud}`, sk: `SEEN#${stack}` });
    const past = (pastSeen.get(`${cloud}/${stack}`) ?? []).filter(({ until }) => until >= since);
    return [...past.map(({ value }) => value), ...(item ? [Seen.parse(item)] : [])];
  }

  function verdictsOn(cloud: string, since: number): Verdict[] {
    const item = one.table.peek({ pk: "VERDICT", sk: cloud });
    const past = (pastVerdicts.get(cloud) ?? []).filter(({ until }) => until >= since);
    return [...past.map(({ value }) => value), ...(item ? [Verdict.parse(item)] : [])];
  }

  /** What can have been known to be in place, less what our own pushes there ask for. */
  function placesOf(share: Share, stack: Stack, since: number): number[] {
    const { cloud, push, lost } = share;
    const verdicts = verdictsOn(cloud, since);
    return verdicts.flatMap((verdict) => {
      const isReleased = (stack.released?.at ?? "") > (verdict.returned_at ?? "");
      const waits = stack.policy.failback === "manual" && lost && !isReleased;
      if (verdict.verdict !== "reachable" || waits) return [];
      return seenThere(stack.stack_name, cloud, since)
        .filter((seen) => seen.parameter === stack.count_parameter)
        .filter((seen) => one.truth.read(seen) >= returnedMs(verdict))
        .map((seen) =>
          push && !isOver(push, seen) ? Math.min(seen.in_place, push.count) : seen.in_place,
        );
    });
  }

  /** In the product's favour: a run may have read any of them. */
  function placeOf(share: Share, stack: Stack, since: number): number {
    return Math.max(0, ...placesOf(share, stack, since));
  }

  function isOver(push: Push, seen: Seen): boolean {
    if (push.answered?.outcome === "refused") return true;
    if (seen.heat_stack_id !== push.before.heat_stack_id) return true;
    // An update that somebody began after ours may have failed: only a COMPLETE read since says.
    const { pushed, complete, read } = one.truth;
    const completeAt = complete(seen);
    if (completeAt !== undefined && completeAt <= pushed(push)) return false;
    return read(seen) > pushed(push) && !seen.heat_status?.endsWith("_IN_PROGRESS");
  }

  function neverBelow(owner: Owner, share: Share, push: Push, last: Push | undefined): void {
    const status = Status.parse(one.table.peek({ pk: "STATUS", sk: share.stack_name }));
    const stack = declared.get(`${status.uid} ${push.generation}`);
    if (!stack || stack.policy.order === "at_once") return;
    const since = viewReadAt.get(owner)?.get(share.stack_name) ?? 0;
    const unpushed: Share = { ...share, push: last };
    const before = Math.min(...placesOf(unpushed, stack, since));
    if (push.count >= before) return;
    const shares = one.table
      .peekAll(`STACK#${share.stack_name}`, "SHARE#")
      .map((item) => Share.parse(item))
      .filter(({ cloud }) => Object.hasOwn(stack.weights, cloud));
    const total = shares.reduce((sum, { desired }) => sum + desired, 0);
    const places = shares.map((each) => `${each.cloud} ${placeOf(each, stack, since)}`);
    const place = shares.reduce((sum, each) => sum + placeOf(each, stack, since), 0);
    const floor = Math.min(status.old_total ?? total, total);
    if (place < floor) {
      const what = `${share.stack_name}: ${share.cloud} ${before} -> ${push.count} leaves ${places.join(", ")}`;
      complain("6 never below", `${what}: ${place} of ${floor}`);
    }
  }

  /** What is said to be in place must run, unless somebody else was at it since. */
  function believable(seen: Seen): void {
    const stack = seen.heat_stack_id ? one.of(seen.cloud).byId(seen.heat_stack_id) : undefined;
    if (!stack || seen.in_place <= stack.runs) return;
    const { read, complete, pushed } = one.truth;
    if (stack.touchedAt >= (complete(seen) ?? read(seen))) return;
    if (/^(CHECK|RESUME)_/.test(seen.heat_status ?? "")) {
      const said = `${seen.heat_stack_id} ${seen.complete_at} ${seen.in_place}`;
      if (seen.complete_at === seen.read_at) blind.add(said);
      if (blind.has(said)) return;
    }
    // A push of ours that began since the read takes some away at once.
    if (stack.startedAt >= read(seen)) return;
    // One that was carried out and overtaken unseen is known by its own number.
    const item = one.table.peek({ pk: `STACK#${stack.name}`, sk: `SHARE#${seen.cloud}` });
    const push = item?.push as Push | undefined;
    if (push && (complete(seen) ?? 0) <= pushed(push) && push.count <= stack.runs) return;
    complain(
      "6 never below",
      `${seen.cloud}: ${seen.in_place} in place is said, ${stack.runs} run`,
    );
  }

  function written(owner: Owner | undefined, { before, after }: Committed): void {
    const share = after && Share.parse(after);
    const old = before?.push as Push | undefined;
    if (!share?.push || share.push.id === old?.id) return;
    const { push } = share;
    writers.set(push.id, owner);
    if (owner) neverBelow(owner, share, push, old);
  }

  function sent(
    owner: Owner,
    cloud: string,
    id: string,
    count: number,
    stack: SimulatedStack | undefined,
  ): void {
    const name = stack?.name ?? "web";
    const item = one.table.peek({ pk: `STACK#${name}`, sk: `SHARE#${cloud}` });
    const push = item && Share.parse(item).push;
    if (frozen.isOne(owner, cloud, name, count)) return;
    const isOurs = push && writers.get(push.id) === owner && push.count === count;
    if (!isOurs) complain("fencing", `${cloud} gets a PATCH of ${count} that is not written down`);
    const read = fullReads.get(owner)?.get(id);
    if (!read) complain("fencing", `${cloud} gets a PATCH without a read in the same run`);
    if (stack) overtaking(cloud, stack, read);
  }

  function overtaking(
    cloud: string,
    { update, touchedAt }: SimulatedStack,
    read: { at: number; isRunning: boolean } | undefined,
  ): void {
    if (!update || update.end === "never") return;
    const isForeign = touchedAt >= update.startedAt;
    const wasSeen =
      read !== undefined && update.startedAt < read.at && nowMs() - update.startedAt < 10 * 60_000;
    if (!isForeign || wasSeen) complain("fencing", `${cloud} gets a PATCH during an update`);
  }

  return {
    read: (owner, { pk, sk }) => {
      // STATUS is read first, whenever a run begins anew.
      if (pk !== "STATUS") return;
      viewReadAt.set(owner, (viewReadAt.get(owner) ?? new Map()).set(sk, nowMs()));
    },
    answer: (owner, cloud, call, fault) => {
      if (!call.startsWith("show ") || fault) return;
      const id = call.slice("show ".length);
      const own = fullReads.get(owner) ?? new Map();
      fullReads.set(owner, own);
      own.set(id, { at: nowMs(), isRunning: one.of(cloud).byId(id)?.update !== undefined });
    },
    committed: (owner, changes) => {
      for (const change of changes) {
        const { key, before, after } = change;
        if (key.pk === "STACK" && after) {
          const stack = Stack.parse(after);
          declared.set(`${stack.uid} ${stack.generation}`, stack);
        }
        if (key.pk === "VERDICT" && before) remember(pastVerdicts, key.sk, Verdict.parse(before));
        if (key.sk.startsWith("SEEN#") && before) {
          const seen = Seen.parse(before);
          remember(pastSeen, `${seen.cloud}/${seen.stack_name}`, seen);
        }
        if (key.sk.startsWith("SEEN#") && after) believable(Seen.parse(after));
        frozen.committed(owner, change);
        if (key.sk.startsWith("SHARE#")) written(owner, change);
      }
    },
    patch: (owner, cloud, { ref, count }, stack) => {
      if (owner) sent(owner, cloud, ref.heat_stack_id, count, stack);
    },
  };

  function remember<T>(past: Map<string, Past<T>[]>, key: string, value: T): void {
    const recent = (past.get(key) ?? []).filter(({ until }) => nowMs() - until < 10 * 60_000);
    past.set(key, [...recent, { until: nowMs(), value }]);
  }
}
