import { setTimeout as pause } from "node:timers/promises";
import { registeredFact } from "../../cloud/facts.ts";
import type { Fault } from "../../cloud/faults.ts";
import { type CloudName, HOME, type Vantage, type VantageName } from "../../cloud/schema.ts";
import { countVote, isWorthWriting } from "../../cloud/vote.ts";
import { ControlError } from "../../error.ts";
import type { Handlers } from "../contract.ts";
import type { ApiDeps, Voting } from "../deps.ts";
import type { VoteInput } from "../votes.ts";

type VoteDeps = Pick<
  ApiDeps,
  "now" | "newId" | "judging" | "readVoting" | "saveVote" | "registerVantage"
>;

const ATTEMPTS = 8;
/** As long as any message of a fault of ours. */
const MESSAGE = 300;

/** Votes of agents, counted as those of the functions are. */
export function voteHandlers(deps: VoteDeps): Pick<Handlers, "putVote"> {
  return {
    putVote: async ({ params: { cloud, vantage }, body, who }) => {
      const arrivedAt = deps.now();
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const voting = await deps.readVoting(cloud, vantage);
        requireOwn(vantage, who, voting.vantage);
        if (!voting.isKnown) {
          throw new ControlError("cloud.missing", `There is no cloud ${cloud} here.`);
        }
        const next = counted(deps, { cloud, vantage, body, arrivedAt }, voting);
        const isNew = isWorthWriting(voting.vote, next);
        if (!isNew || (await deps.saveVote(next, voting.vote?.at))) {
          // After its vote: a vantage without one leaves the cloud unwatched.
          if (voting.vantage === undefined) await register(deps, vantage);
          return { reply: (isNew ? undefined : voting.vote) ?? next };
        }
        await pause(Math.random() * 10 * 2 ** attempt);
      }
      throw new ControlError("vantage.conflict", `${vantage} votes twice at a time on ${cloud}.`);
    },
  };
}

/** Throws 403 unless the name is the token's, and no function's. */
function requireOwn(vantage: VantageName, who: string, registered: Vantage | undefined): void {
  if (vantage !== who) {
    throw new ControlError("request.forbidden", `This token votes as ${who}, not as ${vantage}.`);
  }
  if (vantage !== HOME && (registered === undefined || registered.kind === "agent")) return;
  throw new ControlError(
    "request.forbidden",
    `${vantage} is the name of a probe of this deployment itself; make a token of another name.`,
  );
}

type Cast = { cloud: CloudName; vantage: VantageName; body: VoteInput; arrivedAt: Date };

/** Stamped by our clock: whatever the agent's says, its tick began so long before the vote arrived. */
function counted(deps: VoteDeps, { cloud, vantage, body, arrivedAt }: Cast, voting: Voting) {
  const { latency_ms, age_ms, interval_ms, fault } = body;
  return countVote({
    finding: {
      cloud,
      ...(fault ? { fault: remade(fault) } : {}),
      ...(latency_ms === undefined ? {} : { latency_ms }),
    },
    vantage,
    at: new Date(arrivedAt.getTime() - age_ms).toISOString(),
    previous: voting.vote,
    isVoid: body.void === true,
    intervalMs: interval_ms,
    refutedAt: voting.orders?.refuted?.at,
    busySilenceMs: voting.home?.updating ? deps.judging.busySilenceMs : undefined,
  });
}

/** A fault from outside: only what is known of one, and words that steer no terminal. */
function remade({ class: of, code, message, status }: NonNullable<VoteInput["fault"]>): Fault {
  const words = message.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
  const short = words.slice(0, MESSAGE);
  return { class: of, code, message: short, ...(status === undefined ? {} : { status }) };
}

async function register(deps: VoteDeps, vantage: VantageName): Promise<void> {
  const registered_at = deps.now().toISOString();
  const agent: Vantage = { vantage, registered_at, kind: "agent" };
  const cause = "an agent with a token of this name voted for the first time";
  await deps.registerVantage(agent, [registeredFact(agent, cause, deps.newId)]);
}
