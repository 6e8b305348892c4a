import { CloudName } from "../../lib/cloud/schema.ts";
import { until } from "../support/until.ts";
import { type Row, row } from "./measure.ts";
import { type Scene, sizeText } from "./scene.ts";

const PATIENCE_MS = 600_000;

/**
 * A write of the first stack's count is accepted, and the last of its PATCHes arrives: every cloud
 * that answers gets one. Answers milliseconds.
 */
export async function write(scene: Scene, count: number): Promise<number> {
  const [first] = scene.names;
  if (first === undefined) throw new Error("a scene without stacks");
  const answering = scene.clouds.filter(({ heat }) => heat.state() === "up");
  const patches = () => answering.map((cloud) => cloud.patches.length);
  const before = patches();
  await scene.api.patchStack({ stack_name: first, body: { count } });
  const acceptedAt = Date.now();
  const isEachTold = () => patches().every((now, i) => now > (before[i] ?? 0));
  await until("a PATCH in every cloud", isEachTold, PATIENCE_MS, 2);
  return scene.lastPatchAt() - acceptedAt;
}

/** Writes that give every cloud more: an order of pushes would wait for updates to end. */
export async function writes(scene: Scene, count: number, runs: number): Promise<number[]> {
  const times: number[] = [];
  for (let run = 1; run <= runs; run += 1) {
    // A push is followed by another only once a tick has seen it end, which no total tells.
    await until("the end of the updates", () => hasEnded(scene), PATIENCE_MS, 200);
    times.push(await write(scene, count + run * scene.size.clouds));
    await scene.settled();
  }
  const [stack_name] = scene.names;
  if (stack_name) await scene.api.patchStack({ stack_name, body: { count } });
  await scene.settled();
  return times;
}

async function hasEnded({ api, names: [stack_name] }: Scene): Promise<boolean> {
  if (stack_name === undefined) return true;
  const { conditions } = await api.getStack({ stack_name });
  return conditions.some(({ type, status }) => type === "converged" && status);
}

export async function writeRows(scene: Scene, count: number, runs: number): Promise<Row[]> {
  const values = await writes(scene, count, runs);
  const isBarred = scene.size.stacks === 1 && scene.size.clouds === 3;
  const what = "write accepted -> last PATCH";
  const size = sizeText(scene.size);
  return [row({ what, size, unit: "ms", values, ...(isBarred ? { bar: 250 } : {}) })];
}

/** The last cloud refuses from now on; answers the seconds from its verdict to the last PATCH that follows. */
export async function loss(scene: Scene, count: number): Promise<number> {
  const lost = lastOf(scene);
  const hung = scene.clouds.filter(({ heat }) => heat.state() === "frozen");
  const gone = [lost, ...hung].map(({ name }) => CloudName.parse(name));
  await lost.down();
  return untilTold(scene, scene.expected(count, gone));
}

/** The last cloud answers again, and all is as it was. Answers the seconds from verdict to last PATCH. */
export async function back(scene: Scene, count: number): Promise<number> {
  await lastOf(scene).up();
  return untilTold(scene, scene.expected(count));
}

/** Until the clouds have been told these counts; answers the seconds since the last cloud's verdict moved. */
async function untilTold(scene: Scene, expected: Map<string, number>): Promise<number> {
  const isTold = () => {
    const held = scene.held();
    for (const [place, count] of expected) if (held.get(place) !== count) return false;
    return true;
  };
  await until("the last PATCH after a verdict", isTold, PATIENCE_MS, 20);
  const lastAt = scene.lastPatchAt();
  const { since } = await scene.api.getCloud({ cloud: CloudName.parse(lastOf(scene).name) });
  await scene.settled();
  return (lastAt - Date.parse(since)) / 1000;
}

function lastOf({ clouds }: Scene) {
  const last = clouds.at(-1);
  if (last === undefined) throw new Error("a scene without clouds");
  return last;
}

export async function verdictRows(scene: Scene, count: number, runs: number): Promise<Row[]> {
  const [losses, returns]: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run += 1) {
    losses.push(await loss(scene, count));
    returns.push(await back(scene, count));
  }
  const { stacks, clouds } = scene.size;
  const isBarred = stacks === 1000 && clouds === 10;
  const patches = (stacks * (clouds - 1)).toLocaleString("en-US");
  const size = `${sizeText(scene.size)}, ${patches} PATCHes`;
  const most = scene.clouds.map((cloud) => cloud.requests().mostAtOnce);
  return [
    row({
      what: "verdict changed -> last PATCH",
      ...{ size, unit: "s", values: losses, ...(isBarred ? { bar: 15 } : {}) },
    }),
    row({
      what: "verdict back -> last PATCH (scale-downs wait for a tick)",
      ...{ size, unit: "s", values: returns },
    }),
    row({
      what: "most requests at a time, one cloud",
      ...{ size, unit: "", values: [Math.max(...most)], ...(isBarred ? { bar: 16 } : {}) },
    }),
  ];
}
