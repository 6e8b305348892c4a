import * as z from "zod";

/**
 * What went wrong between us and a cloud, as a value. Only `path` and `service` are the network's
 * silence; no other class can make a cloud unreachable (DESIGN 1.3).
 */
export const FaultClass = z.enum(["path", "service", "answer", "credentials", "config", "stack"]);
export type FaultClass = z.infer<typeof FaultClass>;

export const Fault = z.object({
  class: FaultClass,
  /** Stable, lowercase: `refused`, `reset`, `dns`, `timeout`, `http_503`, `login_rejected`, `no_such_parameter` ... */
  code: z.string(),
  /** One sentence for a person. Never a body, a token or a password. */
  message: z.string(),
  /** The HTTP status, where there was one. */
  status: z.number().optional(),
  /** Set when the request certainly never reached the cloud (refused, no such name, login failed). */
  unsent: z.literal(true).optional(),
});
export type Fault = z.infer<typeof Fault>;

/** An expected outcome is a value; what throws is a bug of ours. */
export type Outcome<T> = { ok: true; value: T } | { ok: false; fault: Fault };

/** Only the network's silence is a miss; everything else abstains (DESIGN 3.1). */
export function isSilence(fault: Fault): boolean {
  return fault.class === "path" || fault.class === "service";
}

/** What only a person can mend: a push is blocked, not retried, while it lasts. */
export function isBlocking(fault: Fault): boolean {
  return fault.class === "credentials" || fault.class === "config";
}
