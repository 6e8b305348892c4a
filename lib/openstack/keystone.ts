import * as z from "zod";
import type { Fault, Outcome } from "../cloud/faults.ts";
import { bodyOf, refusal } from "./answers.ts";
import { DEADLINE, transportFault } from "./faults.ts";
import { type HttpClient, whereOf } from "./http.ts";
import { login, type Session } from "./login.ts";
import type { CloudSettings } from "./settings.ts";

/**
 * Whether a session may be got by logging in: `yes`, `no`, or `considerately`: not within 10 s of a
 * login that was refused, because a batch of a thousand stacks must not lock an account.
 */
export type LoginWish = "yes" | "no" | "considerately";

export type Keystone = {
  /** The cached session, or that of one login shared by all who ask meanwhile. `isFresh`: just got. */
  session: (
    login: LoginWish,
    deadline: AbortSignal,
  ) => Promise<Outcome<Session & { isFresh: boolean }>>;
  /** Its token is not taken any more. */
  forget: (session: Session) => void;
  askVersion: (deadline: AbortSignal) => Promise<Outcome<void>>;
};

const REJECTION_MS = 10_000;
/** A login that began with a call ends with it: its own word of why is better than the call's. */
const GRACE_MS = 20;

/** One cloud's Keystone v3. A login has a deadline of its own, so that who shares it late is not cut short. */
export function keystone(
  settings: CloudSettings,
  http: HttpClient,
  { deadlineMs, now }: { deadlineMs: number; now: () => number },
): Keystone {
  let cached: Session | undefined;
  let underWay: Promise<Outcome<Session>> | undefined;
  let rejected: { fault: Fault; until: number } | undefined;

  async function loggedIn(): Promise<Outcome<Session>> {
    const deadline = AbortSignal.timeout(deadlineMs);
    const outcome = await login(settings, http, deadline, now).finally(() => {
      underWay = undefined;
    });
    cached = outcome.ok ? outcome.value : undefined;
    rejected =
      outcome.ok || !isRefusal(outcome.fault)
        ? undefined
        : { fault: outcome.fault, until: now() + REJECTION_MS };
    return outcome;
  }

  return {
    async session(wish, deadline) {
      if (cached && now() < cached.until) return { ok: true, value: { ...cached, isFresh: false } };
      if (wish === "no") return { ok: false, fault: loginPaused };
      if (wish === "considerately" && rejected && now() < rejected.until) {
        return { ok: false, fault: rejected.fault };
      }
      underWay ??= loggedIn();
      const where = whereOf("POST", `${settings.authUrl}/auth/tokens`);
      const outcome = await within(underWay, deadline, where);
      return outcome.ok ? { ok: true, value: { ...outcome.value, isFresh: true } } : outcome;
    },
    forget({ token }) {
      if (cached?.token === token) cached = undefined;
    },
    async askVersion(deadline) {
      const outcome = await http.send({ method: "GET", url: settings.authUrl }, deadline);
      if (!outcome.ok) return outcome;
      const where = whereOf("GET", settings.authUrl);
      if (outcome.value.status !== 200) return { ok: false, fault: refusal(where, outcome.value) };
      const body = bodyOf(where, outcome.value, z.object({ version: z.looseObject({}) }));
      return body.ok ? { ok: true, value: undefined } : body;
    },
  };
}

/** What a login that the probe has paused would have been needed for. */
export const loginPaused: Fault = {
  class: "credentials",
  code: "login_paused",
  message: "There is no valid token, and the last login was rejected: the next one waits.",
  unsent: true,
};

function isRefusal(fault: Fault): boolean {
  return fault.class === "credentials" || fault.class === "config";
}

/** The outcome, or, if the caller's own deadline ends first, that fault. */
async function within<T>(
  outcome: Promise<Outcome<T>>,
  deadline: AbortSignal,
  where: string,
): Promise<Outcome<T>> {
  const { promise, resolve } = Promise.withResolvers<Outcome<T>>();
  let grace: NodeJS.Timeout | undefined;
  const onDeadline = () => {
    const error = Object.assign(new Error(DEADLINE), { code: DEADLINE });
    const fault = transportFault(where, { error, sent: true });
    grace = setTimeout(resolve, GRACE_MS, { ok: false, fault: { ...fault, unsent: true } });
  };
  if (deadline.aborted) onDeadline();
  deadline.addEventListener("abort", onDeadline, { once: true });
  try {
    return await Promise.race([outcome, promise]);
  } finally {
    deadline.removeEventListener("abort", onDeadline);
    clearTimeout(grace);
  }
}
