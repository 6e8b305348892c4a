import * as z from "zod";
import type { Outcome } from "../cloud/faults.ts";
import type { Entry } from "./clouds-entries.ts";
import { configFault } from "./faults.ts";
import { type Identity, identityOf, type Scope } from "./identity.ts";
import type { Tls } from "./pool.ts";
import { type ReadPem, tlsOf } from "./tls.ts";
import { authUrlOf, overrideOf } from "./urls.ts";

/** One cloud, ready to be called. */
export type CloudSettings = {
  /** Ends in /v3. */
  authUrl: string;
  identity: Identity;
  scope?: Scope;
  /** Where Heat is to be found in the catalog. */
  heat: { type: string; name?: string; region?: string; interfaces: string[]; override?: string };
  tls: Tls;
  /** `api_timeout`, milliseconds; absent: none was set. */
  timeoutMs?: number;
};

/** What stands for nothing: scalars arrive as they are written. */
const nothing = new Set(["", "~", "null", "Null", "NULL"]);
const Text = z
  .string("is not one value")
  .transform((text) => (nothing.has(text) ? undefined : text))
  .optional();

/** The words of YAML 1.1. */
const Flag = z
  .string("is not true or false")
  .optional()
  .transform((text, context) => {
    if (text === undefined || nothing.has(text)) return undefined;
    if (/^(true|yes|on|y|1)$/i.test(text)) return true;
    if (/^(false|no|off|n|0)$/i.test(text)) return false;
    context.addIssue("is not true or false");
    return z.NEVER;
  });

/** openstacksdk's 0, and nothing at all, are no timeout. */
const Seconds = Text.transform((text, context) => {
  const seconds = Number(text ?? 0);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds === 0 ? undefined : seconds;
  context.addIssue("is not a number of seconds");
  return z.NEVER;
});

const interfaceNames = ["public", "internal", "admin"];
const Interfaces = z
  .union([z.string(), z.array(z.string())], "is not public, internal or admin")
  .optional()
  .transform((given, context) => {
    if (given === undefined) return undefined;
    const names = [given].flat().map((name) => name.replace(/URL$/, ""));
    if (names.length > 0 && names.every((name) => interfaceNames.includes(name))) return names;
    context.addIssue("is not public, internal or admin");
    return z.NEVER;
  });

const credentials = z.object({
  auth_url: Text,
  username: Text,
  user_name: Text,
  user_id: Text,
  password: Text,
  token: Text,
  auth_token: Text,
  application_credential_id: Text,
  application_credential_name: Text,
  application_credential_secret: Text,
  user_domain_id: Text,
  user_domain_name: Text,
  project_id: Text,
  project_name: Text,
  tenant_id: Text,
  tenant_name: Text,
  project_domain_id: Text,
  project_domain_name: Text,
  domain_id: Text,
  domain_name: Text,
  default_domain_id: Text,
  default_domain_name: Text,
  system_scope: Text,
  trust_id: Text,
});
export type Credentials = z.infer<typeof credentials>;

const EntrySettings = credentials.extend({
  auth: z.preprocess((auth) => (auth === "" ? {} : auth), credentials.optional()),
  auth_type: Text,
  auth_plugin: Text,
  region_name: Text,
  interface: Interfaces,
  endpoint_type: Interfaces,
  cacert: Text,
  cert: Text,
  key: Text,
  verify: Flag,
  insecure: Flag,
  api_timeout: Seconds,
  orchestration_endpoint_override: Text,
  orchestration_endpoint: Text,
  orchestration_interface: Interfaces,
  orchestration_region_name: Text,
  orchestration_service_type: Text,
  orchestration_service_name: Text,
});
type EntrySettings = z.infer<typeof EntrySettings>;

/**
 * The settings that an entry of clouds.yaml comes to, as openstacksdk understands it; else one `config`
 * fault that names each key that is wrong, and never its value.
 */
export function cloudSettings(
  name: string,
  entry: Entry,
  readPem: ReadPem,
): Outcome<CloudSettings> {
  const parsed = EntrySettings.transform((written, context): CloudSettings => {
    const problem = (message: string) => context.addIssue(message);
    const auth = credentialsOf(written);
    const authType = written.auth_type ?? written.auth_plugin ?? "password";
    const { identity, scope } = identityOf(authType, auth, problem);
    const override = written.orchestration_endpoint_override ?? written.orchestration_endpoint;
    const region = written.orchestration_region_name ?? written.region_name;
    const serviceName = written.orchestration_service_name;
    return {
      authUrl: authUrlOf(auth.auth_url, entry, problem),
      identity,
      ...(scope ? { scope } : {}),
      heat: {
        type: written.orchestration_service_type ?? "orchestration",
        ...(serviceName === undefined ? {} : { name: serviceName }),
        ...(region === undefined ? {} : { region }),
        interfaces: written.orchestration_interface ??
          written.interface ??
          written.endpoint_type ?? ["public"],
        ...(override === undefined ? {} : { override: overrideOf(override, entry, problem) }),
      },
      tls: tlsOf(written, readPem, problem),
      ...(written.api_timeout === undefined
        ? {}
        : { timeoutMs: Math.ceil(written.api_timeout * 1000) }),
    };
  }).safeParse(entry);
  if (parsed.success) return { ok: true, value: parsed.data };
  const problems = parsed.error.issues.map(({ path, message }) =>
    [path.map(String).join("."), message].filter((part) => part !== "").join(" "),
  );
  return {
    ok: false,
    fault: configFault("entry", `${name} in clouds.yaml: ${problems.join("; ")}.`),
  };
}

/** loader.py: scope and token go by the entry before `auth` (_fix_backwards_auth), the rest by `auth`. */
function credentialsOf({ auth = {}, ...entry }: EntrySettings): Credentials {
  const pick = (key: keyof Credentials): string | undefined =>
    /domain|project|tenant|token/.test(key) ? (entry[key] ?? auth[key]) : (auth[key] ?? entry[key]);
  return Object.fromEntries(
    credentials.keyof().options.map((key) => [key, pick(key)]),
  ) as Credentials;
}
