import { closeSync, openSync } from "node:fs";
import { type LogLevel, logLevels } from "../log.ts";
import type { Environment } from "./config.ts";
import { Failure } from "./failure.ts";
import { suggestion } from "./suggestion.ts";

export type Logging = {
  level: LogLevel;
  format: "json" | "text";
  /** Undefined: standard output. */
  file: string | undefined;
};

/** Python knows these two as well. */
const aliases: Record<string, LogLevel> = { WARN: "WARNING", FATAL: "CRITICAL" };

/**
 * HEAT_SPREADER_LOG_LEVEL, _JSON and _FILE as the original had them. Throws a Failure for a level
 * that there is not, or a file that cannot be written to.
 */
export function logging(environment: Environment, byDefault: LogLevel = "INFO"): Logging {
  const given = environment.HEAT_SPREADER_LOG_LEVEL || byDefault;
  const upper = given.toUpperCase();
  const level = logLevels.find((known) => known === (aliases[upper] ?? upper));
  if (level === undefined) {
    throw new Failure(
      `HEAT_SPREADER_LOG_LEVEL: there is no level ${JSON.stringify(given)}.${suggestion(upper, logLevels)} The levels are ${logLevels.join(", ")}.`,
    );
  }
  const file = environment.HEAT_SPREADER_LOG_FILE || undefined;
  if (file !== undefined) requireWritable(file);
  return { level, format: isOn(environment.HEAT_SPREADER_LOG_JSON) ? "json" : "text", file };
}

/** Set, and not to something that means no. */
export function isOn(value: string | undefined): boolean {
  return !["", "0", "false", "no", "off"].includes((value ?? "").toLowerCase());
}

function requireWritable(path: string): void {
  try {
    closeSync(openSync(path, "a"));
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? ` (${cause.code})` : "";
    throw new Failure(
      `HEAT_SPREADER_LOG_FILE: ${path} cannot be written to${why}. Name a file in a directory that there is, or unset it.`,
      { cause },
    );
  }
}
