import * as z from "zod";
import { type AddressKind, addressKind } from "../cloud/address.ts";

/** Why a witness is refused as soon as it is declared; undefined: nothing is to be seen against it. */
type Objection = string | undefined;

const HOST_PORT = /^(\[[^\]\s]+\]|[^\s:/@?#[\]]+):(\d{1,5})$/;

const Url = z.string().max(2000).superRefine(asObjection(urlObjection));
const Tcp = z.string().max(300).superRefine(asObjection(tcpObjection));

/** Where to ask whether the workload in one cloud answers: a URL with the status expected, or a TCP address. */
export const Witness = z.union(
  [
    z.strictObject({
      url: Url,
      /** The status that says that it answers; a redirect is not followed. */
      status: z.int().min(100).max(599).default(200),
    }),
    z.strictObject({ tcp: Tcp }),
  ],
  'a witness is {"url": "https://...", "status": 200}, or {"tcp": "host:port"}',
);
export type Witness = z.infer<typeof Witness>;

/** The host and the port of a TCP witness. An address is written as URLs have it, whatever it was before: 0x7f.1 is 127.0.0.1. */
export function hostAndPort(tcp: string): { host: string; port: number } {
  const [, host = "", port = ""] = HOST_PORT.exec(tcp) ?? [];
  const url = `http://${host}/`;
  const { hostname = "" } = URL.canParse(url) ? new URL(url) : {};
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** The host that a witness names: an address, or a name that only asking resolves. */
export function hostOf(witness: Witness): string {
  if ("tcp" in witness) return hostAndPort(witness.tcp).host;
  return new URL(witness.url).hostname.replace(/^\[|\]$/g, "");
}

/** A witness for people: without the query, which may hold what is nobody's business. */
export function witnessText(witness: Witness): string {
  if ("tcp" in witness) return witness.tcp;
  const { origin, pathname } = new URL(witness.url);
  return `${origin}${pathname} for ${witness.status}`;
}

/** What kind of place a host is, as far as its letters tell; undefined: a name. */
export function hostKind(host: string): AddressKind | undefined {
  return /(^|\.)localhost\.?$/i.test(host) ? "private" : addressKind(host);
}

function urlObjection(text: string): Objection {
  if (!URL.canParse(text))
    return "a witness's url is whole, such as https://web.example.org/health";
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return `a witness is asked by http or https, not by ${url.protocol.slice(0, 20)}`;
  }
  if (url.username !== "" || url.password !== "") {
    return "a witness's url has no user and password in it: whoever may read the stack would read them, and they are never sent";
  }
  if (url.hash !== "") return "a witness's url has no fragment (#...): it is never sent";
  return hostObjection(url.hostname);
}

function tcpObjection(text: string): Objection {
  const { host, port } = hostAndPort(text);
  if (host === "" || port < 1 || port > 65_535) {
    return "a witness's tcp is host:port, such as web.example.org:443 or [2001:db8::1]:443";
  }
  return hostObjection(host);
}

function hostObjection(host: string): Objection {
  if (hostKind(host) !== "never") return undefined;
  return `${host} is a link-local, metadata or other special address: no workload is served there, and it is never asked`;
}

function asObjection(object: (text: string) => Objection) {
  return (text: string, context: z.RefinementCtx) => {
    const message = object(text);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  };
}
