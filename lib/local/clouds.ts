import { homedir } from "node:os";
import { findFile } from "../openstack/clouds-files.ts";

/** Whether there is a clouds.yaml (or a secure.yaml with clouds) to drive, where openstacksdk looks. */
export function hasClouds(environment: Record<string, string | undefined>): boolean {
  if (environment.CLOUDS_YAML !== undefined) return true;
  const places = { environment, cwd: process.cwd(), home: homedir() };
  return findFile("clouds", places) !== undefined || findFile("secure", places) !== undefined;
}
