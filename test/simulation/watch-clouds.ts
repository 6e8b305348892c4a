import { HOME, Verdict, Vote } from "../../lib/cloud/schema.ts";
import type { Committed } from "../support/memory-table.ts";
import type { Owner } from "../support/scheduler.ts";
import type { World } from "../support/world.ts";
import type { Complain, Watcher } from "./monitor.ts";

const MINUTE = 60_000;
type Heard = "up" | "silent" | "abstains";

/** Of one vantage on one cloud: silent votes since the last up, ups since the last silence, and when enough were reached. */
type Row = { silent: number; up: number; silentAt: number; upAt: number };

/** Invariants 3, 4, 5 and 10 of clouds: what may be a vote, and what may move a verdict. */
export function watchClouds(one: World, complain: Complain): Watcher {
  /** What each tick really heard of each cloud, first call only. */
  const heard = new Map<Owner, Map<string, Heard>>();
  const rows = new Map<string, Row>();
  const registered = registrations(one);
  /** What people ever said of which suspicion. */
  const answers = new Set<string>();
  const nowMs = () => one.time.now().getTime();
  /** Of what home dated. */
  const ageMs = (time: string) => nowMs() - (Date.parse(time) - one.skews.home);

  /** Of a vantage on a cloud. */
  function rowOf(vantage: string, cloud: string): Row {
    const row = rows.get(`${vantage} ${cloud}`) ?? { silent: 0, up: 0, silentAt: 0, upAt: 0 };
    rows.set(`${vantage} ${cloud}`, row);
    return row;
  }

  /** Whether so many vantages have reached this lately as decide, whoever was registered since then. */
  function hasMajority(since: number, of: (vantage: string) => number): boolean {
    const { names, majority } = registered.since(since);
    return names.filter((name) => nowMs() - of(name) <= 3 * MINUTE).length >= majority;
  }

  function isVoid(owner: Owner): boolean {
    const all = [...(heard.get(owner)?.values() ?? [])];
    return all.length >= 2 && all.every((each) => each === "silent");
  }

  function voted(by: Owner, before: Vote | undefined, vote: Vote): void {
    const owner = by.behalf ?? by;
    if (vote.vantage !== owner.place) {
      complain("who votes", `${owner.place} votes as ${vote.vantage}`);
    }
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
    const row = rowOf(vote.vantage, vote.cloud);
    if (vote.vote === "up") Object.assign(row, { silent: 0, up: row.up + 1 });
    if (vote.vote === "silent") Object.assign(row, { up: 0, silent: row.silent + 1 });
    if (row.silent >= one.settings.misses) row.silentAt = nowMs();
    if (row.up >= 3) row.upAt = nowMs();
  }

  function judged(owner: Owner | undefined, before: Verdict | undefined, next: Verdict): void {
    const { cloud, verdict } = next;
    if (before?.verdict === verdict || !owner) return;
    const isFoundLost = hasMajority(owner.startedAt, (name) => rowOf(name, cloud).silentAt);
    const isFoundBack = hasMajority(owner.startedAt, (name) => rowOf(name, cloud).upAt);
    // Whoever judges may have read what a person took back since.
    const was = (how: "confirmed" | "refuted") =>
      before !== undefined && answers.has(`${how} ${cloud} ${before.since}`);
    const [isConfirmed, isRefuted] = [was("confirmed"), was("refuted")];
    const isLoss = verdict === "unreachable" || verdict === "suspected";
    if (isLoss && !isConfirmed && !isFoundLost) {
      complain("4 one miss is nothing", `${cloud} is ${verdict}, by no majority of silences`);
    }
    const isReturn = before?.verdict === "unreachable" || before?.verdict === "suspected";
    if (verdict === "reachable" && isReturn && !isRefuted && !isFoundBack) {
      complain("4 one success does not end an outage", `${cloud} is back by no majority of ups`);
    }
    if (verdict === "reachable" && isReturn && next.returned_at !== next.since) {
      complain(
        "6 never below",
        `the return of ${cloud} is not dated: what was seen before it counts`,
      );
    }
    const isAlone = registered.since(owner.startedAt).names.length === 1;
    if (isLoss && !isConfirmed && isAlone && isVoid(owner)) {
      complain("5 if everything looks down it is us", `a void tick made ${cloud} ${verdict}`);
    }
    if (verdict === "unreachable" && before?.verdict !== "suspected") blast(next);
    if (verdict === "unreachable" && before?.verdict === "suspected" && !isConfirmed) {
      const age = ageMs(before.lost_at ?? before.since);
      if (age < 10 * MINUTE) complain("5 blast limit", `${cloud} was suspected for ${age} ms only`);
    }
  }

  /** Of all clouds, so many may be given up within ten minutes without waiting. */
  function blast({ cloud }: Verdict): void {
    const lost = one.table.peekAll("VERDICT").filter((item) => {
      const isLost = item.verdict === "unreachable" || item.verdict === "suspected";
      const age = ageMs(String(item.lost_at));
      // Who comes back in the same tick is written beside it, before or after.
      const isBack = registered.since(nowMs()).names.some((name) => rowOf(name, item.sk).up >= 3);
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
    if ((before?.unwatched === undefined) !== (next.unwatched === undefined)) {
      const wanted = next.unwatched ? "cloud.unwatched" : "cloud.watched";
      if (!types.includes(wanted)) complain("10 explained", `${next.cloud}: no ${wanted} event`);
    }
    if (before?.blocking?.code === next.blocking?.code) return;
    if (!types.includes(next.blocking ? "cloud.blocked" : "cloud.unblocked")) {
      complain("10 explained", `${next.cloud} was (un)blocked without an event`);
    }
  }

  return {
    answer: (owner, cloud, _, fault) => {
      if (owner.place === undefined) return;
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
        if (key.pk === "VANTAGE") registered.changed();
        for (const how of ["confirmed", "refuted"]) {
          const said = key.pk === "CLOUD" ? (after?.[how] as { since: string }) : undefined;
          if (said) answers.add(`${how} ${key.sk} ${said.since}`);
        }
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

/** Who was registered when: a tick judges by whom it read at its beginning. */
function registrations(one: World) {
  const now = () => one.table.peekAll("VANTAGE").map(({ sk }) => sk);
  const all = [{ from: 0, names: [HOME as string] }];
  return {
    changed: () => all.push({ from: one.time.now().getTime(), names: now() }),
    /** Everybody who was registered at any moment since then, and the least majority there was. */
    since: (time: number): { names: string[]; majority: number } => {
      const first = Math.max(
        0,
        all.findLastIndex(({ from }) => from <= time),
      );
      const recent = all.slice(first);
      const names = [...new Set(recent.flatMap((each) => each.names))];
      const least = Math.min(...recent.map((each) => Math.max(1, each.names.length)));
      return { names, majority: Math.floor(least / 2) + 1 };
    },
  };
}
