import { Verdict, Vote } from "../../lib/cloud/schema.ts";
import type { Committed } from "../support/memory-table.ts";
import type { Owner } from "../support/scheduler.ts";
import type { World } from "../support/world.ts";
import type { Complain, Watcher } from "./monitor.ts";

const MINUTE = 60_000;
type Heard = "up" | "silent" | "abstains";

/** Invariants 3, 4, 5 and 10 of clouds: what may be a vote, and what may move a verdict. */
export function watchClouds(one: World, complain: Complain): Watcher {
  /** What each tick really heard of each cloud, first call only. */
  const heard = new Map<Owner, Map<string, Heard>>();
  /** Silent votes since the last up, ups since the last silence, and when three of them were reached. */
  const rows = new Map(
    one.clouds.map((cloud) => [cloud, { silent: 0, up: 0, silentAt: 0, upAt: 0 }]),
  );
  const nowMs = () => one.time.now().getTime();

  function isVoid(owner: Owner): boolean {
    const all = [...(heard.get(owner)?.values() ?? [])];
    return all.length >= 2 && all.every((each) => each === "silent");
  }

  function voted(owner: Owner, before: Vote | undefined, vote: Vote): void {
    const truth = heard.get(owner)?.get(vote.cloud);
    // The second write of a tick only adds what its list showed.
    if (before?.at === vote.at) return;
    const wanted = isVoid(owner) ? "abstains" : (truth ?? "abstains");
    if (vote.vote !== wanted) {
      complain("3 only silence is an outage", `${vote.cloud} voted ${vote.vote}, heard ${truth}`);
    }
    if (isVoid(owner) && vote.misses > (before?.misses ?? 0)) {
      complain(
        "5 if everything looks down it is us",
        `a void tick counted a miss of ${vote.cloud}`,
      );
    }
    const row = rows.get(vote.cloud);
    if (!row) return;
    if (vote.vote === "up") Object.assign(row, { silent: 0, up: row.up + 1 });
    if (vote.vote === "silent") Object.assign(row, { up: 0, silent: row.silent + 1 });
    if (row.silent >= 3) row.silentAt = nowMs();
    if (row.up >= 3) row.upAt = nowMs();
  }

  function judged(owner: Owner | undefined, before: Verdict | undefined, next: Verdict): void {
    const { cloud, verdict } = next;
    const row = rows.get(cloud);
    if (before?.verdict === verdict || !row || !owner) return;
    const orders = one.table.peek({ pk: "CLOUD", sk: cloud }) as
      | { confirmed?: { since: string }; refuted?: { since: string } }
      | undefined;
    const isConfirmed = before !== undefined && orders?.confirmed?.since === before.since;
    const isRefuted = before !== undefined && orders?.refuted?.since === before.since;
    const isLoss = verdict === "unreachable" || verdict === "suspected";
    if (isLoss && !isConfirmed && nowMs() - row.silentAt > 3 * MINUTE) {
      complain("4 one miss is nothing", `${cloud} is ${verdict} after ${row.silent} silent votes`);
    }
    const isReturn = before?.verdict === "unreachable" || before?.verdict === "suspected";
    if (verdict === "reachable" && isReturn && !isRefuted && nowMs() - row.upAt > 3 * MINUTE) {
      complain("4 one success does not end an outage", `${cloud} after ${row.up} ups`);
    }
    if (verdict === "reachable" && isReturn && next.returned_at !== next.since) {
      complain(
        "6 never below",
        `the return of ${cloud} is not dated: what was seen before it counts`,
      );
    }
    if (isLoss && !isConfirmed && isVoid(owner)) {
      complain("5 if everything looks down it is us", `a void tick made ${cloud} ${verdict}`);
    }
    if (verdict === "unreachable" && before?.verdict !== "suspected") blast(next);
    if (verdict === "unreachable" && before?.verdict === "suspected" && !isConfirmed) {
      const age = nowMs() - Date.parse(before.lost_at ?? before.since);
      if (age < 10 * MINUTE) complain("5 blast limit", `${cloud} was suspected for ${age} ms only`);
    }
  }

  /** Of all clouds, so many may be given up within ten minutes without waiting. */
  function blast({ cloud }: Verdict): void {
    const lost = one.table.peekAll("VERDICT").filter((item) => {
      const isLost = item.verdict === "unreachable" || item.verdict === "suspected";
      const age = nowMs() - Date.parse(String(item.lost_at));
      // Who comes back in the same tick is written beside it, before or after.
      const isBack = (rows.get(item.sk)?.up ?? 0) >= 3;
      return item.sk !== cloud && isLost && !isBack && age < 10 * MINUTE - 2_000;
    });
    const most = Math.max(1, one.table.peekAll("VERDICT").length / 3);
    if (lost.length + 1 > most) {
      complain("5 blast limit", `${lost.length + 1} clouds given up at once, ${cloud} the last`);
    }
  }

  function explained(changes: Committed[], before: Verdict | undefined, next: Verdict): void {
    const types = changes.map(({ after }) => after?.type);
    const expected = next.verdict === "unknown" ? "cloud.discovered" : `cloud.${next.verdict}`;
    if (before?.verdict !== next.verdict && !types.includes(expected)) {
      complain("10 explained", `${next.cloud} became ${next.verdict} without an event`);
    }
    if (before?.blocking?.code === next.blocking?.code) return;
    if (!types.includes(next.blocking ? "cloud.blocked" : "cloud.unblocked")) {
      complain("10 explained", `${next.cloud} was (un)blocked without an event`);
    }
  }

  return {
    answer: (owner, cloud, _, fault) => {
      if (owner.name !== "probe") return;
      const own = heard.get(owner) ?? new Map<string, Heard>();
      heard.set(owner, own);
      if (own.has(cloud)) return;
      const isSilence = fault?.class === "path" || fault?.class === "service";
      // While a login pauses, Keystone's version document says silent at most.
      const isPaused = _ === "version" && !fault;
      own.set(cloud, isSilence ? "silent" : fault || isPaused ? "abstains" : "up");
    },
    committed: (owner, changes) => {
      for (const { key, before, after } of changes) {
        if (key.sk.startsWith("VOTE#") && after && owner) {
          voted(owner, before && Vote.parse(before), Vote.parse(after));
        }
        if (key.pk !== "VERDICT" || !after) continue;
        const [old, next] = [before && Verdict.parse(before), Verdict.parse(after)];
        judged(owner, old, next);
        explained(changes, old, next);
      }
    },
  };
}
