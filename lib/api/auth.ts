import { createHash, timingSafeEqual } from "node:crypto";
import { ControlError } from "../error.ts";
import { type Endpoint, Role } from "./endpoint.ts";

/** Whoever may call, by the name that logs use. */
export type Identity = { name: string; role: Role };

/** One entry of API_TOKENS; the token itself is nowhere. */
export type TokenEntry = Identity & { sha256: Buffer };

/** What API Gateway's JWT authorizer found in a token whose signature it verified. */
export type Claims = Record<string, unknown>;

/**
 * The entries `name:role:sha256` of API_TOKENS, separated by commas or white space. Throws, naming
 * the entry by its place only, when one is not of that form: a typing error must not open or shut a door.
 */
export function tokenEntries(text: string): TokenEntry[] {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== "");
  return entries.map((entry, index) => {
    const [, name, role, sha256] = /^([^:]+):(\w+):([0-9a-f]{64})$/i.exec(entry) ?? [];
    const parsed = Role.safeParse(role);
    if (name === undefined || sha256 === undefined || !parsed.success) {
      throw new Error(
        `Entry ${index + 1} of API_TOKENS is not name:role:sha256 (role reader, operator or vantage; sha256 in 64 hex digits).`,
      );
    }
    return { name, role: parsed.data, sha256: Buffer.from(sha256, "hex") };
  });
}

/**
 * Who calls: the entry of the bearer token, else who the JWT authorizer says, with the role in
 * `roleClaim`. Every entry is compared in constant time, so that the time taken tells nothing.
 */
export function identify(
  request: { authorization: string | undefined; claims: Claims | undefined },
  known: { tokens: readonly TokenEntry[]; roleClaim: string },
): Identity | undefined {
  const [, token] = /^Bearer +(\S+) *$/i.exec(request.authorization ?? "") ?? [];
  if (token === undefined) return undefined;
  const presented = createHash("sha256").update(token).digest();
  const matching = known.tokens.filter(({ sha256 }) => timingSafeEqual(sha256, presented));
  return matching[0] ?? claimed(request.claims, known.roleClaim);
}

/** Throws 401 or 403 unless the endpoint asks for no token, or for a role that is theirs. */
export function authorize(endpoint: Pick<Endpoint, "role">, identity: Identity | undefined): void {
  if (endpoint.role === "none") return;
  if (identity === undefined) {
    throw new ControlError(
      "request.unauthorized",
      "This call needs a token that is known here, as `Authorization: Bearer ...`.",
    );
  }
  if (endpoint.role === "anybody" || endpoint.role === identity.role) return;
  if (identity.role === "operator" && endpoint.role === "reader") return;
  throw new ControlError(
    "request.forbidden",
    `This call needs the role ${endpoint.role}; the token's role is ${identity.role}.`,
  );
}

/** API Gateway hands a list over as "[reader operator]"; the most that is claimed counts. */
function claimed(claims: Claims | undefined, roleClaim: string): Identity | undefined {
  if (claims === undefined || !Object.hasOwn(claims, roleClaim)) return undefined;
  const roles = String(claims[roleClaim]).split(/[\s,[\]"]+/);
  const role = (["operator", "reader", "vantage"] as const).find((known) => roles.includes(known));
  return role && { name: String(claims.sub ?? "jwt"), role };
}
