import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { allocateRows } from "./allocate.ts";
import { bundleRows } from "./bundles.ts";
import { verdictRows, writeRows } from "./changes.ts";
import { detection } from "./detection.ts";
import { hungRows } from "./hung.ts";
import { machine, type Row, table } from "./measure.ts";
import { quietRows } from "./quiet.ts";
import { type Scene, type Size, scene, sizeText } from "./scene.ts";
import { shippedCommand } from "./shipped.ts";

const usage = `npm run bench -- [NAME ...] [--quick] [--sizes 1x3,1000x10] [--runs N] [--minutes N] [--profile DIR]

  allocate bundle detection write verdict quiet hung; without a name, all of them (an hour).
  --quick    one small size, one run each, where it takes long: two minutes
  --sizes    stacks x clouds, instead of each measurement's own
  --runs     of each change (5); --minutes: quiet ones (2)
  --years    of simulated trouble, for detection (1000); --seed: which (1)
  --profile  writes CPU profiles of the runtime there`;

/** Measured on a running runtime, with the sizes that show how each grows. */
const onScene = {
  write: {
    sizes: ["1x3", "1x10", "1x45", "10x10", "100x10", "1000x10"],
    rows: (at: Scene) => writeRows(at, countOf(at.size), runs),
  },
  quiet: {
    sizes: ["1x3", "10x10", "100x3", "100x10", "100x45", "1000x10", "10000x3"],
    rows: (at: Scene) => quietRows(at, minutes),
  },
  verdict: {
    sizes: ["10x10", "100x3", "100x10", "100x45", "1000x10"],
    rows: (at: Scene) => verdictRows(at, countOf(at.size), runs),
  },
  hung: {
    sizes: ["1x3", "100x10", "1000x10"],
    rows: (at: Scene) => hungRows(at, countOf(at.size), runs),
  },
} satisfies Record<string, { sizes: string[]; rows: (at: Scene) => Promise<Row[]> }>;
type OnScene = keyof typeof onScene;
const onSceneNames = Object.keys(onScene) as OnScene[];
const names = ["allocate", "bundle", "detection", ...onSceneNames];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    sizes: { type: "string" },
    runs: { type: "string" },
    minutes: { type: "string" },
    years: { type: "string" },
    seed: { type: "string", default: "1" },
    profile: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});
const { quick } = values;
// What is under way is ended on exit.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const runs = Number(values.runs ?? (quick ? 1 : 5));
const minutes = Number(values.minutes ?? (quick ? 1 : 2));
const trouble = {
  years: Number(values.years ?? (quick ? 100 : 1000)),
  outages: quick ? 300 : 2000,
  seed: Number(values.seed),
};
const isWanted = (name: string) => positionals.length === 0 || positionals.includes(name);
const unknown = positionals.filter((name) => !names.includes(name));

if (values.help || unknown.length > 0) {
  process.stdout.write(`${usage}\n`);
  process.exitCode = unknown.length > 0 ? 2 : 0;
} else {
  process.stdout.write(`${machine()}; ${new Date().toISOString()}\n\n`);
  const rows: Row[] = [];
  if (isWanted("allocate")) rows.push(...told(allocateRows(runs)));
  if (isWanted("bundle")) rows.push(...told(await bundleRows()));
  if (isWanted("detection")) process.stdout.write(`${detection(trouble)}\n`);
  const wanted = onSceneNames.filter(isWanted);
  if (wanted.length > 0) rows.push(...(await scenes(wanted)));
  const order = rows.map(({ what }) => what);
  rows.sort((a, b) => order.indexOf(a.what) - order.indexOf(b.what));
  if (rows.length > 0) process.stdout.write(`\n${table(rows)}\n`);
}

/** One scene for each size, and in it all that is wanted at this size: to set it up takes long. */
async function scenes(wanted: OnScene[]): Promise<Row[]> {
  const sizesOf = (name: OnScene) =>
    values.sizes?.split(",") ?? (quick ? ["10x3"] : onScene[name].sizes);
  const sizes = [...new Set(wanted.flatMap(sizesOf))].sort((a, b) => weight(a) - weight(b));
  const command = shippedCommand();
  const rows: Row[] = [];
  try {
    for (const text of sizes) {
      const size = sizeOf(text);
      const startedAt = Date.now();
      const at = await scene({ ...size, command, count: countOf(size), profile: values.profile });
      try {
        note(`${sizeText(size)}: set up in ${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
        for (const name of wanted) {
          if (sizesOf(name).includes(text)) rows.push(...told(await onScene[name].rows(at)));
        }
      } finally {
        await at.stop();
      }
    }
  } finally {
    rmSync(dirname(command), { recursive: true });
  }
  return rows;
}

/** So many that the loss of one cloud gives every other one more. */
function countOf({ clouds }: Size): number {
  return clouds * clouds;
}

function sizeOf(text: string): Size {
  const [stacks, clouds] = text.split("x").map(Number);
  if (!stacks || !clouds)
    throw new Error(`${text} is no size: say 100x10 for 100 stacks x 10 clouds`);
  return { stacks, clouds };
}

function weight(size: string): number {
  const { stacks, clouds } = sizeOf(size);
  return stacks * clouds;
}

/** Shown as it comes: the whole takes long, and may be ended. */
function told(rows: Row[]): Row[] {
  note(table(rows));
  return rows;
}

function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
