import { join } from "node:path";
import { ApiError, type Client, client } from "../api/client.ts";
import { type Config, DATABASE, type Environment } from "./config.ts";
import type { Connection } from "./context.ts";
import { Failure } from "./failure.ts";

type Running = { url: string; token: string | undefined };

/** The embedded runtimes of this user, as lib/local finds them. */
export type Local = {
  /** The one that runs on a database. */
  findRuntime: (place: { database: string; stateDirectory: string }) => Running | undefined;
  /** The database of the one that said it is at the url. */
  databaseAt: (at: { url: string; stateDirectory: string }) => string | undefined;
};

/** Where the API is, and with what to call it. */
export type Whereabouts = { url: string; token: string | undefined; timeoutMs: number };

/**
 * The API to talk to: HEAT_SPREADER_URL, else the remote backend, else the runtime of this user
 * that runs on the database. The token: HEAT_SPREADER_TOKEN, else the file's (never to another url
 * than the file's), else that of this user's runtime when it is the one at the url.
 */
export function whereabouts(config: Config, environment: Environment, local: Local): Whereabouts {
  const named = environment.HEAT_SPREADER_URL || undefined;
  const ownToken = environment.HEAT_SPREADER_TOKEN || undefined;
  const { backend } = config;
  const filesUrl = backend.type === "remote" ? base(backend.url) : undefined;
  const wanted = named === undefined ? filesUrl : base(named);
  const running = runtime(config, local, wanted);
  const url = wanted ?? running?.url;
  if (url === undefined) throw notRunning(config);
  const filesToken = backend.type === "remote" && filesUrl === url ? backend.token : undefined;
  const timeoutMs = backend.type === "remote" ? backend.timeoutMs : 30_000;
  return { url, token: ownToken ?? filesToken ?? running?.token, timeoutMs };
}

/** A client of the API that was found. Throws a Failure for a url or a token that can be none. */
export function connection(found: Whereabouts, config: Config): Connection {
  try {
    return { url: found.url, client: advised(client(found), config) };
  } catch (error) {
    throw error instanceof ApiError ? failure(error, config) : error;
  }
}

/** Also of the address that the documentation shows. */
function base(url: string): string {
  return url.replace(/\/+(v1\/*)?$/, "");
}

/**
 * The one at the url, whatever its database; where no url is said, the one on the database of the
 * file, else on the one in memory that a demo has.
 */
function runtime(
  { backend, stateDirectory }: Config,
  { findRuntime, databaseAt }: Local,
  url: string | undefined,
): Running | undefined {
  const file = backend.type === "sqlite" ? backend.database : join(stateDirectory, DATABASE);
  const there = url && URL.canParse(url) ? databaseAt({ url, stateDirectory }) : undefined;
  return [...new Set([...(there === undefined ? [] : [there]), file, ":memory:"])]
    .map((database) => findRuntime({ database, stateDirectory }))
    .find((found) => found && (url === undefined || isSame(found.url, url)));
}

/** `localhost` of the original's client file is where the runtime on 127.0.0.1 is. */
function isSame(a: string, b: string): boolean {
  const normal = (url: string) =>
    URL.canParse(url)
      ? new URL(url).origin.replace(/\/\/(localhost|\[::1\])(?=:|$)/, "//127.0.0.1")
      : url;
  return normal(a) === normal(b);
}

function notRunning({ backend, path, exists }: Config): Failure {
  const database = backend.type === "sqlite" ? backend.database : "";
  const from = exists ? ` (${path})` : "";
  return new Failure(
    `No Heat Spreader of this user is running on ${database}${from}. ` +
      "Start it with `heat-spreader run` (`heat-spreader run --demo` needs no clouds), " +
      "or set HEAT_SPREADER_URL to where one runs.",
  );
}

/** The same client, whose errors also say what a person at the command line can do. */
function advised(made: Client, config: Config): Client {
  const calls = Object.entries(made).map(([name, call]) => [
    name,
    async (...input: never[]) => {
      try {
        return await (call as (...input: never[]) => Promise<unknown>)(...input);
      } catch (error) {
        throw error instanceof ApiError ? failure(error, config) : error;
      }
    },
  ]);
  return Object.fromEntries(calls) as Client; // the same keys
}

function failure(error: ApiError, { path }: Config): Failure {
  const remedies: Record<string, string> = {
    "connection.failed":
      "Start it with `heat-spreader run`, or set HEAT_SPREADER_URL to where it runs.",
    "connection.timeout": "Is it very busy, or is HEAT_SPREADER_URL something else?",
    "request.unauthorized": `Set HEAT_SPREADER_TOKEN, or backend.token in ${path}, to a token that it knows.`,
    "request.forbidden": "Use an operator's token: set HEAT_SPREADER_TOKEN.",
    "stack.missing": "`heat-spreader list` shows the stacks.",
  };
  const detail = error.detail.replace(/\.?$/, ".").replace(/^the /, "The ");
  const fields = error.fields
    .filter(({ message }) => !error.detail.includes(message))
    .map(
      ({ pointer, message }) =>
        `\n  ${pointer.replace(/^\//, "").replaceAll("/", ".")}: ${message}`,
    );
  const remedy = Object.hasOwn(remedies, error.code) ? ` ${remedies[error.code]}` : "";
  return new Failure(`${detail}${remedy}${fields.join("")}`, {
    cause: error,
    code: error.code,
  });
}
