import { homedir, hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { agent } from "../agent/agent.ts";
import { agentClouds } from "../agent/clouds.ts";
import { ApiError, type Client, client } from "../api/client.ts";
import type { VantageName } from "../cloud/schema.ts";
import { log as logOf } from "../log.ts";
import type { Context } from "./context.ts";
import { Failure } from "./failure.ts";
import { logging } from "./logging.ts";
import { noClouds } from "./run.ts";

/** The longest that one call to home may take: the next round is due soon after. */
const TIMEOUT_MS = 5_000;

type Given = {
  url: string | undefined;
  token: string | undefined;
  name: VantageName | undefined;
  everyMs: number;
};

/**
 * The agent of this machine, for ever: SIGTERM ends it at once, since nothing of it is worth waiting
 * for. Throws a Failure where it can never vote: no clouds, no token, one that may not.
 */
export async function runAgent(context: Context, given: Given): Promise<never> {
  const { environment } = context;
  const { hasClouds } = await import("../local/clouds.ts");
  if (!hasClouds(environment)) throw noClouds();
  const { url, token } = await context.whereabouts({
    ...(given.url === undefined ? {} : { HEAT_SPREADER_URL: given.url }),
    ...(given.token === undefined ? {} : { HEAT_SPREADER_TOKEN: given.token }),
  });
  if (token === undefined) throw new Failure(`The agent has no token. ${remedy}`);
  const log = logOf(logging(environment));
  const { clouds: only } = await context.config();
  const places = { environment, cwd: process.cwd(), home: homedir() };
  const clouds = agentClouds({ ...places, only, text: environment.CLOUDS_YAML }, log);
  process.on("SIGTERM", () => process.exit(0));
  const { name, everyMs } = given;
  const home = client({ url, token, timeoutMs: TIMEOUT_MS });
  try {
    log.info("agent started", { home: url, clouds: clouds.names() });
    return await agent(
      {
        now: () => new Date(),
        elapsedMs: () => performance.now(),
        sleep,
        log,
        cloudNames: clouds.names,
        cloudClient: clouds.client,
        putVote: home.putVote,
        getWhoami: home.getWhoami,
        settings: { loginPauseMs: 60_000, longestPauseMs: 3_600_000 },
      },
      { name, everyMs, hostname: hostname() },
    );
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new Failure(`${error.detail}${await adviceOn(error, home, name)}`, {
      cause: error,
      code: error.code,
    });
  }
}

const remedy =
  "Make one with `heat-spreader token new NAME --role vantage`, and put it in HEAT_SPREADER_TOKEN.";

/** What to do about a refusal; where only the name is wrong, the token need not be another one. */
async function adviceOn(
  { status }: ApiError,
  home: Client,
  name: VantageName | undefined,
): Promise<string> {
  if (status === 401) return ` ${unknownEntry} ${remedy}`;
  if (status !== 403) return "";
  const who = await home.getWhoami().catch(() => undefined);
  if (name === undefined || who?.role !== "vantage" || who.name === name) return ` ${remedy}`;
  return ` Leave --name out to vote as ${who.name}, or make a token for ${name} with \`heat-spreader token new ${name} --role vantage\`.`;
}

/** What is forgotten most often. */
const unknownEntry =
  "Has its entry been added to API_TOKENS where `heat-spreader run` runs, which was started anew since (on AWS: to the secret ApiTokens, and deployed)?";
