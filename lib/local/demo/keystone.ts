import { randomBytes, randomUUID } from "node:crypto";
import * as z from "zod";
import type { Reply, Request } from "./service.ts";

const Named = z.object({ id: z.string().optional(), name: z.string().optional() });
const PasswordLogin = z.object({
  auth: z.object({
    identity: z.object({
      methods: z.tuple([z.literal("password")]),
      password: z.object({ user: Named.extend({ password: z.string() }) }),
    }),
    scope: z.object({ project: Named }).optional(),
  }),
});
const ApplicationLogin = z.object({
  auth: z.object({
    identity: z.object({
      methods: z.tuple([z.literal("application_credential")]),
      application_credential: z.object({ id: z.string(), secret: z.string() }),
    }),
  }),
});

export type Keystone = {
  answer: (request: Request) => Reply;
  isValid: (token: string | undefined) => boolean;
  /** Takes another password from now on; tokens stay valid. */
  setPassword: (password: string) => void;
};

/** Keystone's v3 of one cloud: its version document, and logins by password or application credential. */
export function keystone(options: {
  project: { id: string; name: string };
  user: { id: string; name: string; password: string };
  applicationCredential: { id: string; secret: string };
  tokenLifetimeMs: number;
  /** Where it and Heat listen; read at each login. */
  endpoints: () => { keystone: string; heat: string };
}): Keystone {
  const { project, user, applicationCredential, tokenLifetimeMs, endpoints } = options;
  const tokens = new Map<string, number>();
  let { password } = user;

  function login(request: Request): Reply {
    const byPassword = PasswordLogin.safeParse(request.body).data?.auth;
    const byApplication = ApplicationLogin.safeParse(request.body).data?.auth.identity;
    if (byPassword) {
      const given = byPassword.identity.password.user;
      const scope = byPassword.scope?.project;
      const isKnown = is(given, user) && given.password === password && is(scope ?? {}, project);
      return isKnown ? issued("password") : unauthorized;
    }
    if (!byApplication) return error(400, "Bad Request", "Expecting to find auth in request body.");
    const { id, secret } = byApplication.application_credential;
    if (id !== applicationCredential.id) {
      return error(404, "Not Found", `Could not find Application Credential: ${id}.`);
    }
    return secret === applicationCredential.secret
      ? issued("application_credential")
      : unauthorized;
  }

  function issued(method: string): Reply {
    const token = `gAAAA${randomBytes(132).toString("base64url")}`;
    const now = Date.now();
    tokens.set(token, now + tokenLifetimeMs);
    const domain = { id: "default", name: "Default" };
    const { keystone: identityUrl, heat: heatUrl } = endpoints();
    const body = {
      token: {
        methods: [method],
        user: { domain, id: user.id, name: user.name, password_expires_at: null },
        audit_ids: [randomBytes(16).toString("base64url")],
        expires_at: microseconds(now + tokenLifetimeMs),
        issued_at: microseconds(now),
        project: { domain, ...project },
        is_domain: false,
        roles: ["member", "heat_stack_owner", "reader"].map((name) => ({ id: randomUUID(), name })),
        catalog: [
          catalogEntry("orchestration", "heat", `${heatUrl}/v1/${project.id}`),
          catalogEntry("identity", "keystone", `${identityUrl}/v3`),
        ],
      },
    };
    return { status: 201, headers: { "x-subject-token": token }, body };
  }

  return {
    answer: (request) => {
      const route = `${request.method} ${request.path.replace(/\/$/, "")}`;
      if (route === "POST /v3/auth/tokens") return login(request);
      if (route === "GET /v3") return { status: 200, body: { version: version(endpoints()) } };
      if (route === "GET ") {
        return { status: 300, body: { versions: { values: [version(endpoints())] } } };
      }
      return error(404, "Not Found", "The resource could not be found.");
    },
    isValid: (token) => (tokens.get(token ?? "") ?? 0) > Date.now(),
    setPassword: (to) => {
      password = to;
    },
  };
}

const unauthorized = {
  ...error(401, "Unauthorized", "The request you have made requires authentication."),
  headers: { "www-authenticate": 'Keystone uri="http://127.0.0.1/v3"' },
};

function error(code: number, title: string, message: string): Reply {
  return { status: code, body: { error: { code, message, title } } };
}

function is(
  given: { id?: string | undefined; name?: string | undefined },
  known: { id: string; name: string },
) {
  return given.id === undefined ? given.name === known.name : given.id === known.id;
}

function catalogEntry(type: string, name: string, url: string): unknown {
  const endpoints = ["public", "internal", "admin"].map((kind) => ({
    id: randomUUID(),
    interface: kind,
    region_id: "RegionOne",
    region: "RegionOne",
    url,
  }));
  return { type, name, id: randomUUID(), endpoints };
}

function version({ keystone: url }: { keystone: string }): unknown {
  return {
    id: "v3.14",
    status: "stable",
    updated: "2020-04-07T00:00:00Z",
    links: [{ rel: "self", href: `${url}/v3/` }],
    "media-types": [],
  };
}

function microseconds(time: number): string {
  return new Date(time).toISOString().replace("Z", "000Z");
}
