import { join } from "node:path";
import { base, isExposed, isSameAddress } from "./address.ts";
import { advisedClient, type Target } from "./advice.ts";
import { type Config, DATABASE, type Environment } from "./config.ts";
import type { Connection } from "./context.ts";
import { Failure } from "./failure.ts";
import type { Login } from "./login.ts";

type Running = { url: string; token: string | undefined };

/** What this user has on this machine. */
export type Local = {
  login: Login | undefined;
  /** The embedded runtime on a database, as lib/local finds it. */
  findRuntime: (place: { database: string; stateDirectory: string }) => Running | undefined;
  /** The database of the one that said it is at the url. */
  databaseAt: (at: { url: string; stateDirectory: string }) => string | undefined;
};

/** Where the API is, with what to call it, and where that was said. */
export type Whereabouts = Target;

/**
 * The API to talk to: HEAT_SPREADER_URL, else the remote backend (or any backend of a file that
 * HEAT_SPREADER_CONFIG_FILE names), else the login, else the runtime of this user that runs on the
 * database. The token: HEAT_SPREADER_TOKEN, else the file's, else the login's (either of them to its
 * own url only), else that of this user's runtime when it is the one at the url.
 */
export function whereabouts(config: Config, environment: Environment, local: Local): Whereabouts {
  const { backend, path } = config;
  const remote = backend.type === "remote" ? { ...backend, url: base(backend.url) } : undefined;
  const wanted = wantedUrl(config, environment, { remote, login: local.login });
  const running = runtime(config, local, wanted?.url);
  const { url, urlFrom } = wanted ?? { url: running?.url, urlFrom: "runtime" as const };
  if (url === undefined) throw notRunning(config);
  const tokens: [Target["tokenFrom"], string | undefined][] = [
    ["environment", environment.HEAT_SPREADER_TOKEN],
    ["file", tokenFor(url, remote)],
    ["login", tokenFor(url, local.login)],
    ["runtime", running?.token],
  ];
  const [tokenFrom, token] = tokens.find(([, one]) => one) ?? [];
  const timeoutMs = remote?.timeoutMs ?? 30_000;
  return { url, urlFrom, token, tokenFrom, timeoutMs, path };
}

/** A client of the API that was found. Throws a Failure for a url or a token that can be none. */
export function connection(found: Whereabouts): Connection {
  return { url: found.url, client: advisedClient(found) };
}

type Elsewhere = { url: string; token?: string | undefined };

/** Undefined: none was named; a runtime on this machine will do. */
function wantedUrl(
  { backendIsFirst }: Config,
  environment: Environment,
  { remote, login }: { remote: Elsewhere | undefined; login: Elsewhere | undefined },
): Pick<Target, "url" | "urlFrom"> | undefined {
  const named = environment.HEAT_SPREADER_URL;
  if (named) {
    if (isExposed(named)) throw exposed();
    return { url: base(named), urlFrom: "environment" };
  }
  if (remote) return { url: remote.url, urlFrom: "file" };
  return login && !backendIsFirst ? { url: login.url, urlFrom: "login" } : undefined;
}

function tokenFor(url: string, known: Elsewhere | undefined): string | undefined {
  return known && isSameAddress(url, known.url) ? known.token : undefined;
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

function exposed(): Failure {
  return new Failure(
    "HEAT_SPREADER_URL is plain HTTP to another machine, which would send the token in clear. Use https://; where plain HTTP is meant, name host and port under `backend` in heat-spreader.yaml.",
  );
}

function notRunning({ backend, path, exists }: Config): Failure {
  const database = backend.type === "sqlite" ? backend.database : "";
  const from = exists ? ` (${path})` : "";
  return new Failure(
    `No Heat Spreader of this user is running on ${database}${from}. ` +
      "Start it with `heat-spreader run` (`heat-spreader run --demo` needs no clouds), " +
      "go to a deployment with `heat-spreader login URL`, or set HEAT_SPREADER_URL to where one runs.",
  );
}
