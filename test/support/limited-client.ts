import { parentPort, workerData } from "node:worker_threads";
import { clientFor, kindOf } from "./cloud-client.ts";

/** What a worker of its own, with little memory, makes of a cloud: the kind of each outcome, or `ok`. */
const { origin } = workerData as { origin: string };
const { client, close } = clientFor({ origin }, {}, { deadlineMs: 20_000 });
const ref = { stack_name: "web", heat_stack_id: "id-1" };

const outcomes = [
  await client.listStacks({ limit: 500, pages: "all", login: true }),
  await client.showStack(ref),
  await client.newestEvent(ref),
  await client.patchCount(ref, "count", 3),
  await client.askVersion(),
];
parentPort?.postMessage(outcomes.map((outcome) => (outcome.ok ? "ok" : kindOf(outcome))));
await close();
