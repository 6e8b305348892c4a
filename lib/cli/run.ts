import type { Event } from "../event/schema.ts";
import type { Runtime } from "../local/runtime.ts";
import { log } from "../log.ts";
import { command } from "./command.ts";
import type { Config, Environment } from "./config.ts";
import type { Context } from "./context.ts";
import { Failure } from "./failure.ts";
import { type Logging, logging } from "./logging.ts";
import { isLoggedIn } from "./login.ts";

export const runCommand = command({
  name: "run",
  summary: "Run Heat Spreader on this machine: probe, reconcile and serve the API until Ctrl-C",
  details:
    "It drives the clouds of clouds.yaml, found as the openstack command finds it, or those of them that\n" +
    "`clouds` in the configuration names. What it knows is in the database of `backend`. Its log goes to\n" +
    "stdout, or to HEAT_SPREADER_LOG_FILE; HEAT_SPREADER_LOG_LEVEL and HEAT_SPREADER_LOG_JSON say how.",
  arguments: {},
  options: {
    demo: {
      summary: "Drive three simulated clouds instead; needs nothing, and leaves nothing behind",
    },
    "demo-if-no-clouds": { summary: "The same, but only where there is no clouds.yaml" },
  },
  examples: ["run", "run --demo"],
  run: async (context, given) => {
    const config = await context.config();
    const { hasClouds } = await import("../local/clouds.ts");
    const isUnconfigured = !hasClouds(context.environment) && config.clouds === undefined;
    const isDemo = given.demo || (given["demo-if-no-clouds"] && isUnconfigured);
    if (!isDemo && !hasClouds(context.environment)) throw noClouds();
    const how = logging(context.environment, isDemo ? "ERROR" : "INFO");
    const { untilEnded } = await import("../local/ending.ts");
    const starting = isDemo ? startDemo(context, config, how) : start(context, config, how);
    return untilEnded(withRemark(starting, context, config), log(how));
  },
});

/** Who plays with a demo must not do it to the deployment of a login. */
async function withRemark(
  starting: Promise<Runtime>,
  { environment, terminal }: Context,
  config: Config,
): Promise<Runtime> {
  const running = await starting;
  const isElsewhere =
    isLoggedIn(config) && !config.backendIsFirst && !environment.HEAT_SPREADER_URL;
  if (terminal.isTerminal && isElsewhere) {
    terminal.note(
      "You are logged in to a deployment, and other commands go there. For this one, say first:\n" +
        `  export HEAT_SPREADER_URL=${running.url}\n`,
    );
  }
  return running;
}

async function startDemo(
  { environment, terminal }: Context,
  config: Config,
  how: Logging,
): Promise<Runtime> {
  const { demo } = await import("../local/demo/demo.ts");
  const { stateDirectory, server, webhook } = config;
  const { port, shutdownTimeoutMs } = server;
  return demo({
    ...{ stateDirectory, port, shutdownTimeoutMs, webhook },
    token: environment.HEAT_SPREADER_TOKEN || undefined,
    settings: settingsOf(environment, config, how),
    print: terminal.print,
    log: log(how),
  });
}

async function start(
  { environment, terminal }: Context,
  config: Config,
  how: Logging,
): Promise<Runtime> {
  const { backend, clouds, server, webhook, stateDirectory, path } = config;
  if (backend.type === "remote") {
    throw new Failure(
      `${path}: backend.type is remote, which is for the other commands. To run here, set it to sqlite with a database, or name another file in HEAT_SPREADER_CONFIG_FILE.`,
    );
  }
  const { runtime } = await import("../local/runtime.ts");
  const own = log(how);
  const running = await runtime({
    ...server,
    database: backend.database,
    stateDirectory,
    clouds,
    webhook,
    token: environment.HEAT_SPREADER_TOKEN || undefined,
    dynamodbEndpoint: environment.DYNAMODB_ENDPOINT || undefined,
    settings: settingsOf(environment, config, how),
    onFact: (event) => own.info("fact", how.format === "json" ? { event } : fields(event)),
    log: own,
  });
  if (terminal.isTerminal) {
    terminal.note(
      `\nHeat Spreader is at ${running.url}, its documentation at ${running.url}/v1/docs. Ctrl-C ends it.\n` +
        "In another shell: heat-spreader cloud list, heat-spreader add --help, heat-spreader watch\n",
    );
  }
  return running;
}

/** What the functions find in their environment of what the command's file and variables say. */
function settingsOf(
  environment: Environment,
  { privateWitnesses }: Config,
  { level, format, file }: Logging,
): Environment {
  return {
    LOG_LEVEL: level,
    LOG_FORMAT: format,
    LOG_FILE: file,
    WITNESS_PRIVATE: privateWitnesses ?? environment.WITNESS_PRIVATE,
  };
}

/** What a person wants to read in one line. */
function fields({ type, stack_name, cloud, message }: Event): Record<string, unknown> {
  return {
    type,
    ...(stack_name ? { stack_name } : {}),
    ...(cloud ? { cloud } : {}),
    what: message,
  };
}

/** There is nothing to drive, or to probe. */
export function noClouds(): Failure {
  return new Failure(
    "There is no clouds.yaml in this directory, ~/.config/openstack or /etc/openstack. Write one, or name it in OS_CLIENT_CONFIG_FILE. `heat-spreader run --demo` shows how it works without clouds.",
  );
}
