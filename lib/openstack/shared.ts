import type { Log } from "../log.ts";
import { type Clouds, type CloudsOptions, cloudsFile } from "./clouds.ts";

const opened = new Map<string, Clouds>();

/**
 * The clouds of these options, opened once in a process: where two functions share one, they share
 * tokens and connections, and a cloud sees 16 requests at a time at most. What is wrong with the file
 * is logged, never what it holds.
 */
export function sharedClouds(options: CloudsOptions, log: Log): Clouds {
  const key = JSON.stringify(options);
  const found = opened.get(key);
  if (found) return found;
  const report = ({ message }: Error) =>
    log.error("clouds.yaml cannot be read; what was read before stays", { problem: message });
  const clouds = cloudsFile({ ...options, report });
  for (const problem of clouds.problems()) log.warning("a cloud cannot be used", { problem });
  const isEmpty = clouds.names().length === 0 && clouds.problems().length === 0;
  if (isEmpty) log.warning("there are no clouds in clouds.yaml", { file: clouds.source() });
  opened.set(key, clouds);
  return clouds;
}
