import { setTimeout as pause } from "node:timers/promises";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { config } from "../config.ts";
import type { Event } from "../event/schema.ts";
import type { Log } from "../log.ts";
import { cloudsFile } from "../openstack/clouds.ts";
import { dynamoClient } from "../table/dynamo.ts";
import { localBus } from "./bus.ts";
import { assign, BUS_NAME, functionEnvironment, sdkEnvironment } from "./environment.ts";
import { filesOf, type Place, removePassing } from "./files.ts";
import { functions } from "./functions.ts";
import { bury, buryEvent } from "./letters.ts";
import { requireAddress } from "./listen.ts";
import { takeLock } from "./lock.ts";
import { thrifty } from "./memory.ts";
import { outbox } from "./outbox.ts";
import { schedule } from "./schedule.ts";
import { httpServer } from "./server.ts";
import { putUpSignpost } from "./signpost.ts";
import { type Stream, stream } from "./stream.ts";
import { embeddedTable, TABLE_NAME } from "./table.ts";
import { operatorToken } from "./token.ts";
import { type Webhook, type WebhookTarget, webhook } from "./webhook.ts";

export type RuntimeOptions = Place & {
  address: string;
  /** 0: any free one. */
  port: number;
  /** True: an address that other machines reach, without TLS. */
  insecure: boolean;
  /** Host names by which a proxy in front of it is called. */
  names?: readonly string[];
  /** How long a stop waits for what is under way. */
  shutdownTimeoutMs: number;
  /** Only these clouds of clouds.yaml; undefined: all. */
  clouds?: string[] | undefined;
  /** An operator's token; undefined: the one of this database, made at its first start. */
  token?: string | undefined;
  /** Another DynamoDB than the embedded one (DYNAMODB_ENDPOINT). */
  dynamodbEndpoint?: string | undefined;
  /** Settings of the functions (lib/config.ts): PROBE_INTERVAL, LOG_LEVEL, OS_CLIENT_CONFIG_FILE ... */
  settings?: Record<string, string | undefined>;
  /** Where every fact is sent, too. */
  webhook?: WebhookTarget | undefined;
  /** Told of every fact; without it, each is a line of the log. */
  onFact?: (event: Event) => void;
  log: Log;
};

export type Runtime = {
  url: string;
  token: string;
  /** Resolves if the database ends by itself: then nothing can be written any more. */
  failed: Promise<Error>;
  /** Ends it: what is under way may end within the shutdown timeout, what is not done waits in the table. */
  stop: () => Promise<void>;
};

/** What a stop, or a start that fails, has to do; the last first. */
type Endings = {
  /** From now on nothing more is begun. */
  isEnding: boolean;
  /** Wait for what is under way, side by side, no longer than the shutdown timeout. */
  drains: (() => Promise<unknown>)[];
  closings: (() => Promise<void> | void)[];
};

/**
 * Heat Spreader in this process: the deployed functions on an embedded DynamoDB, with a stand-in for
 * all that calls them. Has ticked once when it resolves. Throws, with nothing left running, where it
 * cannot start. Only one a process: it sets the environment, and the functions keep what they read there.
 */
export async function runtime(options: RuntimeOptions): Promise<Runtime> {
  const endings: Endings = { isEnding: false, drains: [], closings: [] };
  try {
    return await start(options, endings);
  } catch (error) {
    await stop(endings, options);
    throw error;
  }
}

async function start(options: RuntimeOptions, endings: Endings): Promise<Runtime> {
  const { log, dynamodbEndpoint } = options;
  const { onFact = (event: Event) => log.info("fact", { event }) } = options;
  const { drains, closings } = endings;
  const failed = Promise.withResolvers<Error>();
  checkClouds(options);
  const lock = takeLock(filesOf(options));
  closings.push(lock.release);
  await requireAddress(options);
  assign(process.env, sdkEnvironment(process.env, dynamodbEndpoint === undefined));
  const table = await embeddedTable({
    ...options,
    lock,
    endpoint: dynamodbEndpoint,
    onExit: failed.resolve,
  });
  closings.push(table.stop);
  const { endpoint, tableName, trim } = table;
  closings.push(() => removePassing(options));
  const token = operatorToken(options);
  const clients = clientsOf(endpoint);
  closings.push(clients.destroy);
  const sending = await sendingOf(options, clients.dynamo, tableName);
  if (sending) closings.push(sending.stop);
  const facts = await localBus({
    onFact: async (event) => {
      await sending?.add(event);
      onFact(event);
    },
    log,
  });
  closings.push(facts.stop);
  const places = { tableName, dynamodb: endpoint, eventbridge: facts.endpoint };
  const own = { ...process.env, ...options.settings };
  const given = functionEnvironment(own, { ...places, token, clouds: options.clouds });
  assign(process.env, { ...options.settings, ...given });

  let poller: Stream | undefined;
  const run = await functions({
    afterRun: () => poller?.poke(),
    isEnding: () => endings.isEnding,
  });
  poller = await stream({
    ...{ ...clients, tableName, trim, log },
    invoke: run.reconcile,
    bury: (letter) => bury(options, letter),
  });
  drains.push(poller.stop);
  const minutes = schedule({ invoke: thrifty(run.probe), log });
  await minutes.firstTick();
  const server = await httpServer({ ...options, invoke: run.api });
  closings.push(server.cutOff);
  drains.push(server.stop, minutes.stop);
  minutes.start();
  table.publish({ url: server.url });
  closings.push(signpost(options, server.url));
  log.info("runtime started", { url: server.url, database: options.database });

  let stopped: Promise<void> | undefined;
  return {
    url: server.url,
    token,
    failed: failed.promise,
    stop: () => {
      stopped ??= stop(endings, options).then(() => log.info("runtime stopped"));
      return stopped;
    },
  };
}

function clientsOf(endpoint: string) {
  const dynamo = dynamoClient({ endpoint });
  const streams = new DynamoDBStreamsClient({ endpoint });
  // As in dynamoClient: it copies every record, to log it to nobody.
  streams.middlewareStack.remove("loggerMiddleware");
  const destroy = () => {
    dynamo.destroy();
    streams.destroy();
  };
  return { dynamo, streams, destroy };
}

/** What sends facts to the webhook, where there is one. */
async function sendingOf(
  options: RuntimeOptions,
  dynamo: DynamoDBClient,
  tableName: string,
): Promise<Webhook | undefined> {
  const { webhook: target, log } = options;
  if (target === undefined) return undefined;
  return webhook({
    target,
    log,
    outbox: await outbox({ dynamo, tableName: `${tableName}-local`, log }),
    bury: (event, why) => buryEvent(options, event, why),
  });
}

/** Throws where clouds.yaml cannot be read or lacks a cloud that the configuration names, or a setting is wrong. */
function checkClouds({ settings, clouds }: RuntimeOptions): void {
  const CLOUDS = clouds?.join(",") ?? process.env.CLOUDS;
  const { missing, known, source } = cloudsFile(
    config({ ...process.env, CLOUDS, ...settings, TABLE_NAME, BUS_NAME }).clouds,
  );
  const [absent] = missing();
  if (absent === undefined) return;
  throw new Error(
    `The configuration names the cloud ${absent}, which is not in ${source()} (it has: ${known().join(", ")}). Correct \`clouds\`, or add its entry.`,
  );
}

/** A help to the command line, and no more: a state directory that cannot be written keeps nobody from running. */
function signpost({ stateDirectory, database, log }: RuntimeOptions, url: string): () => void {
  try {
    return putUpSignpost({ stateDirectory, database, url });
  } catch (error) {
    log.warning("the command line needs HEAT_SPREADER_TOKEN or the database's path", { error });
    return () => {};
  }
}

async function stop(endings: Endings, options: RuntimeOptions): Promise<void> {
  const { shutdownTimeoutMs, log } = options;
  endings.isEnding = true;
  const drained = Promise.all(endings.drains.map((drain) => drain())).then(() => true);
  const isDrained = await Promise.race([drained, pause(shutdownTimeoutMs, false, { ref: false })]);
  if (!isDrained) log.warning("shutdown timeout over", { timeout_ms: shutdownTimeoutMs });
  for (const close of endings.closings.toReversed()) await close();
}
