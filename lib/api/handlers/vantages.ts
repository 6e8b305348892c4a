import { setTimeout as pause } from "node:timers/promises";
import { majorityOf } from "../../cloud/ballots.ts";
import { removedVantageFact } from "../../cloud/facts.ts";
import { type CloudName, HOME, type Vantage, type Vote } from "../../cloud/schema.ts";
import { isFresh } from "../../cloud/vote.ts";
import { ControlError } from "../../error.ts";
import type { Handlers } from "../contract.ts";
import type { ApiDeps } from "../deps.ts";
import type { VantageSummary } from "../votes.ts";

type VantageDeps = Pick<
  ApiDeps,
  "now" | "newId" | "listVerdicts" | "listVantages" | "readVotes" | "removeVantage"
>;

/** The places that probe. */
export function vantageHandlers(
  deps: VantageDeps,
): Pick<Handlers, "listVantages" | "deleteVantage"> {
  return {
    listVantages: async () => {
      const [vantages, clouds] = await Promise.all([deps.listVantages(), cloudNames(deps)]);
      const names = vantages.map(({ vantage }) => vantage);
      const votes = await deps.readVotes(clouds, names);
      const now = deps.now().toISOString();
      const summaries = vantages.map((one) => summaryOf(one, { clouds, votes, now }));
      return { reply: { vantages: summaries, majority: majorityOf(vantages.length) } };
    },
    deleteVantage: async ({ params: { vantage }, who }) => {
      if (vantage === HOME) {
        throw new ControlError("vantage.conflict", "home judges, and cannot be removed.");
      }
      for (let attempt = 0; attempt < 8; attempt += 1) {
        const [vantages, clouds] = await Promise.all([deps.listVantages(), cloudNames(deps)]);
        if (!vantages.some((one) => one.vantage === vantage)) {
          throw new ControlError("vantage.missing", `There is no vantage ${vantage}.`);
        }
        const votes = await deps.readVotes(clouds, [vantage]);
        const at = deps.now().toISOString();
        refuseFresh(votes, at);
        const fact = removedVantageFact(vantage, { at, who }, deps.newId);
        if (await deps.removeVantage(vantage, votes, [fact])) {
          const left = vantages.length - 1;
          return { reply: { vantage, left, majority: majorityOf(left) } };
        }
        await pause(Math.random() * 10 * 2 ** attempt);
      }
      throw new ControlError("vantage.conflict", `${vantage} votes again. Stop it first.`);
    },
  };
}

async function cloudNames(deps: Pick<ApiDeps, "listVerdicts">): Promise<CloudName[]> {
  return (await deps.listVerdicts()).map(({ cloud }) => cloud);
}

/** One that votes would be registered again by its next vote. */
function refuseFresh(votes: Vote[], now: string): void {
  const fresh = votes.filter(({ at }) => isFresh(at, now));
  const [newest] = fresh.map(({ at }) => at).sort((a, b) => (a < b ? 1 : -1));
  if (newest === undefined) return;
  const { vantage } = fresh[0] ?? {};
  throw new ControlError(
    "vantage.conflict",
    `${vantage} votes: its last vote is of ${newest}. Stop it first, and wait until that is 90 s old.`,
  );
}

type Known = { clouds: CloudName[]; votes: Vote[]; now: string };

function summaryOf(vantage: Vantage, { clouds, votes, now }: Known): VantageSummary {
  const own = votes.filter((vote) => vote.vantage === vantage.vantage);
  const fresh = own.filter(({ at }) => isFresh(at, now));
  const heard = new Set(fresh.map(({ cloud }) => cloud));
  const voted_at = own
    .map(({ at }) => at)
    .sort()
    .at(-1);
  return {
    ...vantage,
    kind: vantage.kind ?? "function",
    ...(voted_at === undefined ? {} : { voted_at }),
    clouds: fresh.map(({ cloud, vote, since, void: isVoid }) => ({
      cloud,
      vote,
      since,
      ...(isVoid ? { void: true } : {}),
    })),
    missing: clouds.filter((cloud) => !heard.has(cloud)),
  };
}
