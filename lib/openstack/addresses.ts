import { promises as dns, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { addressKind } from "../cloud/address.ts";

/**
 * True for what no cloud's services are at: a link-local or metadata address, or what else is `never`,
 * however it is written. False for names, and for private addresses: clouds may be at those.
 */
export function isMetadataAddress(host: string): boolean {
  return addressKind(host) === "never";
}

/** What the lookup fails with when a name resolves to such an address. */
export const METADATA_ADDRESS = "METADATA_ADDRESS";

/**
 * Node's lookup, but a name that resolves to a metadata address fails with `METADATA_ADDRESS`, and
 * one name is asked for once at a time: getaddrinfo holds a thread of the whole process, of which slow
 * lookups get half, so 16 connections to each name whose server hangs would stop every other cloud's.
 */
export function guardedLookup(): LookupFunction {
  const underWay = new Map<string, Promise<LookupAddress[]>>();
  const addresses = (hostname: string, options: { family?: number; hints?: number }) => {
    const key = `${hostname} ${options.family ?? 0} ${options.hints ?? 0}`;
    const asked = underWay.get(key);
    if (asked) return asked;
    const asking = dns
      .lookup(hostname, { ...options, all: true })
      .finally(() => underWay.delete(key));
    underWay.set(key, asking);
    return asking;
  };
  return (hostname, options, callback) => {
    const family = options.family === "IPv6" ? 6 : options.family === "IPv4" ? 4 : options.family;
    addresses(hostname, { family: family ?? 0, hints: options.hints ?? 0 }).then(
      (found) => {
        const [first] = found;
        if (!first || found.some(({ address }) => isMetadataAddress(address))) {
          const code = first ? METADATA_ADDRESS : "ENOTFOUND";
          callback(Object.assign(new Error(code), { code }), "", 4);
        } else if (options.all) {
          callback(null, found);
        } else {
          callback(null, first.address, first.family);
        }
      },
      (error: NodeJS.ErrnoException) => callback(error, "", 4),
    );
  };
}
