import { isMetadataAddress } from "./addresses.ts";
import type { Entry } from "./clouds-entries.ts";

type Problem = (says: string) => void;

/** Keystone's v3 address. keystoneauth would ask an address without a version for its versions; we add /v3. */
export function authUrlOf(written: string | undefined, entry: Entry, problem: Problem): string {
  const url = written === undefined ? undefined : urlOf(filled(written, entry));
  if (!url) {
    problem(
      written === undefined
        ? "auth.auth_url is missing"
        : "auth.auth_url is not the address of a Keystone",
    );
    return "";
  }
  const path = url.pathname.replace(/\/+$/, "");
  if (path.endsWith("/v2.0"))
    problem("auth.auth_url is of the v2.0 API: take the one that ends in /v3");
  return `${url.origin}${path}${path.endsWith("/v3") ? "" : "/v3"}`;
}

/** Heat's address; keystoneauth fills `%(project_id)s` in when there is a token. */
export function overrideOf(written: string, entry: Entry, problem: Problem): string {
  const override = filled(written, entry).replace(/\/+$/, "");
  if (!urlOf(override.replaceAll(/%\(\w+\)s/g, "x"))) {
    problem("orchestration_endpoint_override is not the address of a Heat");
  }
  return override;
}

/** http or https, with nothing in it but host, port and path, and no metadata service. */
function urlOf(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isPlain = url.username + url.password + url.search + url.hash === "";
  const isHttp = url.protocol === "http:" || url.protocol === "https:";
  return isPlain && isHttp && !isMetadataAddress(url.hostname) ? url : undefined;
}

/** `{region_name}` and the like, as vendor profiles have it. */
function filled(text: string, entry: Entry): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, key: string) => {
    const value = Object.hasOwn(entry, key) ? entry[key] : undefined;
    return typeof value === "string" ? value : whole;
  });
}
