import type { Settings } from "./check.ts";

/**
 * What a deployment sets; all the rest follows from it. `sst deploy` says in one sentence what is
 * wrong here, before it makes anything. docs/operating.md says more of each.
 */
export const settings: Settings = {
  /** Where table, functions and API live: outside all of the clouds that they drive. */
  region: "eu-west-1",

  /** Stages that `sst remove` refuses to touch, and whose table stays whatever happens. */
  protectedStages: ["production"],

  /** Seconds between two probes of a cloud, 1 to 30. */
  probeInterval: 10,

  /** Misses in a row that make a vantage's silence count, 2 to 10: more is slower, and surer. */
  misses: 3,

  /** Only these clouds of clouds.yaml; empty: all that it names. */
  clouds: [],

  /** Further regions that probe and vote, say ["us-east-1", "ap-south-1"]: three places, and the majority decides. */
  vantages: [],

  /** Who is mailed when an alarm goes off, besides what the console shows. AWS asks them once whether they want it. */
  alarmEmail: undefined,

  /**
   * A name of the API's own, by stage: { production: { name: "heat.example.com" } }. Its zone is in
   * Route 53 of the same account; else name a `certificate` (ARN) and point your own DNS at the API.
   */
  domains: {},

  /**
   * Who signs tokens, in place of ApiTokens: { issuer: "https://login.example.com/", audiences:
   * ["heat-spreader"], roleClaim: "role" }. The claim says reader, operator or vantage.
   */
  oidc: undefined,

  /** Requests a second that the API takes in the long run, and at once. More are answered 429. */
  throttling: { rate: 50, burst: 100 },

  /**
   * How the functions reach the clouds: "internet", from changing addresses; "fixed-addresses",
   * through NAT gateways of our own, for allow-lists; or private subnets (and their security groups)
   * of a VPC of yours, for endpoints that only it reaches.
   */
  network: "internet",

  /** Whether witnesses of workloads may be at private addresses: "allow" where they are in that VPC, say. */
  privateWitnesses: "refuse",

  /**
   * Where every event is sent besides: { url: "https://alerts.example.com/heat-spreader" }. The secret
   * WebhookToken goes along, as `Authorization: Bearer ...`, or as the `header` that is named here.
   */
  webhook: undefined,

  /** On everything that bears tags, besides SST's own two (app and stage). */
  tags: {},
};
