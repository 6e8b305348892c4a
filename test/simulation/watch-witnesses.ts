import { Verdict } from "../../lib/cloud/schema.ts";
import { VOTE_LIFETIME_MS } from "../../lib/cloud/vote.ts";
import { Share, Stack, type Status } from "../../lib/stack/schema.ts";
import type { World } from "../support/world.ts";
import type { Complain, Watcher } from "./monitor.ts";

const MINUTE = 60_000;

/** A dead Heat moves no share while what the cloud serves answers; only silence, or no say at all, does. */
export function watchWitnesses(one: World, complain: Complain): Watcher {
  /** By cloud: how often in a row it did not answer a witness, and when that was often enough. */
  const rows = new Map<string, { silent: number; silentAt: number }>();
  const rowOf = (cloud: string) => {
    const row = rows.get(cloud) ?? { silent: 0, silentAt: 0 };
    rows.set(cloud, row);
    return row;
  };
  return {
    witness: (_, cloud, answers) => {
      const row = rowOf(cloud);
      if (!answers) row.silent += 1;
      if (row.silent >= one.settings.misses) row.silentAt = one.time.now().getTime();
    },
    committed: (_, changes) => {
      // An answer counts once it is written down: its tick may be void, or die.
      for (const { key, after } of changes) {
        const isAnswer = key.sk.startsWith("WITNESS#") && after?.finding === "answers";
        if (isAnswer) rowOf(key.pk.slice("CLOUD#".length)).silent = 0;
      }
      const status = changes.find(({ key }) => key.pk === "STATUS")?.after as Status | undefined;
      for (const { key, before, after } of changes) {
        if (!key.sk.startsWith("SHARE#") || !after || before?.lost || !after.lost) continue;
        const { cloud, stack_name } = Share.parse(after);
        const item = one.table.peek({ pk: "STACK", sk: stack_name });
        const stack = item && Stack.parse(item);
        const hasWitness = stack?.witnesses !== undefined && Object.hasOwn(stack.witnesses, cloud);
        const seen = one.table.peek({ pk: `CLOUD#${cloud}`, sk: `SEEN#${stack_name}` });
        // Where the heat stack is gone, whatever answers is not it.
        if (seen?.missing) continue;
        if (!hasWitness || stack.policy.evidence === "api" || status?.uid !== stack.uid) continue;
        const { silent, silentAt } = rowOf(cloud);
        if (one.time.now().getTime() - silentAt <= 3 * MINUTE) continue;
        // Nobody asks for a stack that does not weigh the cloud: what was last said in this outage counts.
        const lost = Verdict.parse(one.table.peek({ pk: "VERDICT", sk: cloud }));
        const isOfThis = silentAt >= Date.parse(lost.since) - VOTE_LIFETIME_MS;
        if (silent >= one.settings.misses && isOfThis) continue;
        complain("API down is not workload down", `${stack_name} in ${cloud} is dealt away`);
      }
    },
  };
}
