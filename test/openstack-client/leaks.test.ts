import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { tick } from "../../lib/cloud/tick.ts";
import { config } from "../../lib/config.ts";
import { type LogLine, log } from "../../lib/log.ts";
import { witnessAsker } from "../../lib/openstack/witness.ts";
import { reconcileBatch } from "../../lib/stack/batch.ts";
import type { StackName } from "../../lib/stack/schema.ts";
import { cloudTable } from "../../lib/table/clouds.ts";
import { stackTable } from "../../lib/table/stacks.ts";
import { testApi } from "../support/api.ts";
import { cloudsOf } from "../support/cloud-client.ts";
import { cloudServer, entryFor, PASSWORD } from "../support/cloud-server.ts";
import { anyEcho, type Echo, echo } from "../support/echo.ts";
import { memoryTable } from "../support/memory-table.ts";

const server = await cloudServer();
const other = await cloudServer();
after(() => Promise.all([server.close(), other.close()]));

/** Probe and reconcile on a table of their own, with real clients of two clouds, and a log that tells all. */
async function controller() {
  const table = memoryTable();
  const api = testApi({ table });
  const { probe, reconcile, witness } = config({ TABLE_NAME: "table", BUS_NAME: "bus" });
  const clouds = cloudsOf({ athens: entryFor(server), oslo: entryFor(other) });
  const lines: LogLine[] = [];
  const { info, error: report } = log({ level: "DEBUG", write: (line) => lines.push(line) });
  let ahead = 0;
  let ids = 0;
  const shared = {
    now: () => new Date(Date.now() + ahead),
    newId: () => `01J${String(ids++).padStart(23, "0")}`,
    cloudClient: clouds.client,
  };
  const askWitness = witnessAsker(witness);
  const onProbe = { settings: probe, cloudNames: clouds.names, askWitness };
  const onCloud = { ...cloudTable(table), ...shared, ...onProbe };
  const onStack = {
    ...stackTable(table),
    ...shared,
    random: () => 0.5,
    sleep: setTimeout,
    settings: reconcile,
    log: info,
    stacksWeighing: async () => [],
    announce: async () => [],
    remainingMs: () => 60_000,
    report: (stack: string, error: unknown) => report("reconcile threw", { stack, error }),
  };
  return {
    clouds,
    declare: async (count: number) => {
      const weights = { athens: 0.5, oslo: 0.5 };
      const body = { count, count_parameter: "count", weights, policy: { order: "at_once" } };
      const { status, text } = await api.call("PUT", "/v1/stacks/web", { body });
      assert.ok(status < 300, text);
    },
    round: async () => {
      ahead += 70_000;
      await tick(onCloud).catch((error: unknown) => report("tick threw", { error }));
      await reconcileBatch(onStack, [{ sequence: "1", stack: "web" as StackName }]);
    },
    told: () => JSON.stringify([lines, api.lines, table.records]),
    lines,
  };
}

const routes = ["GET /v1*", "PATCH /v1*", "GET /v3", "POST /v3/auth/tokens"];

/** At these routes the cloud answers so, at the others as a good one. */
function misbehave(answer: Echo | undefined, at: string[]): void {
  for (const route of routes) {
    const isBad = answer !== undefined && at.includes(route);
    server.answers(route, isBad ? (call) => echo(answer, call) : undefined);
  }
}

test("no log, table or event holds a password, a token, or what a cloud echoes of them", async () => {
  const anyFault = fc.record({ answer: anyEcho, at: fc.subarray(routes, { minLength: 1 }) });
  let pushes = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyFault, { minLength: 1, maxLength: 4 }), async (answers) => {
      const stack = { stack_name: "web", stack_status: "CREATE_COMPLETE", updated_time: null };
      for (const [cloud, id] of [
        [server, "id-1"],
        [other, "id-2"],
      ] as const) {
        cloud.cloud.stacks = [{ ...stack, id, parameters: { count: "1" } }];
        cloud.calls.length = 0;
      }
      misbehave(undefined, []);
      const { clouds, declare, round, told, lines } = await controller();
      await round();
      await declare(2);
      await round();
      for (const [index, { answer, at }] of answers.entries()) {
        misbehave(answer, at);
        await declare(4 + 2 * index);
        await round();
        await round();
      }
      await clouds.close();
      pushes += server.callsOf("PATCH /v1*").length;
      const all = told();
      assert.deepEqual(
        lines.filter(({ level }) => level === "ERROR"),
        [],
      );
      for (const token of [PASSWORD, ...server.cloud.tokens, ...other.cloud.tokens]) {
        assert.ok(!all.includes(token), `${token} is in ${all}`);
      }
    }),
    { numRuns: 60 },
  );
  assert.ok(pushes > 30, `only ${pushes} pushes`);
});
