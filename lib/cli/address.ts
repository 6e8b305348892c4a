/**
 * The base of the API from an address as people write it: also of the `/v1` that the documentation
 * shows. What is no address stays as it is; the client refuses it.
 */
export function base(url: string): string {
  return url.trim().replace(/\/+(v1\/*)?$/, "");
}

/** Whether two addresses are one, however their host and port are written. */
export function isSameAddress(a: string, b: string): boolean {
  return normal(a) === normal(b);
}

function normal(url: string): string {
  if (!URL.canParse(url)) return url;
  const { origin, pathname } = new URL(url);
  return base(`${origin}${pathname}`);
}

/** Plain HTTP to another machine: whoever is in between reads the token. */
export function isExposed(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !isLoopback(hostname);
}

/** The names of this machine, on which nobody is in between. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
