import { isIP } from "node:net";
import { hostname } from "node:os";

/** Whether only this machine can reach the address. */
export function isLoopback(address: string): boolean {
  const host = bare(address);
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/**
 * Whether a `Host` header is one that we are known by: a loopback name or address, the configured
 * address, one of the configured names, and where the address is open to other machines any address
 * or this machine's name. A web page that has its own name resolve to us (DNS rebinding) is none of them.
 */
export function isOurHost(
  header: string | undefined,
  { address, names }: { address: string; names: readonly string[] },
): boolean {
  const host = bare(nameOf(header ?? ""));
  if (isLoopback(host) || [address, ...names].map(bare).includes(host)) return true;
  if (isLoopback(address)) return false;
  return isIP(host) !== 0 || host === hostname().toLowerCase();
}

/** As it stands in a URL. */
export function urlHost(address: string): string {
  const host = bare(address);
  return isIP(host) === 6 ? `[${host}]` : host;
}

function nameOf(header: string): string {
  return header.startsWith("[") ? header.replace(/\]:\d+$/, "]") : header.replace(/:\d+$/, "");
}

function bare(address: string): string {
  return address
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase();
}
