import { promises as dns } from "node:dns";

/** The addresses of a name, as far as they are known in that time. Throws Node's DNS errors, such as ENOTFOUND. */
export type Resolve = (name: string, withinMs: number) => Promise<string[]>;

/** What says that there is no such address, rather than that nobody could say. */
const NO_ADDRESS = new Set(["ENOTFOUND", "ENODATA", "EBADNAME"]);

/** RFC 8305 section 3: once one family's addresses are there, the other's are waited for so long. */
const RESOLUTION_DELAY_MS = 50;

/** True for what DNS says of a name that has no address. */
export function isNoAddress(code: string): boolean {
  return NO_ADDRESS.has(code);
}

/**
 * Asks DNS itself for IPv4 and IPv6 addresses: getaddrinfo holds a thread of the whole
 * process, so zones that hang together with their clouds would stop every other cloud's lookups.
 * /etc/hosts is not read. A family that is not answered for takes nothing from the other one; without
 * any address a silence goes before an answer that there is none. `servers` are those of the system
 * unless given.
 */
export function dnsResolve(servers?: string[]): Resolve {
  return async (name, withinMs) => {
    // Node looks at the clock of c-ares once in a timeout, so each try takes up to two of them.
    const resolver = new dns.Resolver({ timeout: Math.ceil(withinMs / 4), tries: 2 });
    if (servers) resolver.setServers(servers);
    const giveUp = () => resolver.cancel();
    const timers = [setTimeout(giveUp, withinMs)];
    const families = [resolver.resolve4(name), resolver.resolve6(name)];
    for (const family of families) {
      family.then(
        () => timers.push(setTimeout(giveUp, RESOLUTION_DELAY_MS)),
        () => undefined,
      );
    }
    const both = await Promise.allSettled(families);
    for (const timer of timers) clearTimeout(timer);
    const found = both.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
    if (found.length > 0) return found;
    const failures = both.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    const cause = failures.find(({ code }) => !isNoAddress(code)) ?? failures[0];
    if (cause.code !== "ECANCELLED") throw cause;
    throw Object.assign(new Error("no answer in time", { cause }), { code: "ETIMEOUT" });
  };
}
