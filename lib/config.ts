import { homedir } from "node:os";
import * as z from "zod";
import { HOME, VantageName } from "./cloud/schema.ts";
import { MOST_MISSES, THRESHOLD } from "./cloud/vote.ts";
import { logLevels } from "./log.ts";

type ProcessEnvironment = Record<string, string | undefined>;

/** Where SST deployed it, secrets come by links; elsewhere there are none, and no package `sst`. */
const { linked } =
  process.env.SST_KEY_FILE === undefined ? { linked: {} } : await import("./links.ts");

const seconds = (byDefault: number, most = 86_400) =>
  z.coerce
    .number()
    .positive()
    .max(most)
    .default(byDefault)
    .transform((value) => value * 1000);

const Environment = z.object({
  /** The DynamoDB table. */
  TABLE_NAME: z.string("is missing").min(3, "is too short"),
  /** The region of the table; without it, the function's own. */
  TABLE_REGION: z.string().min(1).optional(),
  /** The EventBridge bus that facts are announced on. */
  BUS_NAME: z.string("is missing").min(1, "is empty"),
  /** Where this probe votes from. */
  VANTAGE: VantageName.default(HOME),
  /** clouds.yaml itself; without it, it is found as openstacksdk finds it. */
  CLOUDS_YAML: z.string().optional(),
  /** Only these clouds of clouds.yaml, separated by commas; without it, all. */
  CLOUDS: z.string().optional(),
  /** `name:role:sha256` entries, separated by commas or white space. */
  API_TOKENS: z.string().default(""),
  /** The claim of an OIDC token that holds the role. */
  ROLE_CLAIM: z.string().min(1).default("role"),
  LOG_LEVEL: z.string().toUpperCase().pipe(z.enum(logLevels)).default("INFO"),
  /** One JSON object a line, as Lambda's log wants it; else a line for people. */
  LOG_FORMAT: z.enum(["json", "text"]).default("json"),
  /** A file to append to instead of standard output. */
  LOG_FILE: z.string().optional(),
  /** More than 30 would let votes grow stale between ticks. */
  PROBE_INTERVAL: seconds(10, 30),
  /** Of pushes, too: one of a stack that another user wrote takes Heat some seconds. More than 30 would let votes grow stale. */
  PROBE_DEADLINE: seconds(5, 30),
  /** Misses in a row that make a vantage's silence count. */
  PROBE_MISSES: z.coerce.number().int().min(2).max(MOST_MISSES).default(THRESHOLD),
  /** Whether the witnesses of workloads may be at private addresses, or on this machine. */
  WITNESS_PRIVATE: z.enum(["refuse", "allow"]).default("refuse"),
  OBSERVE_EVERY: seconds(60),
  RETRY_PAUSE: seconds(60),
  LONGEST_PAUSE: seconds(3600),
  LOGIN_PAUSE: seconds(60),
  PUSH_SILENCE: seconds(300),
  STUCK_GRACE: seconds(300),
  SUSPICION_WINDOW: seconds(600),
  BUSY_SILENCE: seconds(60),
});

/** The settings by the part that takes them. Milliseconds. */
function grouped(env: z.infer<typeof Environment>, environment: ProcessEnvironment) {
  const judging = {
    intervalMs: env.PROBE_INTERVAL,
    misses: env.PROBE_MISSES,
    suspicionWindowMs: env.SUSPICION_WINDOW,
    busySilenceMs: env.BUSY_SILENCE,
    deadlineMs: env.PROBE_DEADLINE,
  };
  const stuck = {
    stuckGraceMs: env.STUCK_GRACE,
    updateTimeoutMs: 3_600_000,
    pushSilenceMs: env.PUSH_SILENCE,
  };
  return {
    tableName: env.TABLE_NAME,
    tableRegion: env.TABLE_REGION,
    busName: env.BUS_NAME,
    apiTokens: env.API_TOKENS,
    roleClaim: env.ROLE_CLAIM,
    log: { level: env.LOG_LEVEL, format: env.LOG_FORMAT, file: env.LOG_FILE },
    clouds: {
      text: env.CLOUDS_YAML,
      only: env.CLOUDS?.split(/[\s,]+/).filter((name) => name !== ""),
      deadlineMs: env.PROBE_DEADLINE,
      environment,
      cwd: process.cwd(),
      home: homedir(),
    },
    witness: {
      // A third silence is known when the verdict is, even where nothing answers at all.
      deadlineMs: Math.min(env.PROBE_DEADLINE, 3000),
      allowsPrivate: env.WITNESS_PRIVATE === "allow",
    },
    probe: {
      ...stuck,
      ...judging,
      vantage: env.VANTAGE,
      observeEveryMs: env.OBSERVE_EVERY,
      loginPauseMs: env.LOGIN_PAUSE,
      longestPauseMs: env.LONGEST_PAUSE,
    },
    /** What the API must know to count votes, and to say what follows from them. */
    judging,
    reconcile: {
      ...stuck,
      retryPauseMs: env.RETRY_PAUSE,
      longestPauseMs: env.LONGEST_PAUSE,
    },
  };
}
export type Config = ReturnType<typeof grouped>;

/**
 * The settings of a function, from its environment. Times come in seconds and are milliseconds here.
 * Throws one error that names everything missing or out of range; values are not repeated.
 */
export function config(environment: ProcessEnvironment = { ...process.env, ...linked }): Config {
  const parsed = Environment.safeParse(environment);
  if (parsed.success) return grouped(parsed.data, environment);
  const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`);
  throw new Error(`The settings in the environment are not right. ${faults.join("; ")}.`);
}
