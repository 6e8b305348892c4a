import { DEADLINE_MS } from "../cloud/rhythm.ts";
import type { Log } from "../log.ts";
import type { Clouds, CloudsOptions } from "../openstack/clouds.ts";
import { sharedClouds } from "../openstack/shared.ts";

/**
 * The clouds of this machine's clouds.yaml, for an agent to probe. Throws where it cannot be read, or
 * lacks a cloud that `only` names.
 */
export function agentClouds(options: Omit<CloudsOptions, "deadlineMs">, log: Log): Clouds {
  const clouds = sharedClouds({ ...options, deadlineMs: DEADLINE_MS }, log);
  const [absent] = clouds.missing();
  if (absent === undefined) return clouds;
  throw new Error(
    `The configuration names the cloud ${absent}, which is not in ${clouds.source()}. Correct \`clouds\`, or add its entry.`,
  );
}
