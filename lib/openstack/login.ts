import * as z from "zod";
import type { Fault, Outcome } from "../cloud/faults.ts";
import { bodyOf, isKeystoneError, listOf, refusal } from "./answers.ts";
import { heatEndpoint, Service } from "./catalog.ts";
import { configFault } from "./faults.ts";
import { type Answer, type HttpClient, whereOf } from "./http.ts";
import type { CloudSettings } from "./settings.ts";

/** A token, where it leads, and until when (our clock, milliseconds) it is good for another call. */
export type Session = { token: string; projectId: string; heatUrl: string; until: number };

const Token = z.object({
  token: z.object({
    issued_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    project: z.object({ id: z.string().regex(/^[\w-]+$/) }).optional(),
    catalog: listOf(Service, 500).default([]),
  }),
});

/** One login at Keystone's v3. Whatever fails in it, Heat was never reached. */
export async function login(
  settings: CloudSettings,
  http: HttpClient,
  deadline: AbortSignal,
  now: () => number,
): Promise<Outcome<Session>> {
  const { authUrl, identity, scope } = settings;
  const url = `${authUrl}/auth/tokens`;
  const startedAt = now();
  const body = { auth: { identity, ...(scope ? { scope } : {}) } };
  const outcome = await http.send({ method: "POST", url, body }, deadline);
  if (!outcome.ok) return unsent(outcome.fault);
  const answer = outcome.value;
  const where = whereOf("POST", url);
  if (answer.status !== 201) return unsent(loginFault(where, answer));
  const parsed = bodyOf(where, answer, Token);
  if (!parsed.ok) return unsent(parsed.fault);
  const { issued_at, expires_at, project, catalog } = parsed.value.token;
  const token = answer.headers["x-subject-token"];
  if (!token || !/^[\x21-\x7e]+$/.test(token)) {
    const message = `${where}: answered 201, without a token.`;
    return unsent({ class: "answer", code: "unexpected", message, status: 201 });
  }
  if (!project) {
    const message = `${where}: the token is for no project: set project_name.`;
    return unsent({ class: "credentials", code: "no_project", message });
  }
  const endpoint = heatEndpoint(settings, catalog, project.id);
  if (!endpoint.ok) return endpoint;
  // Keystone's clock need not be ours, but its two times are of one clock.
  const lifetime = Date.parse(expires_at) - Date.parse(issued_at);
  const until = startedAt + lifetime - Math.min(60_000, lifetime / 10);
  return { ok: true, value: { token, projectId: project.id, heatUrl: endpoint.value, until } };
}

/** What Keystone answers to a login that it does not take (FACTS: 404 is an unknown application credential). */
function loginFault(where: string, answer: Answer): Fault {
  const { status } = answer;
  if (status === 401 || status === 403 || (status === 404 && isKeystoneError(answer))) {
    const message = `${where}: answered ${status}: the login was rejected.`;
    return { class: "credentials", code: "login_rejected", message, status };
  }
  if (status === 404) {
    return {
      ...configFault("bad_auth_url", `${where}: answered 404: auth_url is of no Keystone.`),
      status,
    };
  }
  if (status === 400 && isKeystoneError(answer)) {
    const message = `${where}: answered 400: the login in clouds.yaml lacks something, a domain perhaps.`;
    return { ...configFault("login_invalid", message), status };
  }
  return refusal(where, answer);
}

function unsent(fault: Fault): { ok: false; fault: Fault } {
  return { ok: false, fault: { ...fault, unsent: true } };
}
