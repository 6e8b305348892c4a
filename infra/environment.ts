import { bus } from "./bus.ts";
import { settings } from "./stage.ts";
import { table } from "./table.ts";

/** What every function reads in its environment (lib/config.ts): names and numbers, no secrets. */
export const environment = {
  TABLE_NAME: table.name,
  BUS_NAME: bus.name,
  PROBE_INTERVAL: String(settings.probeInterval),
  PROBE_MISSES: String(settings.misses),
  // Of four threads, slow lookups of names get two: other clouds' would wait for them.
  UV_THREADPOOL_SIZE: "64",
  WITNESS_PRIVATE: settings.privateWitnesses,
  ...(settings.clouds.length === 0 ? {} : { CLOUDS: settings.clouds.join(",") }),
};
