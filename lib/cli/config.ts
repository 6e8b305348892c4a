import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { type Document, LineCounter, parseDocument } from "yaml";
import * as z from "zod";
import { CloudName } from "../cloud/schema.ts";
import { isExposed } from "./address.ts";
import { Failure } from "./failure.ts";
import { knownNotifications, Notifications, webhookTarget } from "./notifications.ts";
import { hostName, map, port, seconds, text, yesOrNo } from "./settings.ts";
import { suggestion } from "./suggestion.ts";

/** The database's name in the state directory, unless the file names another. */
export const DATABASE = "heat-spreader.db";

export type Environment = Record<string, string | undefined>;

const exposed =
  "plain HTTP to another machine sends the token in clear; use https://, or, where it is meant, host and port";

const Sqlite = z.strictObject({ type: z.literal("sqlite"), database: text }, map);
const Remote = z.strictObject(
  {
    type: z.literal("remote"),
    host: text.optional(),
    port: port.optional(),
    timeout: seconds.optional(),
    url: text.refine((url) => !isExposed(url), exposed).optional(),
    token: text.optional(),
  },
  map,
);
const Server = z.strictObject(
  {
    address: text.optional(),
    port: port.optional(),
    shutdown_timeout: seconds.optional(),
    insecure: yesOrNo.optional(),
    names: z.array(hostName, "it must be a list of host names").optional(),
  },
  map,
);
const Witnesses = z.strictObject(
  { private: z.enum(["refuse", "allow"], "it must be refuse or allow").optional() },
  map,
);
const File = z.strictObject(
  {
    backend: z
      .discriminatedUnion("type", [Sqlite, Remote], "it must be sqlite or remote")
      .optional(),
    clouds: z
      .array(CloudName, "it must be a list of names from clouds.yaml")
      .min(1, "it is empty; name clouds, or leave it out for all of clouds.yaml")
      .optional(),
    server: Server.optional(),
    witnesses: Witnesses.optional(),
    notifications: Notifications.optional(),
  },
  map,
);
type File = z.infer<typeof File>;

/** The original's configuration, with what this version adds. Times in milliseconds. */
export type Config = {
  /** The file; it need not exist at the default place. */
  path: string;
  exists: boolean;
  backend:
    | { type: "sqlite"; database: string }
    | { type: "remote"; url: string; token: string | undefined; timeoutMs: number };
  /** Whether the backend goes before a login: a remote one, or any that HEAT_SPREADER_CONFIG_FILE names. */
  backendIsFirst: boolean;
  /** Undefined: all of clouds.yaml. */
  clouds: CloudName[] | undefined;
  server: {
    address: string;
    port: number;
    shutdownTimeoutMs: number;
    insecure: boolean;
    /** By which a proxy in front is called. */
    names: string[];
  };
  /** Where `run` sends every event; undefined: nowhere. */
  webhook: ReturnType<typeof webhookTarget>;
  /** Whether workloads are asked at private addresses; undefined: as the environment says. */
  privateWitnesses: "refuse" | "allow" | undefined;
  /** Where the database, the token and the lock are unless the file says otherwise. */
  stateDirectory: string;
};

/**
 * heat-spreader.yaml, found by HEAT_SPREADER_CONFIG_FILE or at the original's place; there it may be
 * missing, and everything has its default. Throws a Failure naming file, setting and remedy.
 */
export async function config(environment: Environment): Promise<Config> {
  const named = environment.HEAT_SPREADER_CONFIG_FILE || undefined;
  const home = environment.HOME || homedir();
  const path = named ?? join(home, ".config/openstack/heat-spreader.yaml");
  const source = await read(path, named !== undefined);
  const file = source === undefined ? {} : parsed(path, source);
  const state = environment.XDG_STATE_HOME || join(home, ".local/state");
  const stateDirectory = join(state, "heat-spreader");
  return {
    path,
    exists: source !== undefined,
    backend: backend(path, file, environment, { home, stateDirectory }),
    backendIsFirst:
      file.backend?.type === "remote" || (named !== undefined && file.backend !== undefined),
    clouds: file.clouds,
    server: {
      address: file.server?.address ?? "127.0.0.1",
      port: file.server?.port ?? 8080,
      shutdownTimeoutMs: (file.server?.shutdown_timeout ?? 30) * 1000,
      insecure: file.server?.insecure ?? false,
      names: file.server?.names ?? [],
    },
    webhook: webhookTarget(file.notifications),
    privateWitnesses: file.witnesses?.private,
    stateDirectory,
  };
}

function backend(
  path: string,
  { backend }: File,
  environment: Environment,
  places: { home: string; stateDirectory: string },
): Config["backend"] {
  if (backend === undefined) {
    return { type: "sqlite", database: join(places.stateDirectory, DATABASE) };
  }
  if (backend.type === "sqlite") {
    const { database } = backend;
    if (database === ":memory:") return { type: "sqlite", database };
    return { type: "sqlite", database: resolve(database.replace(/^~(?=\/)/, places.home)) };
  }
  const { host, timeout = 10, token, url } = backend;
  if ((host === undefined) === (url === undefined)) {
    throw new Failure(
      `${path}: backend: a remote backend has either a host (and port) or a url. Name one of them.`,
    );
  }
  const remotePort = portOf(environment) ?? backend.port ?? 8080;
  const name = host?.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return {
    type: "remote",
    url: url ?? `http://${name}:${remotePort}`,
    token,
    timeoutMs: timeout * 1000,
  };
}

function portOf(environment: Environment): number | undefined {
  const given = environment.HEAT_SPREADER_BACKEND_REMOTE_PORT;
  if (given === undefined || given === "") return undefined;
  if (/^\d{1,5}$/.test(given) && Number(given) <= 65_535) return Number(given);
  throw new Failure("HEAT_SPREADER_BACKEND_REMOTE_PORT: a port is a whole number from 0 to 65535.");
}

async function read(path: string, isNamed: boolean): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (code === "ENOENT" && !isNamed) return undefined;
    const remedy = isNamed
      ? "Correct HEAT_SPREADER_CONFIG_FILE, or unset it to use the default."
      : "Correct or remove it.";
    throw new Failure(
      `${path}: the configuration ${unreadable[code] ?? `cannot be read (${code})`}. ${remedy}`,
      {
        cause,
      },
    );
  }
}

const unreadable: Record<string, string> = {
  ENOENT: "file does not exist",
  EACCES: "file may not be read by this user",
  EPERM: "file may not be read by this user",
  EISDIR: "is a directory, not a file",
  ENOTDIR: "file does not exist",
};

/** The parser's warnings quote the file, and go to stderr past us. */
const quiet = { logLevel: "error" } as const;

function parsed(path: string, source: string): File {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, ...quiet });
  const [error] = document.errors;
  if (error) {
    // Not the parser's own picture of the line: it may show a token.
    const { line, col } = lines.linePos(error.pos[0]);
    throw new Failure(
      `${path}: line ${line}, column ${col}: not YAML (${error.code.toLowerCase().replaceAll("_", " ")}).`,
    );
  }
  const result = File.safeParse(values(path, document) ?? {});
  if (result.success) return result.data;
  const { issues } = result.error;
  const first = issues.find((issue) => issue.code === "unrecognized_keys") ?? issues[0];
  throw new Failure(`${path}: ${first ? fault(first) : "not valid"}`, { cause: result.error });
}

/** Aliases are looked up only now, and may lead nowhere. */
function values(path: string, document: Document): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw new Failure(`${path}: not YAML (an alias that leads nowhere).`, { cause });
  }
}

const known: Record<string, string[]> = {
  "": Object.keys(File.shape),
  backend: [...Object.keys(Remote.shape), ...Object.keys(Sqlite.shape)],
  server: Object.keys(Server.shape),
  witnesses: Object.keys(Witnesses.shape),
  ...knownNotifications,
};

/** The setting, what is wrong with it, and what to do. */
function fault(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    const [key = ""] = issue.keys;
    const there = known[path] ?? [];
    // What was meant to be a value may have become a key: `token: {{ secret }}`.
    const isName = /^[\w.-]{1,40}$/.test(key);
    const name = [path, isName ? key : "?"].filter((part) => part !== "").join(".");
    return `${name}: there is no such setting.${suggestion(key, there)} Known here: ${[...new Set(there)].join(", ")}.`;
  }
  return `${path || "the file"}: ${issue.message}.`;
}
