import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { runtimeApi } from "./runtime-api.ts";

/** What Lambda is told of a function, as the plan has it. */
export type FunctionInputs = {
  name: string;
  handler: string;
  role: string;
  memorySize: number;
  timeout: number;
  environment: { variables: Record<string, string> };
  loggingConfig: { logFormat: string; logGroup: string };
};

export type Lambda = {
  /** Resolves once it waits for its first event; rejects with what failed at init, as Lambda reports it. */
  ready: Promise<void>;
  /** Milliseconds from the start of the process until then. */
  initMs: () => number;
  /** One invocation, after those before it. Rejects where the function threw, or did not end in its time. */
  invoke: (event: unknown) => Promise<unknown>;
  /** All that it wrote so far. */
  log: () => string;
  stop: () => Promise<void>;
};

// A frozen process outlives whoever froze it: what is running is ended on exit, and so on these.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const runtimeClient = createRequire(import.meta.url).resolve("aws-lambda-ric");
const ACCOUNT = /^arn:aws:iam::(\d+):role\/(.+)$/;

/**
 * Runs a function's package under AWS's own runtime interface client, in a process and a directory of
 * its own, with the environment that Lambda gives it. Between invocations the process is frozen, as in
 * Lambda: what a handler leaves for after its answer does not happen. Its calls to AWS are signed with
 * its role's name as the key, so that whoever takes them knows the role. Not as in Lambda: limits of
 * memory and of the payload, the processor.
 */
export async function lambda(options: {
  inputs: FunctionInputs;
  /** Of its package, by name. */
  files: Map<string, Buffer>;
  region: string;
  /** Beside what is planned: where AWS is, intervals that a test shortens. Undefined unsets. */
  environment: Record<string, string | undefined>;
}): Promise<Lambda> {
  const { inputs, files, region } = options;
  const timeoutMs = inputs.timeout * 1000;
  const [, account = "", role = ""] = ACCOUNT.exec(inputs.role) ?? [];
  const directory = unpacked(files);
  const api = await runtimeApi({
    functionArn: `arn:aws:lambda:${region}:${account}:function:${inputs.name}`,
    timeoutMs,
    onIdle: () => child.kill("SIGSTOP"),
    onBusy: () => child.kill("SIGCONT"),
  });
  const startedAt = performance.now();
  let initMs = Number.NaN;
  let log = "";
  const child = spawn(process.execPath, [runtimeClient, inputs.handler], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
    env: environmentOf({ ...options, directory, role, runtimeApi: api.address }),
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
  }
  const clear = () => {
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  };
  process.once("exit", clear);
  const ended = new Promise<void>((resolve) => {
    child.once("close", (code, signal) => {
      api.fail(new Error(`${inputs.name} ended with ${signal ?? code}: ${log.slice(-2_000)}`));
      resolve();
    });
  });
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    process.off("exit", clear);
    clear();
    await ended;
    await api.stop();
  };
  const ready = api.ready.then(() => {
    initMs = performance.now() - startedAt;
  });
  ready.catch(() => {});
  return {
    ready,
    initMs: () => initMs,
    log: () => log,
    invoke: async (event) => {
      const timeout = new AbortController();
      const { signal } = timeout;
      void pause(timeoutMs, undefined, { signal, ref: false }).then(
        () => api.fail(new Error(`${inputs.name} did not end within ${inputs.timeout} s`)),
        () => {},
      );
      return api.invoke(event).finally(() => timeout.abort());
    },
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

function unpacked(files: Map<string, Buffer>): string {
  const directory = mkdtempSync(join(tmpdir(), "heat-spreader-lambda-"));
  for (const [name, bytes] of files) {
    const file = join(directory, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  return directory;
}

/** What Lambda sets for every function, then what is planned, then the test's own. Nothing of ours. */
function environmentOf(options: {
  inputs: FunctionInputs;
  region: string;
  environment: Record<string, string | undefined>;
  directory: string;
  role: string;
  runtimeApi: string;
}): Record<string, string> {
  const { inputs, region, environment, directory, role, runtimeApi } = options;
  const { name, handler, memorySize, loggingConfig } = inputs;
  const all = {
    ...{ PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "en_US.UTF-8", TZ: ":UTC" },
    HOME: "/home/sbx_user1051",
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    ...{ AWS_ACCESS_KEY_ID: role, AWS_SECRET_ACCESS_KEY: "secret", AWS_SESSION_TOKEN: "session" },
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memorySize),
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_FORMAT: loggingConfig.logFormat,
    AWS_LAMBDA_LOG_GROUP_NAME: loggingConfig.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: "2026/01/01/[$LATEST]0",
    LAMBDA_TASK_ROOT: directory,
    _HANDLER: handler,
    ...inputs.environment.variables,
    ...environment,
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
