import type { Change } from "./engine/copy.ts";

/** A setting of infra/settings.ts as a user would rewrite it. */
export function setting(from: string, to: string): Change {
  return { file: "infra/settings.ts", from: `  ${from},`, to: `  ${to},` };
}

export const DOMAIN = "heat.example.com";
export const WEBHOOK = "https://alerts.example.com/heat-spreader";
export const VANTAGES = ["us-east-1", "ap-southeast-2"];

/** Every option in use that goes with the others. */
export const everything: Change[] = [
  setting("probeInterval: 10", "probeInterval: 20"),
  setting("misses: 3", "misses: 4"),
  setting('privateWitnesses: "refuse"', 'privateWitnesses: "allow"'),
  setting("webhook: undefined", `webhook: { url: "${WEBHOOK}" }`),
  setting("clouds: []", 'clouds: ["athens", "manchester"]'),
  setting("vantages: []", `vantages: ${JSON.stringify(VANTAGES)}`),
  setting("alarmEmail: undefined", 'alarmEmail: "operator@example.com"'),
  setting("domains: {}", `domains: { production: { name: "${DOMAIN}" } }`),
  setting(
    "oidc: undefined",
    'oidc: { issuer: "https://login.example.com/", audiences: ["heat-spreader"], roleClaim: "role" }',
  ),
  setting("throttling: { rate: 50, burst: 100 }", "throttling: { rate: 5, burst: 10 }"),
  setting("tags: {}", 'tags: { team: "clouds" }'),
];

/** What further regions do without. */
export const fixedAddresses: Change[] = [
  setting('network: "internet"', 'network: "fixed-addresses"'),
];

export const SUBNETS = ["subnet-0a1b", "subnet-0c2d"];
export const GROUPS = ["sg-0e3f"];
export const CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/0b1c";

/** As long as a stage's name may be. */
export const LONGEST = "longest-stage-name-x";

/** What a user has already: a network, and a certificate for a domain whose zone is elsewhere. */
export const existing: Change[] = [
  setting(
    'network: "internet"',
    `network: ${JSON.stringify({ privateSubnets: SUBNETS, securityGroups: GROUPS })}`,
  ),
  setting(
    "domains: {}",
    `domains: { "${LONGEST}": { name: "${DOMAIN}", certificate: "${CERTIFICATE}" } }`,
  ),
];
