import * as z from "zod";

const seconds = (byDefault: number) =>
  z.coerce
    .number()
    .positive()
    .max(86_400)
    .default(byDefault)
    .transform((value) => value * 1000);

const Environment = z.object({
  /** The DynamoDB table. */
  TABLE_NAME: z.string().min(3),
  /** The EventBridge bus that facts are announced on. */
  BUS_NAME: z.string().min(1).optional(),
  /** Where this probe votes from. */
  VANTAGE: z.string().default("home"),
  /** clouds.yaml itself; without it, it is found as openstacksdk finds it. */
  CLOUDS_YAML: z.string().optional(),
  /** Only these clouds of clouds.yaml, separated by commas; without it, all. */
  CLOUDS: z.string().optional(),
  /** `name:role:sha256` entries, separated by commas or white space. */
  API_TOKENS: z.string().default(""),
  /** The claim of an OIDC token that holds the role. */
  ROLE_CLAIM: z.string().min(1).default("role"),
  PROBE_INTERVAL: seconds(10),
  PROBE_DEADLINE: seconds(5),
  OBSERVE_EVERY: seconds(60),
  RETRY_PAUSE: seconds(60),
  LONGEST_PAUSE: seconds(3600),
  LOGIN_PAUSE: seconds(60),
  PUSH_SILENCE: seconds(300),
  STUCK_GRACE: seconds(300),
  SUSPICION_WINDOW: seconds(600),
  BUSY_SILENCE: seconds(60),
});
export type Config = z.infer<typeof Environment>;

/**
 * The settings of a function, from its environment. Times come in seconds and are milliseconds here.
 * Throws one error that names everything missing or out of range; values are not repeated.
 */
export function config(environment: Record<string, string | undefined> = process.env): Config {
  const parsed = Environment.safeParse(environment);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new Error(`The environment of this function is not complete. ${faults.join("; ")}`);
}
