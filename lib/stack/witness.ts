import * as z from "zod";
import { type AddressKind, addressKind } from "../cloud/address.ts";

/** Why a witness is refused as soon as it is declared; undefined: nothing is to be seen against it. */
type Objection = string | undefined;

const HOST_PORT = /^(\[[^\]\s]+\]|[^\s:/\\@?#[\]]+):(\d+)$/;
/** What a URL loses silently, or what nobody sees in it. */
const UNSEEN = /[\s\p{Cc}]/u;
const LONGEST_URL = 2000;
const STATUS = "a witness's status is 200 to 599: a 1xx is never the last that is answered";
/** What to do about a witness at a private address, on one machine and on AWS. */
export const ALLOW_PRIVATE =
  "allow them with WITNESS_PRIVATE=allow, witnesses.private: allow in heat-spreader.yaml, or privateWitnesses in infra/settings.ts";
const EXAMPLES = {
  url: 'a string, such as "https://web.example.org/health"',
  status: "a whole number, such as 200",
  tcp: 'a string, such as "web.example.org:443"',
};
const WANTED = 'a witness is {"url": "https://...", "status": 200}, or {"tcp": "host:port"}';

/**
 * Where to ask whether the workload in one cloud answers: a URL with the status expected, or a TCP
 * address, as it is asked. What is kept is read whatever the rules of {@link WitnessInput} have become.
 */
export const Witness = z.union([
  z.strictObject({
    url: z.string().overwrite(urlAsAsked),
    /** The status that says that it answers; a redirect is not followed. */
    status: z.int(),
  }),
  z.strictObject({ tcp: z.string().overwrite(tcpAsAsked) }),
]);
export type Witness = z.infer<typeof Witness>;

/** A witness as a user names it. */
export const WitnessInput = z.union(
  [
    z.strictObject(
      {
        url: z
          .string()
          .max(LONGEST_URL)
          .superRefine(asObjection(urlObjection))
          .overwrite(urlAsAsked),
        status: z.int().min(200, STATUS).max(599, STATUS).default(200),
      },
      { error: keyObjection },
    ),
    z.strictObject(
      { tcp: z.string().max(300).superRefine(asObjection(tcpObjection)).overwrite(tcpAsAsked) },
      { error: keyObjection },
    ),
  ],
  { error: ({ input, errors }) => shapeObjection(input, errors as z.core.$ZodIssue[][]) },
);

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

/** The URL that is asked, however it was written: of `http://0x7f.1` it is `http://127.0.0.1/`. */
function urlAsAsked(text: string): string {
  return URL.canParse(text) ? new URL(text).href : text;
}

function tcpAsAsked(text: string): string {
  const { host, port } = hostAndPort(text);
  if (host === "") return text;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function urlObjection(text: string): Objection {
  if (UNSEEN.test(text)) {
    return "a witness's url has no blanks and no control characters in it; a blank is written %20";
  }
  if (!URL.canParse(text)) {
    return "a witness's url is whole, such as https://web.example.org/health";
  }
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return `a witness is asked by http or https, not by ${url.protocol.slice(0, 20)}`;
  }
  if (url.username !== "" || url.password !== "") {
    return "a witness's url has no user and password in it: whoever may read the stack would read them, and they are never sent";
  }
  if (url.hash !== "") return "a witness's url has no fragment (#...): it is never sent";
  if (url.port === "0") return "nothing answers at port 0: name a port from 1 to 65535, or none";
  if (url.href.length > LONGEST_URL) return `a witness's url has at most ${LONGEST_URL} characters`;
  return hostObjection(url.hostname);
}

function tcpObjection(text: string): Objection {
  if (UNSEEN.test(text)) return "a witness's tcp has no blanks and no control characters in it";
  const { host, port } = hostAndPort(text);
  const example = "such as web.example.org:443 or [2001:db8::1]:443";
  if (host === "") return `a witness's tcp is host:port, ${example}`;
  if (port < 1 || port > 65_535) {
    return `a witness's tcp is host:port with a port from 1 to 65535, ${example}`;
  }
  return hostObjection(host);
}

function keyObjection({ code }: { code: string }): Objection {
  if (code !== "unrecognized_keys") return undefined;
  return "does not belong here: a witness has a url and its status, or a tcp alone";
}

/** What to say where neither form fits: of the one that was meant, the field that is of another type. */
function shapeObjection(given: unknown, [ofUrl, ofTcp]: z.core.$ZodIssue[][]): string {
  if (kindOf(given) !== "an object") return `${WANTED}, not ${kindOf(given)}`;
  const { url, status, tcp } = given as Record<string, unknown>;
  if (url === undefined && tcp === undefined) return WANTED;
  if (url !== undefined && tcp !== undefined) {
    return "a witness has a url or a tcp, and not both: leave one of them out";
  }
  const keys = (tcp === undefined ? ofUrl : ofTcp)?.map(({ path: [key] }) => key) ?? [];
  const key = (["url", "status", "tcp"] as const).find((field) => keys.includes(field));
  if (key === undefined) return WANTED;
  return `a witness's ${key} is ${EXAMPLES[key]}, not ${kindOf({ url, status, tcp }[key])}`;
}

function kindOf(given: unknown): string {
  if (given === null || typeof given === "boolean") return String(given);
  if (typeof given === "number") return Number.isInteger(given) ? "a number" : String(given);
  if (typeof given === "string") return "a string";
  return Array.isArray(given) ? "an array" : "an object";
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
