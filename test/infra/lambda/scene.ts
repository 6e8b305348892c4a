import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type {
  APIGatewayProxyStructuredResultV2,
  DynamoDBBatchResponse,
  DynamoDBRecord,
} from "aws-lambda";
import { stringify } from "yaml";
import { type SimulatedCloud, simulatedCloud } from "../../../lib/local/demo/cloud.ts";
import { httpServer } from "../../../lib/local/server.ts";
import { log } from "../../../lib/log.ts";
import { one } from "../find.ts";
import { plan, type Scenario } from "../plan.ts";
import { type Account, account } from "./account.ts";
import { apiEvent, type Sent, scheduled } from "./events.ts";
import type { Lambda } from "./lambda.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test looks into what it got
export type Got = { status: number; body: any };

export type Scene = Account & {
  cloud: (name: string) => SimulatedCloud;
  /** The values that `sst secret set` would have been given. */
  secrets: { CloudsYaml: string; ApiTokens: string };
  /** clouds.yaml of these of the clouds. */
  cloudsYaml: (...names: string[]) => string;
  /** An operator's. */
  token: string;
  /** That of the agent named office. */
  agentToken: string;
  /** An HTTP server before the API's function, as API Gateway is. */
  url: string;
  api: (method: string, path: string, sent?: Sent) => Promise<Got>;
  /** One invocation by the schedule, near the end of its minute unless said: a handful of ticks. */
  minute: (of?: { probe?: Lambda; startedMsAgo?: number }) => Promise<void>;
  /** One batch to reconcile. Answers the sequence numbers that failed. */
  reconcile: (records: DynamoDBRecord[]) => Promise<string[]>;
  /** All that is new in the stream, to reconcile, until there is nothing more. Answers what failed. */
  deliver: () => Promise<string[]>;
  /** What each cloud was last told of a stack. */
  counts: (stack: string) => Record<string, number>;
};

/**
 * Quicker than in earnest (10 s, 5 s), so that an invocation of two to three seconds is several ticks;
 * and witnesses may be on this machine.
 */
export const quick = { PROBE_INTERVAL: "0.3", PROBE_DEADLINE: "2", WITNESS_PRIVATE: "allow" };
const NEAR_ITS_END_MS = 57_500;
const UPDATE_MS = 50;

const names = ["athens", "manchester", "stockholm"];
const root = join(import.meta.dirname, "../../..");

/** The three functions of a scenario, running, with three simulated clouds and an operator's token. */
export async function scene(scenario: Scenario): Promise<Scene> {
  const opened = await account(scenario);
  const { input } = one(await plan(scenario), "schedule").inputs.target;
  const clouds = await Promise.all(
    names.map((name) => simulatedCloud({ name, stacks: { web: 1, shop: 1 }, updateMs: UPDATE_MS })),
  );
  const byName = new Map(clouds.map((cloud) => [cloud.name, cloud]));
  const cloud = (name: string) => {
    const found = byName.get(name);
    if (!found) throw new Error(`there is no cloud ${name}`);
    return found;
  };
  const cloudsYaml = (...wanted: string[]) =>
    stringify({
      clouds: Object.fromEntries(wanted.map((name) => [name, cloud(name).applicationEntry])),
    });
  const [{ token, entry }, agent] = await Promise.all([
    newToken("suite", "operator"),
    newToken("office", "vantage"),
  ]);
  const ApiTokens = `${entry}\n${agent.entry}`;
  const secrets = { CloudsYaml: cloudsYaml(...names), ApiTokens };
  const [home, reconcile, front] = await Promise.all([
    opened.start("Probe", { secrets, environment: quick }),
    opened.start("Reconcile", { secrets }),
    opened.start("Api", { secrets, environment: quick }),
  ]);
  const reconcileBatch = async (Records: DynamoDBRecord[]) => {
    const answer = (await reconcile.invoke({ Records })) as DynamoDBBatchResponse;
    return answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  };
  const gateway = await httpServer({
    ...{ address: "127.0.0.1", port: 0, insecure: false, log: log({ level: "CRITICAL" }) },
    invoke: async (event) => (await front.invoke(event)) as APIGatewayProxyStructuredResultV2,
  });
  return {
    ...opened,
    url: gateway.url,
    reconcile: reconcileBatch,
    ...{ cloud, cloudsYaml, secrets, token, agentToken: agent.token },
    api: async (method, path, sent = {}) => {
      const answer = await front.invoke(apiEvent(method, path, { token, ...sent }));
      const { statusCode = 0, body } = answer as APIGatewayProxyStructuredResultV2;
      return { status: statusCode, body: body === undefined ? undefined : JSON.parse(body) };
    },
    minute: async ({ probe = home, startedMsAgo = NEAR_ITS_END_MS } = {}) => {
      await probe.invoke(scheduled(input, new Date(Date.now() - startedMsAgo)));
    },
    deliver: async () => {
      const failed: string[] = [];
      for (;;) {
        const batches = await opened.newRecords();
        if (batches.length === 0) return failed;
        for (const records of batches) failed.push(...(await reconcileBatch(records)));
      }
    },
    counts: (stack) =>
      Object.fromEntries(clouds.map(({ name, stack: find }) => [name, Number(find(stack)?.count)])),
    stop: async () => {
      gateway.cutOff();
      await gateway.stop();
      await opened.stop();
      await Promise.all(clouds.map((each) => each.stop()));
    },
  };
}

/** As an operator makes one. */
async function newToken(name: string, role: string): Promise<{ token: string; entry: string }> {
  const command = join(root, "bin/heat-spreader.ts");
  const args = [command, "token", "new", name, "--role", role, "-f", "json"];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}
