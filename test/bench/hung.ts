import { CloudName } from "../../lib/cloud/schema.ts";
import { until } from "../support/until.ts";
import { back, loss, write, writes } from "./changes.ts";
import { type Row, row } from "./measure.ts";
import { type Scene, sizeText } from "./scene.ts";

/** The same changes while the first cloud accepts connections and never answers. */
export async function hungRows(scene: Scene, count: number, runs: number): Promise<Row[]> {
  const [hung] = scene.clouds;
  if (hung === undefined) throw new Error("a scene without clouds");
  const size = sizeText(scene.size);
  const rows = [
    row({
      what: "no cloud hangs: write",
      size,
      unit: "ms",
      values: await writes(scene, count, runs),
    }),
  ];
  const cloud = CloudName.parse(hung.name);
  const isVerdict = (verdict: string) => async () =>
    (await scene.api.getCloud({ cloud })).verdict === verdict;
  hung.freeze();
  // At once: no verdict knows of it yet.
  const unnoticed = [await write(scene, count + (runs + 1) * scene.size.clouds)];
  rows.push(
    row({ what: "a cloud hangs, unnoticed yet: write", size, unit: "ms", values: unnoticed }),
  );
  await until("the verdict on the hung cloud", isVerdict("unreachable"), 120_000, 200);
  await scene.settled();
  const noticed = await writes(scene, count, runs);
  rows.push(row({ what: "a cloud hangs: write", size, unit: "ms", values: noticed }));
  if (scene.size.clouds > 3) {
    const lost = [await loss(scene, count)];
    rows.push(row({ what: "a cloud hangs: verdict on another", size, unit: "s", values: lost }));
  }
  await hung.up();
  await until("its return", isVerdict("reachable"), 120_000, 200);
  await back(scene, count);
  return rows;
}
