import { CloudDetail, CloudList, CloudPatch, CloudSummary } from "../clouds.ts";
import { byName, type Endpoint, nothing, ofCloud } from "../endpoint.ts";

/** Verdicts, and what people say of clouds. */
export const cloudEndpoints = {
  listClouds: {
    method: "GET",
    path: "/v1/clouds",
    tag: "clouds",
    summary: "List the clouds with their verdicts and votes",
    role: "reader",
    params: nothing,
    query: nothing,
    reply: CloudList,
    errors: [],
  },
  getCloud: {
    method: "GET",
    path: "/v1/clouds/{cloud}",
    tag: "clouds",
    summary: "Show a cloud: verdict, votes, latency, and the shares that stacks have there",
    role: "reader",
    params: ofCloud,
    query: byName,
    reply: CloudDetail,
    errors: ["cloud.missing"],
  },
  patchCloud: {
    method: "PATCH",
    path: "/v1/clouds/{cloud}",
    tag: "clouds",
    summary: "Drain a cloud, or answer its suspicion",
    description:
      "A drained cloud's instances are dealt to the others. `suspicion` answers the present suspicion only: confirmed makes the cloud unreachable, refuted reachable; 409 when it is not suspected.",
    role: "operator",
    params: ofCloud,
    query: nothing,
    body: CloudPatch,
    example: { drained: true },
    reply: CloudSummary,
    errors: ["cloud.missing", "cloud.conflict", "cloud.invalid"],
  },
} as const satisfies Record<string, Endpoint>;
