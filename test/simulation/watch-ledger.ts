import { CloudName, CloudOrders, Seen, Testimony, Verdict } from "../../lib/cloud/schema.ts";
import type { StackView } from "../../lib/stack/deps.ts";
import { type Entry, ledgerOf } from "../../lib/stack/ledger.ts";
import { Share, Stack, Status } from "../../lib/stack/schema.ts";
import { cloudViews, isDeclared, ofThisStack } from "../../lib/stack/view.ts";
import type { SimulatedStack } from "../support/simulated-cloud.ts";
import type { World } from "../support/world.ts";
import { frozenSends } from "./frozen.ts";
import type { Complain, Watcher } from "./monitor.ts";

/** What is said to be in place and what may run besides: what really runs lies between, at every moment. */
export function watchLedger(one: World, complain: Complain): Watcher {
  /** By heat stack: when somebody else changed it, or a PATCH of ours came that was taken for lost. */
  const unknown = new Map<string, number[]>();
  const frozen = frozenSends();
  const nowMs = () => one.time.now().getTime();

  function remember(id: string, at: number): void {
    const times = unknown.get(id) ?? [];
    if (times.at(-1) !== at) unknown.set(id, [...times, at]);
  }

  function check(): void {
    for (const { sk: name } of one.table.peekAll("STACK")) {
      for (const cloud of one.clouds) {
        const stack = one.of(cloud).find(name);
        if (stack) remember(stack.id, stack.foreignAt);
      }
      for (const entry of entriesNow(one, name)) bounds(name, entry);
    }
  }

  function bounds(name: string, { cloud, in_place, up_to }: Entry): void {
    const stack = one.of(cloud).find(name);
    const seen = one.table.peek({ pk: `CLOUD#${cloud}`, sk: `SEEN#${name}` });
    if (!isKnown(stack, seen && Seen.parse(seen))) return;
    // A check or a resume that went well hides an update before it that failed unseen.
    if (/^(CHECK|RESUME)_/.test(String(seen?.heat_status))) return;
    const [least, most] = [isGone(cloud) ? 0 : (stack?.runs ?? 0), stack?.most ?? 0];
    if (in_place > least) {
      complain("ledger", `${name} in ${cloud}: ${in_place} in place is said, ${least} run`);
    }
    if (up_to !== undefined && up_to < most) {
      complain("ledger", `${name} in ${cloud}: up to ${up_to} is said, ${most} may run`);
    }
  }

  /** Its instances died with it, and that it is lost is known. */
  function isGone(cloud: string): boolean {
    const verdict = one.table.peek({ pk: "VERDICT", sk: cloud })?.verdict;
    return one.of(cloud).isDark && (verdict === "unreachable" || verdict === "suspected");
  }

  /** What another user changed counts from when it is read; one that another update overtook never is. */
  function isKnown(stack: SimulatedStack | undefined, seen: Seen | undefined): boolean {
    if (stack === undefined) return seen?.missing !== undefined;
    if (seen === undefined || seen.heat_stack_id !== stack.id) return false;
    const all = (unknown.get(stack.id) ?? []).filter(
      (at) => at >= (one.truth.complete(seen) ?? Date.parse(stack.created)),
    );
    return all.every((at) => at < one.truth.read(seen) && at >= stack.startedAt);
  }

  return {
    committed: (owner, changes) => {
      for (const change of changes) frozen.committed(owner, change);
      if (changes.some(({ key: { sk } }) => !sk.startsWith("VOTE#"))) check();
    },
    changed: check,
    patch: (owner, cloud, { count }, stack) => {
      if (!stack) return;
      const item = one.table.peek({ pk: `STACK#${stack.name}`, sk: `SHARE#${cloud}` });
      const push = item && Share.parse(item).push;
      const ageMs = push ? nowMs() - one.truth.pushed(push) : Number.POSITIVE_INFINITY;
      const isLast = push?.count === count && push.answered?.outcome !== "accepted";
      // Taken for lost: sent by one who was frozen after writing it down, or carried out after all that time.
      const isLost = owner
        ? frozen.isOne(owner, cloud, stack.name, count)
        : ageMs > one.settings.pushSilenceMs || !isLast;
      if (isLost) remember(stack.id, nowMs());
    },
  };
}

/** The ledger of a stack, by cloud, of what the table says now; none of one that is not declared. */
export function entriesNow(one: World, name: string): Entry[] {
  const view = viewNow(one, name);
  if (!isDeclared(view)) return [];
  const own = ofThisStack(view);
  return ledgerOf(own.stack, cloudViews(own, new Map(), one.settings).values()).entries;
}

/** As `readStackView` has it, at one moment. */
function viewNow({ table, clouds }: World, name: string): StackView {
  const [status, stack] = ["STATUS", "STACK"].map((pk) => table.peek({ pk, sk: name }));
  const inClouds = <T>(kind: string, parse: (item: unknown) => T) =>
    new Map(
      clouds.flatMap((cloud): [CloudName, T][] => {
        const item = table.peek({ pk: `CLOUD#${cloud}`, sk: `${kind}#${name}` });
        return item ? [[CloudName.parse(cloud), parse(item)]] : [];
      }),
    );
  const verdicts = table.peekAll("VERDICT").map((item) => Verdict.parse(item));
  const orders = table.peekAll("CLOUD").map((item) => CloudOrders.parse(item));
  return {
    ...(status ? { status: Status.parse(status) } : {}),
    ...(stack ? { stack: Stack.parse(stack) } : {}),
    shares: table.peekAll(`STACK#${name}`, "SHARE#").map((item) => Share.parse(item)),
    verdicts: new Map(verdicts.map((each) => [each.cloud, each])),
    orders: new Map(orders.map((each) => [each.cloud, each])),
    seen: inClouds("SEEN", (item) => Seen.parse(item)),
    testimonies: inClouds("WITNESS", (item) => Testimony.parse(item)),
  };
}
