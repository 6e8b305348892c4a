import type { Handlers } from "../contract.ts";
import type { ApiDeps } from "../deps.ts";
import { cloudHandlers } from "./clouds.ts";
import { eventHandlers } from "./events.ts";
import { legacyHandlers } from "./legacy.ts";
import { planHandlers } from "./plan.ts";
import { serviceHandlers } from "./service.ts";
import { stackHandlers } from "./stacks.ts";
import { vantageHandlers } from "./vantages.ts";
import { voteHandlers } from "./votes.ts";
import { weightHandlers } from "./weights.ts";

/** One handler for every endpoint of the contract. */
export function allHandlers(deps: ApiDeps): Handlers {
  return {
    ...stackHandlers(deps),
    ...weightHandlers(deps),
    ...planHandlers(deps),
    ...eventHandlers(deps),
    ...cloudHandlers(deps),
    ...voteHandlers(deps),
    ...vantageHandlers(deps),
    ...serviceHandlers(),
    ...legacyHandlers(deps),
  };
}
