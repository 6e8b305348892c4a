import type { Fault, FaultClass } from "../cloud/faults.ts";
import { METADATA_ADDRESS } from "./addresses.ts";

/** Why no answer came: what was thrown, and whether the request had begun to be written. */
export type TransportFailure = {
  error: unknown;
  sent: boolean;
  /** What to do about a certificate that nobody we know has signed. */
  caRemedy?: string;
};

/** What our own deadline fails with. */
export const DEADLINE = "DEADLINE";
/** An answer longer than we read, and one in an encoding that we did not ask for. */
export const TOO_LARGE = "TOO_LARGE";
export const ENCODED = "ENCODED";

type Meaning = readonly [FaultClass, code: string, says: string];

const untrusted: Meaning = [
  "config",
  "certificate_unknown_ca",
  "its certificate is signed by nobody we know",
];
const noRoute: Meaning = ["path", "no_route", "no route to it"];
const noName: Meaning = ["path", "dns", "its name could not be resolved"];
const reset: Meaning = ["path", "reset", "the connection was cut off"];
const connectTimeout: Meaning = ["path", "connect_timeout", "no connection within the deadline"];
const closed: Meaning = [
  "answer",
  "closed",
  "clouds.yaml changed meanwhile, and this was given up",
];
/** Our own machine is short of something: that says nothing of the cloud, and is no bug either. */
const LOCAL = "local_limit";
const local: Meaning = ["answer", LOCAL, "this machine is out of sockets, files or memory"];

const notHttp: Meaning = ["answer", "not_http", "what it answers is not HTTP"];
/** What a certificate of one's own CA ends in. */
const unsigned = ["certificate_unknown_ca", "certificate_self_signed"];

/** Every code of Node's and undici's that means one thing; TLS has patterns below. */
const meanings = new Map<string, Meaning>([
  ["ECONNREFUSED", ["path", "refused", "the connection was refused"]],
  ["ENOTFOUND", noName],
  ["EAI_AGAIN", noName],
  ["EAI_FAIL", noName],
  ["EAI_NODATA", noName],
  ["EAI_NONAME", noName],
  ["EHOSTUNREACH", noRoute],
  ["ENETUNREACH", noRoute],
  ["EHOSTDOWN", noRoute],
  // Linux's words for ICMP's other ways to say unreachable (net/ipv4/icmp.c, icmp_err_convert).
  ["ENONET", noRoute],
  ["ENOPROTOOPT", noRoute],
  ["ENOTSUP", noRoute],
  ["EOPNOTSUPP", noRoute],
  ["ENETDOWN", noRoute],
  ["EACCES", noRoute],
  ["EPERM", noRoute],
  ["ECONNRESET", reset],
  ["ECONNABORTED", reset],
  ["EPIPE", reset],
  ["UND_ERR_SOCKET", reset],
  ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", reset],
  ["ETIMEDOUT", connectTimeout],
  ["UND_ERR_CONNECT_TIMEOUT", connectTimeout],
  ["UND_ERR_HEADERS_TIMEOUT", ["service", "timeout", "no answer within the deadline"]],
  ["UND_ERR_BODY_TIMEOUT", ["service", "timeout", "no whole answer within the deadline"]],
  ["UND_ERR_CLOSED", closed],
  ["UND_ERR_DESTROYED", closed],
  ["EMFILE", local],
  ["ENFILE", local],
  ["ENOMEM", local],
  ["ENOBUFS", local],
  ["EADDRNOTAVAIL", local],
  // No IPv6, say, on this machine.
  ["EAFNOSUPPORT", ["answer", LOCAL, "this machine has no such kind of address"]],
  ["EAI_MEMORY", local],
  // Of a status below 100, say: undici's parser asserts what it takes for granted.
  ["ERR_ASSERTION", ["answer", "unreadable", "what it answers broke the HTTP client"]],
  ["UND_ERR_HEADERS_OVERFLOW", ["answer", "too_large", "the answer's headers are too long"]],
  [TOO_LARGE, ["answer", "too_large", "the answer is too long"]],
  [ENCODED, ["answer", "encoded", "the answer is compressed, which was not asked for"]],
  [
    METADATA_ADDRESS,
    [
      "config",
      "metadata_address",
      "its name resolves to a link-local, metadata or other special address",
    ],
  ],
  ["CERT_HAS_EXPIRED", ["config", "certificate_expired", "its certificate has expired"]],
  ["CERT_NOT_YET_VALID", ["config", "certificate_expired", "its certificate is not valid yet"]],
  [
    "ERR_TLS_CERT_ALTNAME_INVALID",
    ["config", "certificate_name", "its certificate is for another name"],
  ],
  ["HOSTNAME_MISMATCH", ["config", "certificate_name", "its certificate is for another name"]],
  [
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    ["config", "certificate_self_signed", "its certificate is self-signed"],
  ],
]);

const patterns: readonly (readonly [RegExp, Meaning])[] = [
  [/^(SELF_SIGNED_|UNABLE_TO_|INVALID_CA|CERT_UNTRUSTED)/, untrusted],
  [
    /^(CERT_|CRL_|INVALID_PURPOSE|ERR_TLS_CERT_)/,
    ["config", "certificate", "its certificate is not valid"],
  ],
  [/^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|EPROTO)/, ["config", "tls", "TLS could not be agreed on"]],
  [/^HPE_/, notHttp],
];

/**
 * The fault of a request that got no answer. `where` is its method, host and path. What is no word
 * of the network's or the system's is a bug of ours, and is thrown again.
 */
export function transportFault(
  where: string,
  { error, sent, caRemedy = "set cacert" }: TransportFailure,
): Fault {
  const code = codeOf(error);
  const unsent = sent ? {} : ({ unsent: true } as const);
  if (code === DEADLINE) {
    const [faultClass, word, says]: Meaning = sent
      ? ["service", "timeout", "no answer within the deadline"]
      : connectTimeout;
    return { class: faultClass, code: word, message: `${where}: ${says}.`, ...unsent };
  }
  const meaning =
    meanings.get(code) ??
    patterns.find(([pattern]) => pattern.test(code))?.[1] ??
    (isOfSystem(error) ? (["answer", LOCAL, `this machine says ${code}`] as const) : undefined);
  if (!meaning) throw error;
  const [faultClass, word, says] = meaning;
  const advice = unsigned.includes(word) ? `: ${caRemedy}` : "";
  return { class: faultClass, code: word, message: `${where}: ${says}${advice}.`, ...unsent };
}

/** Of what several addresses came to, the last; one that this machine could not try tells nothing, unless it could try none. */
export function lastTelling(faults: readonly Fault[]): Fault | undefined {
  return faults.findLast(({ code }) => code !== LOCAL) ?? faults.at(-1);
}

/** Node gives an AggregateError, when every address of a name failed, the code of the first. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  // undici's parser leaves `code` empty for some of its reasons.
  if (error.name === "HTTPParserError") return "HPE_";
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.cause === undefined ? "" : codeOf(error.cause);
}

/** Whether the operating system refused a call: whatever its word for that is, it says nothing of the cloud. */
function isOfSystem(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return "syscall" in error || isOfSystem(error.cause);
}

/** A fault that clouds.yaml or what it names is to blame for: nothing was sent. */
export function configFault(code: string, message: string): Fault {
  return { class: "config", code, message, unsent: true };
}
