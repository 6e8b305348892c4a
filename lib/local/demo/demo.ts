import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { client } from "../../api/client.ts";
import { CloudName } from "../../cloud/schema.ts";
import { StackName, Weights } from "../../stack/schema.ts";
import { makeDirectory } from "../files.ts";
import { requireAddress } from "../listen.ts";
import { type Runtime, type RuntimeOptions, runtime } from "../runtime.ts";
import { type SimulatedCloud, simulatedCloud } from "./cloud.ts";
import { demoControlServer } from "./control.ts";
import { factLine, tellRunning } from "./narration.ts";

const weights = { athens: 0.6, manchester: 0.2, stockholm: 0.2 };
const STACK = "web";
const COUNT = 10;
/** Quicker than in earnest (10 s, 5 s, 60 s), so that a failover is seen within ten seconds. */
const quick = { PROBE_INTERVAL: "2", PROBE_DEADLINE: "1.5", OBSERVE_EVERY: "10" };

export type DemoOptions = Pick<
  RuntimeOptions,
  "stateDirectory" | "shutdownTimeoutMs" | "settings" | "token" | "webhook" | "log"
> & {
  /** The port to try first; any free one where it is taken. */
  port: number;
  /** What is told to the newcomer, line by line. */
  print: (line: string) => void;
};

/**
 * Heat Spreader with nothing else needed: three simulated clouds on loopback, the real runtime on a
 * passing database, and a stack `web` of 10 spread over them. Tells in plain lines what happens. Of
 * what the user set, only which clouds there are, which database and which address do not count.
 */
export async function demo(options: DemoOptions): Promise<Runtime> {
  const { stateDirectory, print } = options;
  const settings = { ...paceOf(process.env), ...options.settings };
  const endings: (() => unknown)[] = [];
  const end = async () => {
    for (const ending of endings.toReversed()) await ending();
  };
  try {
    const names = Object.keys(weights);
    const seed = { [STACK]: 1 };
    const clouds = await Promise.all(names.map((name) => simulatedCloud({ name, stacks: seed })));
    endings.push(() => Promise.all(clouds.map((cloud) => cloud.stop())));
    const cloudsYaml = writeCloudsYaml(stateDirectory, clouds);
    endings.push(() => rmSync(cloudsYaml, { force: true }));
    const own = { address: "127.0.0.1", insecure: false };
    const isFree = requireAddress({ ...own, port: options.port }).then(
      () => true,
      () => false,
    );
    const running = await runtime({
      ...options,
      ...own,
      database: ":memory:",
      port: (await isFree) ? options.port : 0,
      settings: {
        ...settings,
        OS_CLIENT_CONFIG_FILE: cloudsYaml,
        CLOUDS_YAML: undefined,
        CLOUDS: undefined,
      },
      onFact: (event) => print(factLine(event)),
    });
    endings.push(running.stop);
    const control = await demoControlServer({ stateDirectory, clouds });
    endings.push(control.stop);
    const { url } = running;
    const every = settings.PROBE_INTERVAL;
    const told = { url, every, cloudsYaml, webhook: options.webhook };
    for (const line of introduction(told)) print(line);
    await client(running).putStack({
      stack_name: StackName.parse(STACK),
      body: { count: COUNT, count_parameter: "count", weights: Weights.parse(weights) },
    });
    endings.push(tellRunning({ clouds, stack: STACK, print }).stop);
    return { ...running, stop: end };
  } catch (error) {
    await end();
    throw error;
  }
}

function writeCloudsYaml(stateDirectory: string, clouds: readonly SimulatedCloud[]): string {
  makeDirectory(stateDirectory);
  const path = join(stateDirectory, "demo-clouds.yaml");
  const entries = Object.fromEntries(
    clouds.map((cloud) => [CloudName.parse(cloud.name), cloud.entry]),
  );
  rmSync(path, { force: true });
  writeFileSync(path, stringify({ clouds: entries }), { mode: 0o600, flag: "wx" });
  return path;
}

/** Quick, but for what the user set. */
function paceOf(environment: Record<string, string | undefined>): typeof quick {
  const { PROBE_INTERVAL, PROBE_DEADLINE, OBSERVE_EVERY } = environment;
  return {
    PROBE_INTERVAL: PROBE_INTERVAL ?? quick.PROBE_INTERVAL,
    PROBE_DEADLINE: PROBE_DEADLINE ?? quick.PROBE_DEADLINE,
    OBSERVE_EVERY: OBSERVE_EVERY ?? quick.OBSERVE_EVERY,
  };
}

type Told = Pick<DemoOptions, "webhook"> & { url: string; every: string; cloudsYaml: string };

function introduction({ url, every, cloudsYaml, webhook }: Told): string[] {
  return [
    "",
    "Heat Spreader, with three simulated OpenStack clouds: athens, manchester and stockholm.",
    `It keeps ${COUNT} instances of the stack \`${STACK}\` running over them, .6/.2/.2, and moves a lost`,
    `cloud's share to the others. (In this demo it looks every ${every} s; in earnest, every 10.)`,
    ...(webhook ? ["Every event goes to the webhook of your heat-spreader.yaml, too."] : []),
    "",
    `  API   ${url}/v1`,
    `  docs  ${url}/v1/docs`,
    "",
    "Try these in another shell, and watch what happens here:",
    "",
    `  npx heat-spreader show ${STACK}`,
    "  npx heat-spreader demo down stockholm",
    "  npx heat-spreader explain",
    "  npx heat-spreader demo up stockholm",
    "",
    "An agent can watch its clouds too (docs/failover.md says how), by this clouds.yaml:",
    "",
    `  ${cloudsYaml}`,
    "",
    "Ctrl-C ends it; nothing stays behind.",
    "",
  ];
}
