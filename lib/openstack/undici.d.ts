// The two parts of undici that we use, by their files: all of it would bring fetch, WebSocket and caches
// into every bundle, 280 kB of them. package.json names one exact version.
declare module "undici/lib/dispatcher/pool.js" {
  import { Pool } from "undici";
  export = Pool;
}
declare module "undici/lib/core/connect.js" {
  import { buildConnector } from "undici";
  export = buildConnector;
}
