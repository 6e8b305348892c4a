import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Client, client } from "../../lib/api/client.ts";
import { StackName } from "../../lib/stack/schema.ts";
import { machine, median } from "../bench/measure.ts";
import { until } from "../support/until.ts";
import { agentUp, tokenOf } from "./agent.ts";
import { type Lab, labUp, template } from "./lab.ts";
import { type Paths, pathsOf } from "./paths.ts";
import { serviceUp } from "./service.ts";

/**
 * From the loss of a real cloud to the last PATCH that is accepted elsewhere, at the default settings,
 * as it is seen on the wire: by hand. `node test/openstack/failover-times.ts --runs 10 --loss kill`
 *
 * Two Heat Spreaders side by side, each with a stack of its own, meet the same losses: one is home
 * alone, one is home and two agents. Each loss begins at a random moment of the probes' interval.
 */
const clouds = ["athens", "manchester", "cyprus-two"];
const lost = "manchester";
const INTERVAL_MS = 10_000;
const WITHIN_MS = 5 * 60_000;

const { values } = parseArgs({
  options: { runs: { type: "string", default: "10" }, loss: { type: "string", default: "kill" } },
});
const runs = Number(values.runs);
const signals: Record<string, NodeJS.Signals> = { kill: "SIGKILL", freeze: "SIGSTOP" };
const signal = signals[values.loss];
if (!signal || !(runs > 0)) throw new Error("say --runs N, and --loss kill or --loss freeze");

/** One Heat Spreader, and the ways on which its PATCHes go. */
type Spreader = { stack: StackName; what: string; api: Client; ways: Paths };

const directory = await mkdtemp(join(tmpdir(), "heat-spreader-times-"));
const kept = process.env.LAB_DIR;
const lab = await labUp(kept ?? join(directory, "lab"), Number(process.env.LAB_BASE_PORT ?? 16000));
const endings: (() => Promise<unknown>)[] = [];
try {
  await lab.do("seed", "1");
  const spreaders = [
    await spreader("solo", "home alone", []),
    await spreader("web", "home and two agents", ["office", "rack7"]),
  ];
  process.stdout.write(`${machine()}; ${new Date().toISOString()}\nloss: ${values.loss}\n\n`);
  const seconds = new Map<string, number[]>(spreaders.map(({ what }) => [what, []]));
  for (let run = 1; run <= runs; run += 1) {
    const texts = [];
    for (const { what, verdictMs, pushedMs } of await lose(lab, spreaders, signal)) {
      seconds.get(what)?.push(pushedMs / 1000);
      texts.push(`${what}: verdict ${second(verdictMs)}, last PATCH accepted ${second(pushedMs)}`);
    }
    process.stdout.write(`${run}. ${texts.join("; ")}\n`);
  }
  for (const [what, all] of seconds) {
    const [middle, most] = [median(all), Math.max(...all)].map((one) => second(one * 1000));
    process.stdout.write(`\n${what}, ${all.length} runs: median ${middle}, max ${most}`);
  }
  process.stdout.write("\n");
} finally {
  for (const end of endings.reverse()) await end();
  if (kept === undefined) await lab.do("wipe");
  await rm(directory, { recursive: true, force: true });
}

/** Starts one at its defaults, with a stack of 10 at .6/.2/.2 in place. */
async function spreader(name: string, what: string, agents: string[]): Promise<Spreader> {
  const stack = StackName.parse(name);
  const servers = await template("servers");
  for (const cloud of clouds) {
    const heat = await lab.heat(cloud);
    await heat.create(stack, { template: servers, parameters: { count: "1" } });
  }
  const ways = await pathsOf(lab, clouds, join(directory, `${name}.yaml`));
  endings.push(async () => ways.close());
  const operator = tokenOf("operator", "operator");
  const tokens = agents.map((agent) => ({ agent, ...tokenOf(agent, "vantage") }));
  const own = join(directory, name);
  const { cloudsFile } = ways;
  const settings = {
    HEAT_SPREADER_TOKEN: operator.token,
    API_TOKENS: tokens.map(({ entry }) => entry).join(","),
  };
  const { url, stop } = await serviceUp({ directory: own, cloudsFile, clouds, settings });
  endings.push(stop);
  for (const { agent, token } of tokens) {
    const at = { directory: join(own, agent), cloudsFile, url, token };
    endings.push(await agentUp({ ...at, everySeconds: 10 }));
  }
  const api = client({ url, token: operator.token });
  const isWatched = async () => {
    const { vantages } = await api.listVantages();
    return (
      vantages.length === 1 + agents.length && vantages.every(({ missing }) => missing.length === 0)
    );
  };
  await until(`${what} vote`, isWatched, WITHIN_MS, 200);
  const weights = { athens: 0.6, manchester: 0.2, "cyprus-two": 0.2 };
  await api.putStack({ stack_name: stack, body: { count: 10, count_parameter: "count", weights } });
  const made = { stack, what, api, ways };
  await untilState(made, "converged");
  return made;
}

type Lost = { what: string; verdictMs: number; pushedMs: number };

/** Loses the cloud once, and waits for its return. Milliseconds from the signal. */
async function lose(lab: Lab, all: Spreader[], signal: NodeJS.Signals): Promise<Lost[]> {
  const processes = await lab.processes(lost);
  await pause(Math.random() * INTERVAL_MS);
  const at = Date.now();
  for (const pid of processes) process.kill(-pid, signal);
  const found = await Promise.all(
    all.map(async (one) => {
      await untilState(one, "failed_over");
      const { clouds: known } = await one.api.listClouds();
      const since = known.find(({ cloud }) => cloud === lost)?.since ?? "";
      const elsewhere = clouds.filter((cloud) => cloud !== lost);
      const accepted = elsewhere.flatMap((cloud) => one.ways.to(cloud).accepted);
      const last = Math.max(...accepted);
      return { what: one.what, verdictMs: Date.parse(since) - at, pushedMs: last - at };
    }),
  );
  if (signal === "SIGSTOP") for (const pid of processes) process.kill(-pid, "SIGCONT");
  else await lab.do("start", lost);
  await Promise.all(all.map((one) => untilState(one, "converged")));
  return found;
}

/** Until it says so, and all that is desired is in place. */
async function untilState({ api, stack, what }: Spreader, state: string): Promise<void> {
  const look = async () => {
    const shown = await api.getStack({ stack_name: stack });
    return shown.state === state && shown.totals.in_place === 10;
  };
  await until(`${what} is ${state}`, look, WITHIN_MS, 200);
}

function second(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
