import { fail } from "node:assert/strict";
import type { CloudClient } from "../../lib/cloud/client.ts";
import type { Fault, Outcome } from "../../lib/cloud/faults.ts";
import { type CloudsOptions, cloudsFile } from "../../lib/openstack/clouds.ts";
import { entryFor } from "./cloud-server.ts";

/** clouds.yaml of these entries, as text; nothing of this machine is read. */
export function cloudsOf(entries: object, options: Partial<CloudsOptions> = {}) {
  return cloudsFile({
    text: JSON.stringify({ clouds: entries }),
    environment: {},
    cwd: "/",
    home: "/",
    deadlineMs: 5000,
    ...options,
  });
}

/** A client of one test cloud, closed by the test that has it. */
export function clientFor(
  server: { origin: string },
  changes: object = {},
  options: Partial<CloudsOptions> = {},
): { client: CloudClient; close: () => Promise<void> } {
  const clouds = cloudsOf({ athens: entryFor(server, changes) }, options);
  return { client: theValue(clouds.client("athens")), close: clouds.close };
}

export function theValue<T>(outcome: Outcome<T>): T {
  return outcome.ok ? outcome.value : fail(JSON.stringify(outcome.fault));
}

export function faultOf(outcome: Outcome<unknown>): Fault {
  return outcome.ok ? fail("a fault was expected") : outcome.fault;
}

/** The three words that a caller goes by. */
export function kindOf(outcome: Outcome<unknown>): string {
  const { class: faultClass, code, unsent } = faultOf(outcome);
  return [faultClass, code, ...(unsent ? ["unsent"] : [])].join(" ");
}
