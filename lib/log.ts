import { appendFileSync } from "node:fs";

/** Python's words, as the original's users know them, in rising order. */
export const logLevels = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;
export type LogLevel = (typeof logLevels)[number];
export type Fields = Record<string, unknown>;

export type Log = {
  [L in Lowercase<LogLevel>]: (message: string, fields?: Fields) => void;
} & {
  /** The same log with these fields in every line: request, record or tick ids. */
  with: (fields: Fields) => Log;
};

export type LogLine = { at: string; level: LogLevel; message: string } & Fields;

/**
 * A log of constant messages and fields in our words, one JSON object a line. Errors become name,
 * message, code and cause; what holds secrets is never passed in.
 */
export function log(options: {
  level: LogLevel;
  format?: "json" | "text";
  /** Appended to instead of standard output. */
  file?: string | undefined;
  write?: (line: LogLine) => void;
  fields?: Fields;
}): Log {
  const { level, format = "json", file, fields: own = {} } = options;
  const { write = lineWriter({ format, file }) } = options;
  const line =
    (of: LogLevel) =>
    (message: string, fields: Fields = {}) => {
      if (logLevels.indexOf(of) < logLevels.indexOf(level)) return;
      write({ at: new Date().toISOString(), level: of, message, ...plain({ ...own, ...fields }) });
    };
  return {
    debug: line("DEBUG"),
    info: line("INFO"),
    warning: line("WARNING"),
    error: line("ERROR"),
    critical: line("CRITICAL"),
    with: (fields) => log({ ...options, write, fields: { ...own, ...fields } }),
  };
}

/**
 * Where lines go and how they look: JSON, or for people (`time level message  field=value`); to a
 * file, or to standard output. A line is written whole before the call returns. What the file does
 * not take, on a full disk say, goes to standard error: a log never stops what it tells of.
 */
function lineWriter({
  format,
  file,
}: {
  format: "json" | "text";
  file?: string | undefined;
}): (line: LogLine) => void {
  const text = format === "json" ? (line: LogLine) => JSON.stringify(line) : asText;
  if (file === undefined) return (line) => void process.stdout.write(`${text(line)}\n`);
  return (line) => {
    const written = `${text(line)}\n`;
    try {
      appendFileSync(file, written);
    } catch {
      process.stderr.write(written);
    }
  };
}

function asText({ at, level, message, ...fields }: LogLine): string {
  const pairs = Object.entries(fields).map(([key, value]) => {
    return `${key}=${typeof value === "string" && !/[\s="]/.test(value) ? value : JSON.stringify(value)}`;
  });
  return [`${at} ${level.padEnd(8)} ${message}`, ...pairs].join("  ");
}

function plain(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Error ? errorFields(value) : value,
    ]),
  );
}

function errorFields(error: Error): Fields {
  return {
    name: error.name,
    message: error.message,
    ...("code" in error ? { code: error.code } : {}),
    stack: error.stack,
    ...(error.cause instanceof Error ? { cause: errorFields(error.cause) } : {}),
  };
}
