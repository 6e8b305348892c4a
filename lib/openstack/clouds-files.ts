import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { LineCounter, parseDocument } from "yaml";

/** YAML with every scalar as it is written: a password of 0123 stays one. Keys may be anything. */
export type Plain = string | Plain[] | PlainMap;
export type PlainMap = { [key: string]: Plain };

/** Where to look; the environment and the folders come from the caller. */
export type Places = {
  /** clouds.yaml itself; then nothing is looked for. */
  text?: string | undefined;
  /** OS_CLIENT_CONFIG_FILE, OS_CLIENT_SECURE_FILE, XDG_CONFIG_HOME, SNAP_REAL_HOME. */
  environment: Record<string, string | undefined>;
  cwd: string;
  home: string;
};

export type CloudsFiles = {
  /** What `clouds:` holds, secure.yaml merged in; each still to be parsed. */
  clouds: PlainMap;
  /** `public-clouds` of clouds-public.yaml: what `profile` names. */
  profiles: PlainMap;
  /** The file that was read, for a person. */
  source: string;
};

/**
 * The file that openstacksdk would read (config/loader.py): OS_CLIENT_CONFIG_FILE, then `./`, the
 * user's configuration folder, `~/.config/openstack`, `/etc/xdg/openstack` and `/etc/openstack`, each
 * with .yaml, .yml and .json. Undefined: there is none.
 *
 * Unlike openstacksdk, a file that the environment names is taken even if it cannot be read: to go on
 * to another one would drive other clouds than the ones meant.
 */
export function findFile(
  name: "clouds" | "secure" | "clouds-public",
  { environment, cwd, home }: Omit<Places, "text">,
): string | undefined {
  const named = {
    clouds: environment.OS_CLIENT_CONFIG_FILE,
    secure: environment.OS_CLIENT_SECURE_FILE,
    "clouds-public": undefined,
  }[name];
  if (named) return named;
  const userHome = environment.SNAP_REAL_HOME || home;
  const folders = [
    cwd,
    join(environment.XDG_CONFIG_HOME || join(home, ".config"), "openstack"),
    ...(process.platform === "darwin" ? [join(home, "Library/Application Support/openstack")] : []),
    join(userHome, ".config", "openstack"),
    "/etc/xdg/openstack",
    "/etc/openstack",
  ];
  return folders
    .flatMap((folder) => [".yaml", ".yml", ".json"].map((suffix) => join(folder, name + suffix)))
    .find(existsSync);
}

/**
 * Reads clouds.yaml with secure.yaml and clouds-public.yaml. Throws one Error that names the file that
 * is missing, unreadable or no YAML, and its line where that is known, and never what is in it.
 */
export function readCloudsFiles(places: Places): CloudsFiles {
  if (places.text !== undefined) {
    const clouds = mapAt(parsed(places.text, "CLOUDS_YAML"), "clouds", "CLOUDS_YAML");
    return { clouds, profiles: {}, source: "CLOUDS_YAML" };
  }
  const path = findFile("clouds", places);
  const secure = findFile("secure", places);
  const profiles = findFile("clouds-public", places);
  const source = path ?? secure;
  if (source === undefined) {
    throw new Error(
      "There is no clouds.yaml in this folder, ~/.config/openstack or /etc/openstack. Write one, or name it in OS_CLIENT_CONFIG_FILE.",
    );
  }
  return {
    clouds: merged(path ? cloudsIn(path) : {}, secure ? cloudsIn(secure) : {}),
    profiles: profiles ? mapAt(readYaml(profiles), "public-clouds", profiles) : {},
    source,
  };
}

/** Moves when what openstacksdk's search finds does. */
export function searchStamp(places: Places): string {
  if (places.text !== undefined) return "";
  return (["clouds", "secure", "clouds-public"] as const)
    .map((name) => fileStamp(findFile(name, places)))
    .join("\n");
}

/** Moves when the file does: its modification time, size and inode. */
export function fileStamp(path: string | undefined): string {
  // A path of clouds.yaml may be one that cannot even be asked about.
  if (path === undefined || !existsSync(path)) return `${path} is not there`;
  const stat = statSync(path, { throwIfNoEntry: false });
  return `${path} ${stat?.mtimeMs} ${stat?.size} ${stat?.ino}`;
}

/** The deep merge of openstacksdk (config/_util.py merge_clouds): maps are merged, else the newer wins. */
export function merged(older: PlainMap, newer: PlainMap): PlainMap {
  const result = new Map(Object.entries(older));
  for (const [key, value] of Object.entries(newer)) {
    const before = result.get(key);
    result.set(key, isMap(before) && isMap(value) ? merged(before, value) : value);
  }
  return Object.fromEntries(result);
}

/** True for a mapping, whatever its keys. */
export function isMap(value: Plain | undefined): value is PlainMap {
  return typeof value === "object" && !Array.isArray(value);
}

function cloudsIn(path: string): PlainMap {
  return mapAt(readYaml(path), "clouds", path);
}

function readYaml(path: string): Plain {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "unknown";
    throw new Error(`${path} cannot be read (${code}).`);
  }
  return parsed(text, path);
}

/** PyYAML's dialect: merge keys, and of two equal keys the last wins. JSON is YAML as well. */
function parsed(text: string, source: string): Plain {
  const lines = new LineCounter();
  // The parser's own messages quote the text, so only their code and line are told, and no warnings.
  const document = parseDocument(text, {
    version: "1.1",
    schema: "failsafe",
    merge: true,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "error",
    lineCounter: lines,
  });
  const [error] = document.errors;
  if (error) {
    const why = error.code.toLowerCase().replaceAll("_", " ");
    throw new Error(`${source} is not YAML: line ${lines.linePos(error.pos[0]).line} (${why}).`);
  }
  try {
    // What is left out altogether is null even where every scalar is as it is written.
    const reviver = (_: unknown, value: unknown) => value ?? "";
    return document.toJS({ maxAliasCount: 1000, reviver }) ?? "";
  } catch {
    throw new Error(
      `${source} is not YAML: an alias (*name) without its anchor (&name), or too many.`,
    );
  }
}

function mapAt(root: Plain, key: string, source: string): PlainMap {
  if (!isMap(root)) throw new Error(`${source} is empty, or not a mapping with the key "${key}".`);
  const value = Object.hasOwn(root, key) ? root[key] : undefined;
  if (value === undefined || value === "") return {};
  if (!isMap(value)) throw new Error(`In ${source}, "${key}" is not a mapping of names to clouds.`);
  return value;
}
