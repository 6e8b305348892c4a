import * as z from "zod";
import { CloudName, VantageName } from "../../cloud/schema.ts";
import { VoteSummary } from "../clouds.ts";
import { type Endpoint, nothing } from "../endpoint.ts";
import { VantageList, VantageRemoved, VoteInput } from "../votes.ts";

/** The places that probe, and what agents among them found. */
export const vantageEndpoints = {
  putVote: {
    method: "PUT",
    path: "/v1/clouds/{cloud}/votes/{vantage}",
    tag: "vantages",
    summary: "Vote on a cloud, as the vantage that the token names",
    description:
      "What an agent found at its last tick. The first vote registers the vantage: from then on it counts in the majority. A vote within half of its vantage's interval of the last one counts nothing.",
    role: "vantage",
    params: z.strictObject({ cloud: CloudName, vantage: VantageName }),
    query: nothing,
    body: VoteInput,
    example: { vote: "up", latency_ms: 23, age_ms: 140, interval_ms: 10_000 },
    reply: VoteSummary,
    errors: ["cloud.missing", "vantage.conflict", "vantage.invalid"],
  },
  listVantages: {
    method: "GET",
    path: "/v1/vantages",
    tag: "vantages",
    summary: "List the vantages: whether each votes, and on which clouds",
    role: "reader",
    params: nothing,
    query: nothing,
    reply: VantageList,
    errors: [],
  },
  deleteVantage: {
    method: "DELETE",
    path: "/v1/vantages/{vantage}",
    tag: "vantages",
    summary: "Remove a vantage that no longer votes, so that it counts in no majority",
    description: "409 while it votes: stop it first. `home` judges, and cannot be removed.",
    role: "operator",
    params: z.strictObject({ vantage: VantageName }),
    query: nothing,
    reply: VantageRemoved,
    errors: ["vantage.missing", "vantage.conflict"],
  },
} as const satisfies Record<string, Endpoint>;
