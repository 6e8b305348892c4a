import { type Push, Share } from "../../lib/stack/schema.ts";
import type { World } from "../support/world.ts";
import type { Complain, Watcher } from "./monitor.ts";

/** The first pause is a minute, less its jitter; two lanes' clocks may be up to ten seconds apart. */
const LEAST_MS = 35_000;

/** The same is pushed again only after a pause, unless somebody mended what was in the way, or asked. */
export function watchPauses(one: World, complain: Complain): Watcher {
  const sent = new Map<string, { push: Push; at: number; heatStack: string }>();
  /** When a share's block was lifted, or its push turned down: tried again as soon as the heat stack or the credentials move. */
  const freedAt = new Map<string, number>();
  const nowMs = () => one.time.now().getTime();

  function isFree(cloud: string, name: string, since: number): boolean {
    const asked = one.table.peek({ pk: `STACK#${name}`, sk: "WAKE" })?.asked_at;
    if (asked !== undefined && Date.parse(String(asked)) >= since - 60_000) return true;
    // A person mended the cloud's entry or credentials: that is worth another try.
    const verdict = one.table.peek({ pk: "VERDICT", sk: cloud });
    if (verdict && Date.parse(String(verdict.at)) - one.skews.home > since) return true;
    return (freedAt.get(`${cloud}/${name}`) ?? 0) > since;
  }

  return {
    committed: (_, changes) => {
      for (const { key, before, after } of changes) {
        if (!key.sk.startsWith("SHARE#") || !after) continue;
        const [old, share] = [before && Share.parse(before), Share.parse(after)];
        // A failed update of our own is shown as a block as well, and has its pauses.
        const isLifted = old?.blocked && !share.blocked && old.blocked.code !== "update_failed";
        const isRefused = share.push?.answered?.outcome === "refused";
        if (isLifted || isRefused) freedAt.set(`${share.cloud}/${share.stack_name}`, nowMs());
      }
    },
    patch: (owner, cloud, { ref, count }, stack) => {
      const name = stack?.name ?? "web";
      const item = owner && one.table.peek({ pk: `STACK#${name}`, sk: `SHARE#${cloud}` });
      const push = item && Share.parse(item).push;
      if (!push || push.count !== count) return;
      const key = `${cloud}/${name}`;
      const last = sent.get(key);
      sent.set(key, { push, at: nowMs(), heatStack: ref.heat_stack_id });
      const isSame =
        last?.push.generation === push.generation &&
        last.push.count === count &&
        last.heatStack === ref.heat_stack_id;
      // A run that stood still between writing a push down and sending it sends it late.
      if (!isSame || one.time.stalls.ms > 0 || isFree(cloud, name, last.at)) return;
      const ms = nowMs() - last.at;
      if (ms < LEAST_MS) complain("pauses", `${cloud} gets ${count} again after ${ms} ms`);
    },
  };
}
