import type { Client } from "../api/client.ts";
import type { Config, Environment } from "./config.ts";
import type { Whereabouts } from "./connection.ts";
import type { Terminal } from "./terminal.ts";

/** A Heat Spreader that can be called, and where it is. */
export type Connection = { client: Client; url: string };

/** What every command works with. */
export type Context = {
  environment: Environment;
  terminal: Terminal;
  /** Reads the configuration file, once. */
  config: () => Promise<Config>;
  /** Finds the same, as if the environment also said this. */
  whereabouts: (more: Environment) => Promise<Whereabouts>;
  /** Finds the API that the configuration, the environment or a running `heat-spreader run` names. */
  connection: () => Promise<Connection>;
};
