import { promises as dns, type LookupAddress } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/**
 * Where a cloud's services never are, and where a machine keeps its own credentials: link-local and
 * the metadata services of the large providers. BlockList sees through IPv4-mapped forms by itself;
 * the last two are the same addresses behind NAT64 and in the old IPv4-compatible form.
 */
const metadata = new BlockList();
metadata.addSubnet("169.254.0.0", 16);
metadata.addSubnet("fe80::", 10, "ipv6");
metadata.addAddress("100.100.100.200");
metadata.addAddress("192.0.0.192");
metadata.addAddress("168.63.129.16");
metadata.addAddress("fd00:ec2::254", "ipv6");
metadata.addSubnet("64:ff9b::a9fe:0", 112, "ipv6");
metadata.addSubnet("::a9fe:0", 112, "ipv6");

/** True for a link-local or metadata address, however it is written; false for names and all else. */
export function isMetadataAddress(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  const family = isIP(address);
  return family !== 0 && metadata.check(address, family === 6 ? "ipv6" : "ipv4");
}

/** What the lookup fails with when a name resolves to such an address. */
export const METADATA_ADDRESS = "METADATA_ADDRESS";

/**
 * Node's lookup, but a name that resolves to a metadata address fails with `METADATA_ADDRESS`, and
 * one name is asked for once at a time: getaddrinfo holds one of four threads of the whole process,
 * so 16 connections to a name whose server hangs would stop every other cloud's lookups.
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
