import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { median, type Row, row, table } from "../bench/measure.ts";
import { functionOf } from "./find.ts";
import { account } from "./lambda/account.ts";
import { type FunctionInputs, lambda } from "./lambda/lambda.ts";
import { unzip } from "./lambda/zip.ts";
import { plan, zip } from "./plan.ts";

/** What a function's code may weigh, minified and without its map, in kB (DESIGN section 9). */
const bars = { Api: 600, Probe: 1300, Reconcile: 1300 };
type Component = keyof typeof bars;
const components = Object.keys(bars) as Component[];
const INIT_BAR_MS = 150;
const STARTS = 5;

const production = await account("production");
after(production.stop);

for (const component of components) {
  test(`the code of ${component} weighs less than ${bars[component]} kB`, async () => {
    const kB = await kilobytes(component);
    assert.ok(kB < bars[component], `${kB} kB`);
  });
}

test("how much the code weighs, and how long it takes to start", async (t) => {
  const bare = median(await times(startBare));
  const rows: Row[] = [];
  for (const component of components) {
    const sizes = { what: "bundle, minified, without map", size: component, unit: "kB" } as const;
    rows.push(row({ ...sizes, values: [await kilobytes(component)], bar: bars[component] }));
    const started = await times(() => production.start(component));
    const inits = {
      what: "init, over that of an empty handler",
      size: component,
      unit: "ms",
    } as const;
    rows.push(row({ ...inits, values: started.map((ms) => ms - bare), bar: INIT_BAR_MS }));
  }
  for (const line of table(rows).split("\n")) t.diagnostic(line);
});

async function kilobytes(component: Component): Promise<number> {
  const files = unzip(await readFile(await zip("production", component)));
  return (files.get("bundle.mjs")?.length ?? Number.NaN) / 1000;
}

/** Of several starts, one after the other, the milliseconds until the first event is waited for. */
async function times(start: () => ReturnType<typeof lambda>): Promise<number[]> {
  const all: number[] = [];
  while (all.length < STARTS) {
    const started = await start();
    try {
      await started.ready;
      all.push(started.initMs());
    } finally {
      await started.stop();
    }
  }
  return all;
}

/** Node and the runtime client, with next to nothing to load. */
async function startBare(): ReturnType<typeof lambda> {
  const { inputs, region } = functionOf(await plan("production"), "Api");
  const files = new Map([["bundle.mjs", Buffer.from("export const handler = async () => {};")]]);
  return lambda({ inputs: inputs as FunctionInputs, files, region, environment: {} });
}
