import { type Memory, round } from "../../lib/agent/round.ts";
import { ApiError } from "../../lib/api/client.ts";
import type { ApiDeps } from "../../lib/api/deps.ts";
import { cloudHandlers } from "../../lib/api/handlers/clouds.ts";
import { stackHandlers } from "../../lib/api/handlers/stacks.ts";
import { vantageHandlers } from "../../lib/api/handlers/vantages.ts";
import { voteHandlers } from "../../lib/api/handlers/votes.ts";
import { VoteInput } from "../../lib/api/votes.ts";
import type { CloudClient } from "../../lib/cloud/client.ts";
import type { Outcome } from "../../lib/cloud/faults.ts";
import { CloudName, VantageName } from "../../lib/cloud/schema.ts";
import { ControlError } from "../../lib/error.ts";
import { StackName } from "../../lib/stack/schema.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

/** A vantage beside home. */
export type Place = {
  name: string;
  kind: "function" | "agent";
  /** How long after home's its tick begins. Milliseconds. */
  phaseMs: number;
  /** How far its clock is ahead. Milliseconds. */
  skewMs: number;
};

/** What a person may order through the API. */
export type Order =
  | { cloud: string; drained: boolean }
  | { cloud: string; suspicion: "confirmed" | "refuted" }
  | { removes: string }
  | { releases: string };

const bare = { query: {}, precondition: {} };

/** What the API and the agents of a world have to do with. */
export type PlacesDeps = {
  time: Scheduler;
  /** How far the API's clock is ahead. Milliseconds. */
  skewMs: number;
  /** How often an agent looks. Milliseconds. */
  intervalMs: number;
  /** What the API's handlers ask of the table, on behalf of this run of the function. */
  apiDeps: (owner: Owner) => ApiDeps;
  cloudNames: () => CloudName[];
  cloudClient: (owner: Owner, cloud: CloudName) => Outcome<CloudClient>;
  /** Throws while nothing gets from there to the API. */
  pass: (owner: Owner) => Promise<void>;
};

/** The agents of a world, and the API that they and people call: the product's own, without its HTTP. */
export function placesOf(deps: PlacesDeps) {
  const { time } = deps;
  const memories = new Map<string, Memory>();

  /** One request, answered by a run of its own: whoever asked may die meanwhile. */
  function request<T>(behalf: Owner | undefined, answer: (api: ApiDeps) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      time.start(
        "api",
        (owner) => answer(withoutPauses(deps.apiDeps(owner))).then(resolve, reject),
        { skewMs: deps.skewMs, ...(behalf ? { behalf } : {}) },
      );
    });
  }

  return {
    /** One round of an agent. Its clock may be anything: it goes by a steady one. */
    async vote(owner: Owner, { name, skewMs }: Place): Promise<void> {
      const memory = memories.get(name) ?? new Map();
      memories.set(name, memory);
      const { refusal } = await round(
        {
          now: () => new Date(time.now().getTime() + skewMs),
          elapsedMs: () => time.now().getTime(),
          cloudNames: deps.cloudNames,
          cloudClient: (cloud) => deps.cloudClient(owner, cloud),
          settings: { loginPauseMs: 60_000, longestPauseMs: 3_600_000 },
          putVote: async ({ cloud: to, vantage: from, body }) => {
            await deps.pass(owner);
            const params = { cloud: CloudName.parse(to), vantage: VantageName.parse(from) };
            const said = VoteInput.parse(JSON.parse(JSON.stringify(body)));
            const answer = request(owner, (api) => {
              const { putVote } = voteHandlers(api);
              return putVote({ ...bare, params, body: said, who: name, role: "vantage" });
            });
            return (await answer.catch(asAnswered)).reply;
          },
        },
        { vantage: VantageName.parse(name), everyMs: deps.intervalMs },
        memory,
      );
      // The way there may be cut, and somebody else may write first; all else is a bug.
      if (refusal && ![0, 409].includes(refusal.status)) throw refusal;
    },
    /** It starts anew, and remembers nothing. */
    restart: (name: string): void => {
      memories.delete(name);
    },
    /** What a person orders. A refusal that says why is answered; anything else is a bug. */
    async order(order: Order): Promise<"done" | "refused"> {
      try {
        await request(undefined, async (api) => {
          if ("removes" in order) {
            const params = { vantage: VantageName.parse(order.removes) };
            await vantageHandlers(api).deleteVantage({
              ...bare,
              params,
              who: "op",
              role: "operator",
            });
            return;
          }
          if ("releases" in order) {
            const params = { stack_name: StackName.parse(order.releases) };
            await stackHandlers(api).releaseStack({
              ...bare,
              params,
              who: "op",
              role: "operator",
            });
            return;
          }
          const { cloud, ...body } = order;
          const params = { cloud: CloudName.parse(cloud) };
          await cloudHandlers(api).patchCloud({
            ...bare,
            params,
            body,
            who: "op",
            role: "operator",
          });
        });
        return "done";
      } catch (error) {
        if (error instanceof ControlError || error instanceof Conflict) return "refused";
        throw error;
      }
    },
  };
}

class Conflict extends Error {}

/** The handlers wait in real time before they try again what somebody else wrote first: here it fails. */
function withoutPauses(api: ApiDeps): ApiDeps {
  const orThrow =
    <A extends unknown[]>(write: (...args: A) => Promise<boolean>) =>
    async (...args: A): Promise<boolean> => {
      if (await write(...args)) return true;
      throw new Conflict("somebody else wrote first");
    };
  return {
    ...api,
    saveVote: orThrow(api.saveVote),
    saveStack: orThrow(api.saveStack),
    saveOrders: orThrow(api.saveOrders),
    removeVantage: orThrow(api.removeVantage),
  };
}

/** As the client of the API has it. */
function asAnswered(error: unknown): never {
  if (error instanceof Conflict) {
    throw new ApiError({ status: 409, code: "vantage.conflict", detail: error.message });
  }
  if (!(error instanceof ControlError)) throw error;
  throw new ApiError({ status: 400, code: error.code, detail: error.message });
}
