import * as http from "node:http";
import * as https from "node:https";
import { connect } from "node:net";
import { addressKind } from "../cloud/address.ts";
import type { Fault, Outcome } from "../cloud/faults.ts";
import { ALLOW_PRIVATE, hostAndPort, hostKind, hostOf, type Witness } from "../stack/witness.ts";
import { configFault, DEADLINE, lastTelling, transportFault } from "./faults.ts";
import { dnsResolve, isNoAddress, type Resolve } from "./names.ts";

export type WitnessOptions = {
  /** Over all: the name, every address tried, the answer's status. */
  deadlineMs: number;
  /** True: workloads may be at private addresses, and on this machine. */
  allowsPrivate: boolean;
  resolve?: Resolve;
};

const CA_REMEDY = "name a URL with a publicly trusted certificate, or a TCP witness";
/** Tried one after the other, each with an equal part of the time left. */
const MOST_ADDRESSES = 4;
/** Of the deadline, for the name: a slow one must leave time to connect. */
const NAME_PART = 0.5;

/**
 * Asks a witness, without credentials: a GET whose status is compared, or a TCP connection. The name
 * is resolved once, every address known of it is looked at, and only such an address is connected to,
 * where one that cannot be asked from here takes nothing from another's silence; a
 * redirect is a status like any other, and is not followed. Of an answer no more than its head is
 * read. Refused addresses, names that are none and bad certificates are faults that say nothing.
 */
export function witnessAsker(
  options: WitnessOptions,
): (witness: Witness) => Promise<Outcome<void>> {
  const { deadlineMs, allowsPrivate, resolve = dnsResolve() } = options;
  return async (witness) => {
    const where = whereOf(witness);
    const end = Date.now() + deadlineMs;
    const found = await addressesOf(hostOf(witness), {
      where,
      resolve,
      withinMs: deadlineMs * NAME_PART,
    });
    if (!found.ok) return found;
    const refused = found.value.find((address) => !isAllowed(address, allowsPrivate));
    if (refused !== undefined) return { ok: false, fault: refusal(where, refused) };
    const addresses = found.value.slice(0, MOST_ADDRESSES);
    const faults: Fault[] = [];
    for (const [i, address] of addresses.entries()) {
      const signal = AbortSignal.timeout(part(end - Date.now(), addresses.length - i));
      const asked = await ask(witness, { address, where, signal });
      if (asked.ok || asked.fault.status !== undefined) return asked;
      faults.push(asked.fault);
    }
    return { ok: false, fault: lastTelling(faults) ?? noSuchName(where) };
  };
}

function part(leftMs: number, of: number): number {
  return Math.max(1, Math.ceil(leftMs / of));
}

function isAllowed(address: string, allowsPrivate: boolean): boolean {
  const kind = addressKind(address);
  return kind === "public" || (kind === "private" && allowsPrivate);
}

function refusal(where: string, address: string): Fault {
  const remedy =
    addressKind(address) === "private"
      ? `a private address; ${ALLOW_PRIVATE}`
      : "a link-local, metadata or other special address";
  return configFault("refused_address", `${where}: not asked, as ${address} is ${remedy}.`);
}

function noSuchName(where: string): Fault {
  return configFault("no_such_name", `${where}: there is no address of that name.`);
}

type Finding = { where: string; resolve: Resolve; withinMs: number };

async function addressesOf(
  host: string,
  { where, resolve, withinMs }: Finding,
): Promise<Outcome<string[]>> {
  if (addressKind(host) !== undefined) return { ok: true, value: [host] };
  if (hostKind(host) === "private") return { ok: true, value: ["127.0.0.1", "::1"] };
  try {
    const found = await resolve(host, withinMs);
    if (found.length > 0) return { ok: true, value: found };
    return { ok: false, fault: noSuchName(where) };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (isNoAddress(code)) return { ok: false, fault: noSuchName(where) };
    if (code === "") throw error;
    const message = `${where}: its name could not be resolved (${code}).`;
    return { ok: false, fault: { class: "path", code: "dns", message, unsent: true } };
  }
}

type Asking = { address: string; where: string; signal: AbortSignal };

async function ask(witness: Witness, asking: Asking): Promise<Outcome<void>> {
  const sending = { sent: false };
  try {
    if ("tcp" in witness) {
      await connected(hostAndPort(witness.tcp).port, asking);
      return { ok: true, value: undefined };
    }
    const status = await statusOf(new URL(witness.url), asking, sending);
    if (status === witness.status) return { ok: true, value: undefined };
    const message = `${asking.where}: it answers ${status}, not ${witness.status}${isRedirect(status) ? " (a redirect is not followed)" : ""}.`;
    return { ok: false, fault: { class: "service", code: `http_${status}`, message, status } };
  } catch (thrown) {
    const error = asking.signal.aborted ? coded(DEADLINE) : thrown;
    return {
      ok: false,
      fault: transportFault(asking.where, { error, ...sending, caRemedy: CA_REMEDY }),
    };
  }
}

function connected(port: number, { address, signal }: Asking): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ host: address, port, signal });
  socket.once("connect", resolve).once("error", reject);
  return promise.finally(() => socket.destroy());
}

/** The status alone: the connection is cut off as soon as it is there. */
function statusOf(
  url: URL,
  { address, signal }: Asking,
  sending: { sent: boolean },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const isTls = url.protocol === "https:";
  // RFC 6066 section 3: without a trailing dot.
  const name = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const request = (isTls ? https : http).request({
    host: address,
    port: url.port || (isTls ? 443 : 80),
    path: url.pathname + url.search,
    headers: { host: url.host, "user-agent": "heat-spreader", accept: "*/*" },
    // The certificate must be for the name that was declared, not for the address.
    ...(isTls && addressKind(name) === undefined ? { servername: name } : {}),
    agent: false,
    signal,
  });
  request.once("socket", (socket) =>
    socket.once(isTls ? "secureConnect" : "connect", () => {
      sending.sent = true;
    }),
  );
  request.once("response", ({ statusCode = 0 }) => resolve(statusCode));
  // What still goes wrong once the status is there is nobody's concern.
  request.on("error", reject);
  // An answer that only changes the protocol ends without an error, and without a response.
  request.once("close", () => reject(coded("ECONNRESET")));
  request.end();
  return promise.finally(() => request.destroy());
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/** For messages: without the query, which may hold what is nobody's business. */
function whereOf(witness: Witness): string {
  if ("tcp" in witness) return `TCP ${witness.tcp}`;
  const { origin, pathname } = new URL(witness.url);
  return `GET ${origin}${pathname}`;
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}
