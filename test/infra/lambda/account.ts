import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import type { Event } from "../../../lib/event/schema.ts";
import { localBus } from "../../../lib/local/bus.ts";
import { log } from "../../../lib/log.ts";
import { dynamoClient } from "../../../lib/table/dynamo.ts";
import { openEmbeddedTable } from "../../support/embedded-table.ts";
import { ACCOUNT } from "../engine/answers.ts";
import { functionOf, one } from "../find.ts";
import { plan, type Scenario, zip } from "../plan.ts";
import { aws } from "./aws.ts";
import { type Call, type Grant, grantsOf } from "./grants.ts";
import { type FunctionInputs, type Lambda, lambda } from "./lambda.ts";
import { packageWith } from "./links.ts";
import { type Batches, batches } from "./stream.ts";
import { makePlannedTable } from "./table.ts";

export type Account = {
  /** Starts a function of a plan, waiting for its first event or failed at init. */
  start: (component: string, given?: Given) => Promise<Lambda>;
  /** What is new in the table's stream. */
  newRecords: Batches;
  /** What was announced on the bus. */
  facts: () => Event[];
  /** Services, by their names in signatures, that answer 503 while they are in here. */
  outages: Set<string>;
  /** Every call to AWS so far, of whichever function. */
  calls: readonly Call[];
  /** Those that its role was not granted. */
  refusals: readonly string[];
  /** All that the roles of the functions started so far may do. */
  grants: readonly Grant[];
  stop: () => Promise<void>;
};

type Given = {
  /** Where it was deployed; else the account's own scenario. */
  scenario?: Scenario;
  secrets?: Record<string, string>;
  environment?: Record<string, string | undefined>;
};

/**
 * What a deployment makes, as far as its functions can tell: the planned table on the embedded
 * DynamoDB, the planned bus, and roles that may do what their planned policies grant.
 */
export async function account(scenario: Scenario): Promise<Account> {
  const endings: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const ending of endings.splice(0).toReversed()) await ending();
  };
  try {
    return { ...(await opened(scenario, endings)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function opened(
  home: Scenario,
  endings: (() => Promise<unknown>)[],
): Promise<Omit<Account, "stop">> {
  const deployed = await plan(home);
  const table = one(deployed, "table");
  const embedded = await openEmbeddedTable();
  endings.push(embedded.close);
  const client = dynamoClient({ endpoint: embedded.endpoint });
  endings.push(async () => client.destroy());
  await makePlannedTable(client, table);
  const streams = new DynamoDBStreamsClient({ endpoint: embedded.endpoint });
  endings.push(async () => streams.destroy());
  const mapping = one(deployed, "mapping");
  const newRecords = await batches({ client: streams, tableName: table.inputs.name, mapping });
  const bus = await localBus({ onFact: () => {}, log: log({ level: "CRITICAL" }) });
  endings.push(bus.stop);
  const grants: Grant[] = [];
  const outages = new Set<string>();
  const services = { dynamodb: embedded.endpoint, events: bus.endpoint };
  const cloud = await aws({ account: ACCOUNT, services, grants, outages });
  endings.push(cloud.stop);
  return {
    newRecords,
    facts: bus.facts,
    outages,
    calls: cloud.calls,
    refusals: cloud.refusals,
    grants,
    start: async (component, given = {}) => {
      const { scenario = home, secrets = {}, environment = {} } = given;
      const theirs = await plan(scenario);
      const planned = functionOf(theirs, component);
      grants.push(...grantsOf(theirs, planned));
      const files = await packageWith(await zip(scenario, component), planned, secrets);
      const started = await lambda({
        inputs: planned.inputs as FunctionInputs,
        files,
        region: planned.region,
        environment: { AWS_ENDPOINT_URL: cloud.endpoint, ...environment },
      });
      endings.push(started.stop);
      return started;
    },
  };
}
