import { ApiError, type Client } from "../api/client.ts";
import { VantageName } from "../cloud/schema.ts";
import type { Log } from "../log.ts";
import type { Ballot } from "./ballot.ts";
import { complaints } from "./complaints.ts";
import { type Memory, type Round, type RoundDeps, round } from "./round.ts";

export type AgentDeps = RoundDeps & {
  getWhoami: Client["getWhoami"];
  sleep: (ms: number) => Promise<unknown>;
  log: Log;
};

export type AgentOptions = {
  everyMs: number;
  /** Under which it votes; without it, the token's own. */
  name?: VantageName | undefined;
  /** Taken where the API does not say whose the token is. */
  hostname: string;
};

/**
 * Votes at every interval, for ever. Home that is away, or refuses, costs log lines that get ever
 * rarer; but a token that was never good for a vote is thrown, as an ApiError, before anything is
 * promised to anybody.
 */
export async function agent(deps: AgentDeps, options: AgentOptions): Promise<never> {
  const { log, elapsedMs, sleep } = deps;
  const { everyMs } = options;
  const trouble = complaints({ log, nowMs: elapsedMs });
  const told = { unknown: new Set<string>(), votes: new Map<string, string>() };
  const memory: Memory = new Map();
  let name = options.name;
  let hasVoted = false;
  for (let next = elapsedMs(); ; next += everyMs) {
    while (next + everyMs < elapsedMs()) next += everyMs;
    await sleep(Math.max(0, next - elapsedMs()));
    try {
      name ??= await nameOf(deps, options);
      const { refusal, ...done } = await round(deps, { vantage: name, everyMs }, memory);
      report(log, done, told);
      const votes = refusal === undefined || done.ballots.size > 0;
      if (votes && !hasVoted)
        log.info("the agent votes", { vantage: name, every_s: everyMs / 1000 });
      hasVoted ||= votes;
      if (refusal) throw refusal;
      trouble.clear("votes are taken again");
    } catch (error) {
      if (!(error instanceof ApiError)) trouble.tell("a round threw", { error });
      else if (!hasVoted && [401, 403].includes(error.status)) throw error;
      else trouble.tell("votes are not taken", { status: error.status, why: error.detail });
    }
  }
}

async function nameOf(deps: AgentDeps, { hostname }: AgentOptions): Promise<VantageName> {
  const named = await deps.getWhoami().catch((error: unknown) => {
    if (error instanceof ApiError && error.code === "request.not_found") return { name: hostname };
    throw error;
  });
  const name = VantageName.safeParse(named.name);
  if (name.success) return name.data;
  const detail = `The token is ${named.name}'s, and that cannot name a vantage: ${name.error.issues[0]?.message}.`;
  throw new ApiError({ status: 403, code: "request.forbidden", detail });
}

type Told = { unknown: Set<string>; votes: Map<string, string> };

/** A line for each cloud whose vote is another than before, and one for a cloud that home does not know. */
function report(log: Log, { ballots, unknown }: Omit<Round, "refusal">, told: Told): void {
  for (const [cloud, ballot] of ballots) {
    const said = essence(ballot);
    if (told.votes.get(cloud) === said) continue;
    told.votes.set(cloud, said);
    const { vote, fault, void: isVoid } = ballot;
    const why = fault ? { fault: fault.code, why: fault.message } : {};
    log.info("vote", { cloud, vote, ...(isVoid ? { void: true } : {}), ...why });
  }
  for (const cloud of unknown) {
    if (told.unknown.has(cloud)) continue;
    told.unknown.add(cloud);
    log.warning("home does not know this cloud, so votes on it count nothing", { cloud });
  }
}

function essence({ vote, fault, void: isVoid }: Ballot): string {
  return `${vote} ${isVoid ?? false} ${fault?.code ?? ""}`;
}
