import type { Outcome } from "../cloud/faults.ts";
import { CloudName } from "../cloud/schema.ts";
import { type CloudsFiles, isMap, merged, type Plain, type PlainMap } from "./clouds-files.ts";
import { configFault } from "./faults.ts";

/** One cloud, or one region of it, as clouds.yaml and its profile have it: keys with underscores. */
export type Entry = PlainMap;

/**
 * What clouds.yaml names, each with its profile and its region worked in; what makes no sense is that
 * cloud's own fault. As in openstacksdk a `regions` list (or a list, or commas, in `region_name`) is a
 * cloud for each region. openstacksdk tells them apart as `cloud:region`; a colon is no letter of our
 * names, so here they are `<cloud>-<region>`. A list of one region leaves the cloud its name. An entry
 * that is written out under such a name goes before the region of another.
 */
export function cloudEntries(files: CloudsFiles): Map<string, Outcome<Entry>> {
  const entries = new Map<string, Outcome<Entry>>();
  for (const [name, written] of Object.entries(files.clouds)) {
    const regions = regionsOfCloud(name, written, files);
    if (!regions.ok) entries.set(name, regions);
    else if (regions.value.size === 1) {
      for (const value of regions.value.values()) entries.set(name, { ok: true, value });
    } else {
      for (const [ofRegion, value] of regions.value) {
        if (!Object.hasOwn(files.clouds, ofRegion)) entries.set(ofRegion, { ok: true, value });
      }
    }
  }
  return entries;
}

/** Why a key of clouds.yaml cannot be a cloud's name; undefined: it can. */
export function nameProblem(name: string, source: string): string | undefined {
  const named = CloudName.safeParse(name);
  if (named.success) return undefined;
  // `password: {{ it }}` makes a key of what should be a value: that is not repeated.
  const isValue = /[{}[\]]/.test(name);
  const shown = isValue ? "A key that is no name" : JSON.stringify(name.slice(0, 80));
  return `${shown} in ${source}: ${named.error.issues[0]?.message}.`;
}

/** The names that a cloud of several regions goes by, when it is asked for by its own. */
export function regionNames(files: CloudsFiles, name: string): string[] {
  const written = Object.hasOwn(files.clouds, name) ? files.clouds[name] : undefined;
  const regions = written === undefined ? undefined : regionsOfCloud(name, written, files);
  return regions?.ok ? [...regions.value.keys()] : [];
}

/** Its entry for each of its regions, by `<cloud>-<region>`. */
function regionsOfCloud(
  name: string,
  written: Plain,
  files: CloudsFiles,
): Outcome<Map<string, Entry>> {
  const whole = withProfile(name, written, files);
  if (!whole.ok) return whole;
  const regions = regionsIn(name, whole.value);
  if (!regions.ok) return regions;
  const entries = regions.value.map((region) => {
    const entry = merged({ ...whole.value, region_name: region.name }, region.values);
    return [`${name}-${region.name}`, entry] as const;
  });
  return { ok: true, value: new Map(entries) };
}

type Region = { name: string; values: PlainMap };

/** A profile is laid under the entry; openstacksdk merges the two in `auth` only (loader.py _auth_update). */
function withProfile(name: string, written: Plain, files: CloudsFiles): Outcome<Entry> {
  const entry = normalised(written);
  if (!isMap(entry)) return entryFault("entry", `${name}: this cloud has no settings`);
  const profile = entry.profile ?? entry.cloud;
  if (profile === undefined || profile === "") return { ok: true, value: entry };
  const known =
    typeof profile === "string" && Object.hasOwn(files.profiles, profile)
      ? normalised(files.profiles[profile] ?? "")
      : undefined;
  if (!isMap(known)) {
    return entryFault(
      "profile",
      `${name}: its profile is not in clouds-public.yaml, and is not looked up elsewhere: write its auth_url here`,
    );
  }
  const auth = merged({ auth: known.auth ?? {} }, { auth: entry.auth ?? {} });
  const { regions, ...others } = known;
  const laidUnder = regions === undefined || entry.region_name !== undefined ? others : known;
  return { ok: true, value: { ...laidUnder, ...entry, ...auth } };
}

function regionsIn(name: string, entry: Entry): Outcome<Region[]> {
  const listed = entry.regions ?? entry.region_name ?? "";
  const items = typeof listed === "string" ? listed.split(",") : listed;
  const regions = Array.isArray(items) ? items.map(regionOf) : [undefined];
  const known = regions.filter((region) => region !== undefined);
  return known.length === regions.length && known.length > 0
    ? { ok: true, value: known }
    : entryFault("regions", `${name}: regions is not a list of names`);
}

function regionOf(item: Plain): Region | undefined {
  if (typeof item === "string") return { name: item.trim(), values: {} };
  if (!isMap(item)) return undefined;
  const { name, values = {} } = item;
  return typeof name === "string" && isMap(values) ? { name, values } : undefined;
}

/** `auth-url` is `auth_url` (config/_util.py normalize_keys). */
function normalised(value: Plain): Plain {
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key.replaceAll("-", "_"), normalised(inner)]),
  );
}

function entryFault(
  code: string,
  message: string,
): { ok: false; fault: ReturnType<typeof configFault> } {
  return { ok: false, fault: configFault(code, `${message}.`) };
}
