import type { CloudClient } from "./client.ts";
import type { ProbeDeps } from "./deps.ts";
import { type Fault, isSilence } from "./faults.ts";
import type { CloudName, HeatStackList, Time, Vote } from "./schema.ts";
import type { Finding } from "./vote.ts";

/** Codes of a rejected login: repeating it locks accounts. */
const REJECTED = "login_rejected";
const PAUSED = "login_paused";
/** Stacks a page: that keeps an answer well under a megabyte. */
const PAGE = 500;

/** What must be remembered of a cloud from one probe to the next. */
export type LoginMemory = Pick<Vote, "login_pause" | "credential_hash">;

/** What one climb of the ladder found, with the list if one was asked for. */
export type Climb = {
  finding: Finding;
  list?: HeatStackList & { complete: boolean };
  login?: LoginMemory;
};

/**
 * Climbs the ladder of one cloud: token, endpoint, authenticated list (DESIGN 3.1). While a rejected
 * login pauses, and the credential is still the same, Keystone's version document is asked instead:
 * it can say silent, never up.
 */
export async function probeCloud(
  deps: Pick<ProbeDeps, "now" | "cloudClient"> & {
    settings: { loginPauseMs: number; longestPauseMs: number };
  },
  cloud: CloudName,
  previous: LoginMemory | undefined,
  { wantsList }: { wantsList: boolean },
): Promise<Climb> {
  const client = deps.cloudClient(cloud);
  if (!client.ok) {
    const finding = { cloud, fault: client.fault, unasked: true } as const;
    return { finding, login: paused(previous?.login_pause) };
  }
  const startedAt = deps.now();
  const { credential_hash } = client.value;
  const pause = previous?.credential_hash === credential_hash ? previous.login_pause : undefined;
  const login = pause === undefined || pause.until <= startedAt.toISOString();
  const listed = await client.value.listStacks({
    limit: wantsList ? PAGE : 1,
    pages: wantsList ? "all" : "first",
    login,
  });
  const latency_ms = deps.now().getTime() - startedAt.getTime();
  if (listed.ok) {
    return {
      finding: { cloud, latency_ms },
      ...(wantsList ? { list: listed.value } : {}),
      login: { credential_hash },
    };
  }
  const { fault } = listed;
  if (fault.code === PAUSED && pause) {
    return {
      finding: { cloud, fault: await whilePaused(client.value, pause.until) },
      login: { credential_hash, login_pause: pause },
    };
  }
  if (fault.code !== REJECTED) {
    return { finding: { cloud, fault }, login: { credential_hash, ...paused(pause) } };
  }
  const attempts = (pause?.attempts ?? 0) + 1;
  const until = pausedUntil(deps.now(), attempts, deps.settings);
  return {
    finding: { cloud, fault },
    login: { credential_hash, login_pause: { until, attempts } },
  };
}

type Pause = Vote["login_pause"];

/** Only a login that is taken ends a pause's growth; an entry being edited, say, does not. */
function paused(login_pause: Pause): { login_pause?: Pause } {
  return login_pause ? { login_pause } : {};
}

async function whilePaused(client: CloudClient, until: Time): Promise<Fault> {
  const asked = await client.askVersion();
  if (!asked.ok && isSilence(asked.fault)) return asked.fault;
  const message = `Keystone rejected the login; it is not repeated before ${until}, or until the credential changes`;
  return { class: "credentials", code: REJECTED, message };
}

function pausedUntil(
  now: Date,
  attempts: number,
  settings: { loginPauseMs: number; longestPauseMs: number },
): Time {
  const { loginPauseMs, longestPauseMs } = settings;
  const pauseMs = Math.min(longestPauseMs, loginPauseMs * 2 ** Math.min(attempts - 1, 20));
  return new Date(now.getTime() + pauseMs).toISOString();
}
