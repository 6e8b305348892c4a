import { settings } from "./stage.ts";

const { network } = settings;

/**
 * Two NAT gateways, each in a zone of its own with an address that stays: what runs in the private
 * subnets leaves from these addresses. Undefined unless the settings ask for them.
 */
const fixed =
  network === "fixed-addresses" ? new sst.aws.Vpc("Network", { az: 2, nat: "managed" }) : undefined;

/** Where the functions that call clouds run; undefined: in Lambda's own network. */
export const vpc: sst.aws.FunctionArgs["vpc"] =
  fixed ?? (typeof network === "object" ? network : undefined);

/** The addresses to put on allow-lists. */
export const addresses = fixed?.nodes.elasticIps.apply((ips) =>
  $util.all(ips.map(({ publicIp }) => publicIp)),
);
