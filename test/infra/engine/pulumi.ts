#!/usr/bin/env node
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { monitor } from "./monitor.ts";
import type { Inputs, Plan, Planned } from "./planned.ts";
import { type Rpc, rpc } from "./rpc.ts";

/**
 * Stands in for the Pulumi command line, of which `sst deploy` uses `stack init` and `up`. It starts the
 * program as Pulumi's own language host does, speaks Pulumi's protocol with it, and writes what the
 * program registered to the file that SST_OFFLINE_PLAN names. It keeps no state between runs.
 */
const { positionals, values } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: {
    stack: { type: "string" },
    "event-log": { type: "string" },
    config: { type: "string", multiple: true },
    yes: { type: "boolean" },
    f: { type: "boolean", short: "f" },
    "non-interactive": { type: "boolean" },
  },
});
const [command, subcommand, name = ""] = positionals;
if (command === "stack" && subcommand === "init") {
  writeState(name, []);
} else if (command === "up") {
  process.exitCode = await up(String(values.stack), String(values["event-log"]));
} else {
  console.error(`The offline engine does not know pulumi ${positionals.join(" ")}.`);
  process.exitCode = 1;
}

/** The exit code of a deployment of the program that Pulumi.yaml names. */
async function up(stackName: string, eventLog: string): Promise<number> {
  const [organization = "", project = "", stack = ""] = stackName.split("/");
  const [, program = ""] = /^main: (.*)$/m.exec(readFileSync("Pulumi.yaml", "utf8")) ?? [];
  const platform = dirname(program);
  const config = configured();
  const protocol = rpc(platform);
  const { recorded, monitorCalls, engineCalls } = monitor(protocol, {
    project,
    stack,
    region: config["aws:region"] ?? "us-east-1",
  });
  const { address, close } = await listening(protocol, monitorCalls, engineCalls);
  const run = join(platform, "node_modules/@pulumi/pulumi/cmd/run/index.js");
  const flags = {
    monitor: address,
    engine: address,
    organization,
    project,
    stack,
    pwd: process.cwd(),
    dry_run: "false",
    parallel: "16",
  };
  const given = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
  const child = spawn(process.execPath, [run, ...given, program], {
    stdio: "inherit",
    env: { ...process.env, PULUMI_CONFIG: JSON.stringify(config), PULUMI_CONFIG_SECRET_KEYS: "[]" },
  });
  const [code] = await once(child, "exit");
  close();
  const { resources, logs } = recorded;
  resources.sort((a, b) => (a.urn < b.urn ? -1 : 1));
  logs.sort((a, b) => Number(b.severity === "error") - Number(a.severity === "error"));
  const isFailed = code !== 0 || logs.some(({ severity }) => severity === "error");
  tell(eventLog, recorded, isFailed);
  if (!isFailed) writeState(stackName, resources);
  const { SST_OFFLINE_PLAN } = process.env;
  const plan: Plan = { stage: stack, config, resources, logs };
  if (SST_OFFLINE_PLAN) writeFileSync(SST_OFFLINE_PLAN, `${JSON.stringify(plan, null, 1)}\n`);
  return isFailed ? 1 : 0;
}

function configured(): Record<string, string> {
  const given = (values.config ?? []) as string[];
  return Object.fromEntries(
    given.map((entry) => {
      const at = entry.indexOf("=");
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

async function listening(protocol: Rpc, monitorCalls: unknown, engineCalls: unknown) {
  const server = protocol.server();
  server.addService(protocol.services.monitor, monitorCalls);
  server.addService(protocol.services.engine, engineCalls);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", protocol.insecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { address: `127.0.0.1:${port}`, close: () => server.forceShutdown() };
}

/** The events from which the SST command line draws its picture, as Pulumi's engine would write them. */
function tell(
  eventLog: string,
  { resources, logs }: Pick<Plan, "resources" | "logs">,
  isFailed: boolean,
): void {
  const events: Inputs[] = logs.map((log) => ({
    diagnosticEvent: { ...log, color: "never", prefix: "" },
  }));
  for (const { urn, type, custom, id, parent, inputs, outputs = inputs } of resources) {
    const made = { type, urn, custom, id, parent, inputs, outputs, provider: "" };
    const metadata = { op: "create", urn, type, old: null, new: made, provider: "" };
    events.push({ resourcePreEvent: { metadata } }, { resOutputsEvent: { metadata } });
  }
  if (!isFailed) {
    const resourceChanges = { create: resources.length };
    events.push({ summaryEvent: { durationSeconds: 0, resourceChanges, policyPacks: {} } });
  }
  const lines = events.map((event, sequence) =>
    JSON.stringify({ sequence, timestamp: 0, ...event }),
  );
  appendFileSync(eventLog, `${lines.join("\n")}\n`);
}

/** The state file of Pulumi's own backend, of which the SST command line reads links and outputs. */
function writeState(stackName: string, resources: Planned[]): void {
  const [, project = "", stack = ""] = stackName.split("/");
  const isStack = ({ type }: Planned) => type === "pulumi:pulumi:Stack";
  // The first is the stack, whose outputs are printed: Pulumi writes down parents before children.
  const ordered = [...resources.filter(isStack), ...resources.filter((one) => !isStack(one))];
  const latest = {
    manifest: { time: new Date(0).toISOString(), magic: "", version: "v3.215.0" },
    resources: ordered.map(({ urn, type, custom, id, parent, outputs = {} }) => ({
      urn,
      type,
      custom,
      ...(custom ? { id } : {}),
      ...(parent ? { parent } : {}),
      inputs: {},
      outputs,
    })),
  };
  const file = join(".pulumi/stacks", project, `${stack}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ version: 3, checkpoint: { stack: stackName, latest } }));
}
