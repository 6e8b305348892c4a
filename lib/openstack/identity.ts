import type { Credentials } from "./settings.ts";

type Named = { id: string } | { name: string };
type User = ({ id: string } | { name: string; domain?: Named }) & { password?: string };

/** `auth.identity` of a v3 login. */
export type Identity =
  | { methods: ["password"]; password: { user: User } }
  | { methods: ["token"]; token: { id: string } }
  | {
      methods: ["application_credential"];
      application_credential: ({ id: string } | { name: string; user: User }) & { secret: string };
    };

/** `auth.scope`; a login by application credential must not have one. */
export type Scope = { project: { id: string } | { name: string; domain: Named } };

type Login = { identity: Identity; scope?: Scope };
type Problem = (says: string) => void;

/**
 * The login that an entry asks for. `auth_type` is password (the default), v3password, token, v3token
 * or v3applicationcredential; scopes other than a project are refused, because Heat's stacks live in
 * projects. A domain that is named nowhere is `default`, as the `openstack` command has it.
 */
export function identityOf(authType: string, auth: Credentials, problem: Problem): Login {
  if (auth.system_scope ?? auth.trust_id) {
    problem("auth is scoped to the system or a trust: Heat needs a project");
  }
  switch (authType) {
    case "password":
    case "v3password":
      return byPassword(auth, problem);
    case "token":
    case "v3token":
      return {
        identity: {
          methods: ["token"],
          token: { id: wanted("token", auth.token ?? auth.auth_token, problem) },
        },
        ...scopeOf(auth, problem),
      };
    case "v3applicationcredential":
      return byApplicationCredential(auth, problem);
    default:
      problem(
        "auth_type is none of password, v3password, v3applicationcredential, token and v3token",
      );
      return byPassword(auth, () => {});
  }
}

function byPassword(auth: Credentials, problem: Problem): Login {
  const hint = auth.application_credential_id
    ? " (for an application credential, set auth_type: v3applicationcredential)"
    : "";
  const user = userOf(auth, hint, problem);
  const password = wanted("password", auth.password, problem);
  return {
    identity: { methods: ["password"], password: { user: { ...user, password } } },
    ...scopeOf(auth, problem),
  };
}

function byApplicationCredential(auth: Credentials, problem: Problem): Login {
  const id = auth.application_credential_id;
  const name = auth.application_credential_name;
  const secret = wanted(
    "application_credential_secret",
    auth.application_credential_secret,
    problem,
  );
  if (id === undefined && name === undefined) problem("auth.application_credential_id is missing");
  const credential =
    id === undefined ? { name: name ?? "", user: userOf(auth, "", problem) } : { id };
  return {
    identity: {
      methods: ["application_credential"],
      application_credential: { ...credential, secret },
    },
  };
}

function userOf(auth: Credentials, hint: string, problem: Problem): User {
  if (auth.user_id !== undefined) return { id: auth.user_id };
  const name = auth.username ?? auth.user_name;
  if (name === undefined) problem(`auth.username is missing${hint}`);
  return { name: name ?? "", domain: domainOf(auth, auth.user_domain_id, auth.user_domain_name) };
}

/** Without a project Keystone takes the user's own, if it has one (as keystoneauth). */
function scopeOf(auth: Credentials, problem: Problem): { scope?: Scope } {
  const id = auth.project_id ?? auth.tenant_id;
  if (id !== undefined) return { scope: { project: { id } } };
  const name = auth.project_name ?? auth.tenant_name;
  if (name === undefined) {
    if (auth.domain_id ?? auth.domain_name)
      problem("auth is scoped to a domain: Heat needs a project");
    return {};
  }
  const domain = domainOf(auth, auth.project_domain_id, auth.project_domain_name);
  return { scope: { project: { name, domain } } };
}

/** `domain_id` and `domain_name` stand for both (loader.py _handle_domain_id). */
function domainOf(auth: Credentials, id: string | undefined, name: string | undefined): Named {
  const ownId = id ?? (name === undefined ? auth.domain_id : undefined);
  const ownName = name ?? auth.domain_name;
  if (ownId !== undefined) return { id: ownId };
  if (ownName !== undefined) return { name: ownName };
  if (auth.default_domain_id !== undefined) return { id: auth.default_domain_id };
  return auth.default_domain_name === undefined
    ? { id: "default" }
    : { name: auth.default_domain_name };
}

function wanted(key: string, value: string | undefined, problem: Problem): string {
  if (value === undefined) problem(`auth.${key} is missing`);
  return value ?? "";
}
