import type { Answer, Input } from "./endpoint.ts";
import { cloudEndpoints } from "./endpoints/clouds.ts";
import { eventEndpoints } from "./endpoints/events.ts";
import { legacyEndpoints } from "./endpoints/legacy.ts";
import { serviceEndpoints } from "./endpoints/service.ts";
import { stackEndpoints } from "./endpoints/stacks.ts";
import { vantageEndpoints } from "./endpoints/vantages.ts";

/** Every endpoint there is: router, validation, OpenAPI, documentation and client derive from it. */
export const contract = {
  ...stackEndpoints,
  ...eventEndpoints,
  ...cloudEndpoints,
  ...vantageEndpoints,
  ...serviceEndpoints,
  ...legacyEndpoints,
};
export type Contract = typeof contract;

/** One function for every endpoint; a missing one, or a wrong reply, does not compile. */
export type Handlers = {
  [K in keyof Contract]: (input: Input<Contract[K]>) => Promise<Answer<Contract[K]>>;
};
