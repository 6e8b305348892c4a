import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { ApiError, type Client, client } from "../api/client.ts";
import { type Config, DATABASE, type Environment } from "./config.ts";
import type { Connection } from "./context.ts";
import { Failure } from "./failure.ts";

/** A running embedded runtime of this user, as lib/local finds it. */
export type FindRuntime = (place: {
  database: string;
  stateDirectory: string;
}) => { url: string; token: string | undefined } | undefined;

/**
 * The API to talk to: HEAT_SPREADER_URL, else the remote backend, else the runtime of this user
 * that runs on the database. The token: HEAT_SPREADER_TOKEN, else the file's (never to another url
 * than the file's), else that of this user's runtime when it is the one at the url.
 */
export function connection(
  config: Config,
  environment: Environment,
  findRuntime: FindRuntime,
): Connection {
  const named = environment.HEAT_SPREADER_URL || undefined;
  const ownToken = environment.HEAT_SPREADER_TOKEN || undefined;
  const { backend } = config;
  const running = runtime(config, findRuntime);
  const filesUrl = backend.type === "remote" ? base(backend.url) : undefined;
  const url = named === undefined ? (filesUrl ?? running?.url) : base(named);
  if (url === undefined) throw notRunning(config);
  const filesToken = backend.type === "remote" && filesUrl === url ? backend.token : undefined;
  const runnersToken = running && isSame(running.url, url) ? running.token : undefined;
  const timeoutMs = backend.type === "remote" ? backend.timeoutMs : 30_000;
  const token = ownToken ?? filesToken ?? runnersToken;
  try {
    return { url, client: advised(client({ url, token, timeoutMs }), config) };
  } catch (error) {
    throw error instanceof ApiError ? failure(error, config) : error;
  }
}

/** Also of the address that the documentation shows. */
function base(url: string): string {
  return url.replace(/\/+(v1\/*)?$/, "");
}

/** On the database of the file, else on the one in memory that a demo has. */
function runtime(
  { backend, stateDirectory }: Config,
  findRuntime: FindRuntime,
): ReturnType<FindRuntime> {
  const file = backend.type === "sqlite" ? backend.database : join(stateDirectory, DATABASE);
  for (const database of new Set([file, ":memory:"])) {
    const directory = database === ":memory:" ? stateDirectory : dirname(database);
    // Looking for a runtime must not make the directory that it would have.
    const found = existsSync(directory) ? findRuntime({ database, stateDirectory }) : undefined;
    if (found) return found;
  }
  return undefined;
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
    .filter(({ message }) => !detail.includes(message))
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
