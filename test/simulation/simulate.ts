import { historyOf } from "./history.ts";
import { play } from "./play.ts";
import { trySeeds } from "./seeds.ts";
import { kindOf, shrunk } from "./shrink.ts";
import { story } from "./story.ts";

/**
 * `SEED=17 npm run simulate` plays one history, and shrinks it if it fails (`STORY=1` tells it);
 * `SEEDS=100000 FROM=1 npm run simulate` plays many.
 */
const { SEED, SEEDS = "1000", FROM = "1", STORY, PATIENCE = "20" } = process.env;
const failed = SEED === undefined ? await many() : await single(Number(SEED));
process.exitCode = failed ? 1 : 0;

async function single(seed: number): Promise<boolean> {
  const history = historyOf(seed);
  const { failure, pushes } = await play(history, STORY ? [story(console.log)] : []);
  if (failure === undefined) {
    console.log(`seed ${seed}: every invariant held, ${pushes} pushes`);
    return false;
  }
  console.log(`seed ${seed}: ${failure}`);
  const [shortest, why] = await shrunk(history, failure);
  const steps = shortest.steps.map((step) => JSON.stringify(step)).join("\n");
  console.log(`\nshrunk to ${shortest.steps.length} steps:\n${steps}`);
  console.log(`${JSON.stringify({ ...shortest, steps: undefined })}\n${why}`);
  return true;
}

async function many(): Promise<boolean> {
  const trial = {
    first: Number(FROM),
    least: Number(SEEDS),
    seconds: 0,
    patience: Number(PATIENCE),
  };
  const startedAt = Date.now();
  let told = 0;
  const tried = await trySeeds(trial, ({ seeds, failures }) => {
    for (const { seed, failure } of failures.slice(told)) {
      console.log(`SEED=${seed} npm run simulate   # ${kindOf(failure)}: ${failure.slice(0, 300)}`);
    }
    told = failures.length;
    if (seeds % 1000 === 0) console.log(`${seeds} seeds, ${failures.length} failed`);
  });
  const hours = Math.round(tried.virtualMs / 3_600_000);
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  console.log(
    `${tried.seeds} seeds from ${FROM}, ${hours} hours and ${tried.pushes} pushes of simulated time in ${seconds} s, ${tried.failures.length} failed`,
  );
  return tried.failures.length > 0;
}
