import * as z from "zod";
import type { Outcome } from "../cloud/faults.ts";
import { isMetadataAddress } from "./addresses.ts";
import { listOf } from "./answers.ts";
import { configFault } from "./faults.ts";
import type { CloudSettings } from "./settings.ts";

const Endpoint = z.object({
  interface: z.string().nullish(),
  region_id: z.string().nullish(),
  region: z.string().nullish(),
  url: z.string().nullish(),
});

/** A service of Keystone's catalog; what others publish there is not ours to judge. */
export const Service = z.object({
  type: z.string(),
  name: z.string().nullish(),
  endpoints: listOf(Endpoint, 500).default([]),
});
export type Service = z.infer<typeof Service>;

/**
 * Heat's endpoint for this project, without a slash at its end: the override, or the catalog's of the
 * first interface that there is, in the region. The catalog comes in no fixed order, so an entry without
 * a region whose catalog has several is refused rather than guessed. No endpoint: `credentials`. One at
 * a metadata address, or on http where Keystone is on https, would take the token where it must not go.
 */
export function heatEndpoint(
  { heat, authUrl }: CloudSettings,
  catalog: Service[],
  projectId: string,
): Outcome<string> {
  if (heat.override !== undefined) return { ok: true, value: filledIn(heat.override, projectId) };
  const offered = catalog
    .filter(({ type, name }) => type === heat.type && (heat.name ?? name) === name)
    .flatMap(({ endpoints }) => endpoints)
    .map((endpoint) => ({ ...endpoint, region: endpoint.region_id ?? endpoint.region ?? "" }))
    .filter(({ region }) => heat.region === undefined || region === heat.region);
  const [endpoints = []] = heat.interfaces
    .map((name) => offered.filter((endpoint) => endpoint.interface === name && endpoint.url))
    .filter((endpoints) => endpoints.length > 0);
  const where = `${heat.interfaces.join(" or ")} ${heat.type} endpoint`;
  const [endpoint] = endpoints;
  if (!endpoint) {
    const region = heat.region === undefined ? "" : ` in the region ${heat.region}`;
    const message = `Keystone's catalog has no ${where}${region}.`;
    return {
      ok: false,
      fault: { class: "credentials", code: "no_endpoint", message, unsent: true },
    };
  }
  if (new Set(endpoints.map(({ region }) => region)).size > 1) {
    const message = `Keystone's catalog has a ${where} in several regions: set region_name.`;
    return { ok: false, fault: configFault("no_region", message) };
  }
  return checked(endpoint.url ?? "", authUrl);
}

function checked(written: string, authUrl: string): Outcome<string> {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  const remedy = "Set orchestration_endpoint_override if it is meant to be so.";
  if (!url || !isHttp || isMetadataAddress(url.hostname) || url.username + url.password !== "") {
    const message = "Heat's address in Keystone's catalog is none that a token may go to.";
    return { ok: false, fault: configFault("endpoint_refused", message) };
  }
  if (url.protocol === "http:" && new URL(authUrl).protocol === "https:") {
    const message = `Heat's address in Keystone's catalog is http, and Keystone's https. ${remedy}`;
    return { ok: false, fault: configFault("endpoint_downgrade", message) };
  }
  return { ok: true, value: `${url.origin}${url.pathname.replace(/\/+$/, "")}` };
}

/** keystoneauth knows `%(project_id)s`; a bare /v1 answers nothing without the project behind it. */
function filledIn(override: string, projectId: string): string {
  const filled = override.replaceAll(/%\((project|tenant)_id\)s/g, projectId);
  return filled.endsWith("/v1") ? `${filled}/${projectId}` : filled;
}
