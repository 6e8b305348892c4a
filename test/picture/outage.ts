import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { stringify } from "yaml";
import { simulatedCloud } from "../../lib/local/demo/cloud.ts";
import { StackName, Weights } from "../../lib/stack/schema.ts";
import { bin } from "../support/cli.ts";
import { runtimeProcess } from "../support/runtime-process.ts";
import { until } from "../support/until.ts";
import { svgOf } from "./svg.ts";

/**
 * Makes docs/outage.svg: a real `heat-spreader run`, two real agents and three simulated clouds, of
 * which athens stops answering; then what the commands print in a terminal. Takes a minute, and
 * `script` of util-linux. `node test/picture/outage.ts`
 */
const COLUMNS = 112;
const MINUTE = 60_000;
const web = StackName.parse("web");
const weights = Weights.parse({ athens: 0.6, manchester: 0.2, stockholm: 0.2 });
const agents = ["office", "rack7"];

const directory = mkdtempSync(join(tmpdir(), "heat-spreader-"));
const clouds = await Promise.all(
  Object.keys(weights).map((name) => simulatedCloud({ name, stacks: { web: 1 } })),
);
const [athens] = clouds;
const cloudsYaml = join(directory, "clouds.yaml");
const entries = Object.fromEntries(clouds.map(({ name, entry }) => [name, entry]));
writeFileSync(cloudsYaml, stringify({ clouds: entries }), { mode: 0o600 });
const tokenOf = (name: string) =>
  createHash("sha256").update(`${name} in the picture`).digest("hex");
const API_TOKENS = agents
  .map((name) => `${name}:vantage:${createHash("sha256").update(tokenOf(name)).digest("hex")}`)
  .join(",");
const home = await runtimeProcess({
  database: join(directory, "picture.db"),
  stateDirectory: directory,
  token: tokenOf("operator"),
  settings: { OS_CLIENT_CONFIG_FILE: cloudsYaml, API_TOKENS },
});

const environment = (token: string, more = {}) => ({
  ...{ PATH: process.env.PATH ?? "", HOME: directory, OS_CLIENT_CONFIG_FILE: cloudsYaml },
  ...{ HEAT_SPREADER_URL: home.url, HEAT_SPREADER_TOKEN: token, ...more },
});
const started: ChildProcess[] = agents.map((name) =>
  spawn(process.execPath, [bin, "vantage"], { env: environment(tokenOf(name)), stdio: "ignore" }),
);

/** What a person sees who types it in a terminal. */
async function shown(command: string): Promise<string> {
  const typed = `stty cols ${COLUMNS} rows 50; exec ${process.execPath} ${bin} ${command}`;
  const env = environment(tokenOf("operator"), { TERM: "xterm-256color", SHELL: "/bin/sh" });
  const child = spawn("script", ["-qec", typed, "/dev/null"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const printed = await text(child.stdout);
  return `$ heat-spreader ${command}\n${printed.trimEnd()}\n`;
}

/** Every cloud that is there runs what it should. */
const isSettled = async () => {
  const { shares } = await home.api.getStack({ stack_name: web });
  const here = shares.filter(({ verdict }) => verdict !== "unreachable");
  return (
    here.length > 0 &&
    here.every(({ desired, seen }) => desired !== undefined && desired === seen?.in_place)
  );
};
try {
  await until(
    "three vantages",
    async () => {
      const { vantages } = await home.api.listVantages();
      return vantages.length === 3 && vantages.every(({ voted_at }) => voted_at !== undefined);
    },
    MINUTE,
  );
  const body = { count: 10, count_parameter: "count", weights };
  await home.api.putStack({ stack_name: web, body });
  await until("6, 2 and 2", isSettled, MINUTE, 200);
  await athens?.down();
  const { name } = athens ?? { name: "" };
  await until(
    "the loss",
    async () => {
      const { events } = await home.api.listEvents({ query: {} });
      return events.some(({ type, cloud }) => type === "cloud.unreachable" && cloud === name);
    },
    2 * MINUTE,
    200,
  );
  await until("the rest in place elsewhere", isSettled, MINUTE, 200);
  const screen = [
    await shown("cloud show athens"),
    await shown("explain --cloud athens"),
    await shown("explain --stack web"),
  ].join("\n");
  writeFileSync(
    join(import.meta.dirname, "../../docs/outage.svg"),
    svgOf(screen, COLUMNS, "cloud show and explain, while athens is lost"),
  );
} finally {
  for (const child of [...started, home.child]) child.kill("SIGTERM");
  await Promise.all([...started.map((child) => once(child, "close")), home.ended]);
  await Promise.all(clouds.map((cloud) => cloud.stop()));
  rmSync(directory, { recursive: true, force: true });
}
