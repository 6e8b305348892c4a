import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { CloudClient } from "../cloud/client.ts";
import type { Outcome } from "../cloud/faults.ts";
import { CloudName } from "../cloud/schema.ts";
import { type ClosableClient, cloudClient } from "./cloud.ts";
import { cloudEntries, nameProblem, regionNames } from "./clouds-entries.ts";
import {
  type CloudsFiles,
  fileStamp,
  type Places,
  readCloudsFiles,
  searchStamp,
} from "./clouds-files.ts";
import { configFault } from "./faults.ts";
import { cloudSettings } from "./settings.ts";

export type CloudsOptions = Places & {
  /** Only these clouds; without it, all that clouds.yaml names. */
  only?: readonly string[] | undefined;
  /** The longest that one call to a cloud may take, login and all. */
  deadlineMs: number;
  /** Told once when the files have become something that cannot be read. */
  report?: (error: Error) => void;
  now?: () => number;
};

/** The clouds of clouds.yaml. It is read again when it changes; what did not change keeps its token. */
export type Clouds = {
  /** Every cloud, parsed or not, as the file has them; with `only`, those of it that there are. */
  names: () => CloudName[];
  /** A cloud whose entry does not parse, or that there is not, is a `config` fault. */
  client: (cloud: string) => Outcome<CloudClient>;
  /** The names of `only` that clouds.yaml lacks. */
  missing: () => string[];
  /** Every name in the file, of `only` or not. */
  known: () => string[];
  /** One sentence for each entry that does not parse, and each name that cannot be a cloud's. */
  problems: () => string[];
  /** The file that was read. */
  source: () => string;
  /** Ends the connections; resolves when the calls under way have ended. */
  close: () => Promise<void>;
};

/** The files are looked at (modification time, size) at most this often. */
const LOOK_EVERY_MS = 1000;

type Held = { settings: string; client: Outcome<ClosableClient> };
type State = {
  files: CloudsFiles;
  held: Map<string, Held>;
  misnamed: string[];
  /** Taken before the reading, so that a change meanwhile is seen later; certificates and keys by path. */
  stamp: string;
  pemStamps: Map<string, string>;
};

/**
 * Reads clouds.yaml as openstacksdk does. Throws one Error where that is missing, unreadable or no YAML;
 * if it becomes so later, `report` is told, and what was last read stays.
 */
export function cloudsFile(options: CloudsOptions): Clouds {
  const { now = Date.now, report = () => {} } = options;
  let state = load(options, new Map());
  let lookedAt = now();

  const current = () => {
    if (now() - lookedAt < LOOK_EVERY_MS) return state;
    lookedAt = now();
    const stamp = searchStamp(options);
    const pems = [...state.pemStamps];
    if (stamp === state.stamp && pems.every(([path, was]) => fileStamp(path) === was)) return state;
    const before = state;
    try {
      state = load(options, before.held);
      const kept = new Set(state.held.values());
      for (const held of before.held.values()) if (!kept.has(held)) void closed(held);
    } catch (error) {
      const pemStamps = new Map(pems.map(([path]) => [path, fileStamp(path)]));
      state = { ...before, stamp, pemStamps };
      report(error instanceof Error ? error : new Error("clouds.yaml cannot be read"));
    }
    return state;
  };

  return {
    names: () => [...current().held.keys()].map((name) => CloudName.parse(name)),
    client: (cloud) => current().held.get(cloud)?.client ?? absent(cloud, state, options.only),
    missing: () => (options.only ?? []).filter((name) => !current().held.has(name)),
    known: () => [...cloudEntries(current().files).keys()],
    problems: () => [
      ...current().misnamed,
      ...[...state.held.values()].flatMap(({ client }) =>
        client.ok ? [] : [client.fault.message],
      ),
    ],
    source: () => current().files.source,
    close: async () => {
      await Promise.all([...state.held.values()].map(closed));
    },
  };
}

/** Reads everything; a cloud whose settings are word for word as before keeps what it held. */
function load(options: CloudsOptions, before: Map<string, Held>): State {
  const stamp = searchStamp(options);
  const files = readCloudsFiles(options);
  const pemStamps = new Map<string, string>();
  const held = new Map<string, Held>();
  const misnamed: string[] = [];
  for (const [name, entry] of cloudEntries(files)) {
    if (options.only && !options.only.includes(name)) continue;
    const problem = nameProblem(name, files.source);
    if (problem !== undefined) {
      misnamed.push(problem);
      continue;
    }
    const settings = entry.ok
      ? cloudSettings(name, entry.value, (setting) => readPem(setting, options, pemStamps))
      : entry;
    const text = JSON.stringify(settings);
    const same = before.get(name);
    const client = () =>
      settings.ok ? ({ ok: true, value: cloudClient(settings.value, options) } as const) : settings;
    held.set(name, same?.settings === text ? same : { settings: text, client: client() });
  }
  return { files, held, misnamed, stamp, pemStamps };
}

/** A PEM text may stand in clouds.yaml itself: where there are no files, as in Lambda. */
function readPem(
  setting: string,
  { home, cwd }: Places,
  stamps: Map<string, string>,
): string | undefined {
  if (setting.includes("-----BEGIN ")) return setting;
  const path = resolve(cwd, setting.startsWith("~/") ? join(home, setting.slice(2)) : setting);
  stamps.set(path, fileStamp(path));
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function absent(
  cloud: string,
  { files }: State,
  only: readonly string[] | undefined,
): Outcome<never> {
  const regions = regionNames(files, cloud);
  const why =
    only && !only.includes(cloud)
      ? "is not among the clouds to be driven"
      : regions.length > 1
        ? `has several regions in ${files.source}: name ${regions.join(" or ")}`
        : `is not in ${files.source}`;
  return { ok: false, fault: configFault("no_such_cloud", `${cloud} ${why}.`) };
}

async function closed({ client }: Held): Promise<void> {
  if (client.ok) await client.value.close();
}
