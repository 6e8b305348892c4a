import assert from "node:assert/strict";
import { test } from "node:test";
import { historyOf } from "./history.ts";
import { trySeeds } from "./seeds.ts";
import { shrunk } from "./shrink.ts";

/** `SEEDS=` for more of them, `SECONDS=` for longer, `FROM=` for others. */
const { SEEDS = "1000", SECONDS = "60", FROM = "1" } = process.env;

test("every invariant of DESIGN section 1 holds in every history", async (context) => {
  const trial = { first: Number(FROM), least: Number(SEEDS), seconds: Number(SECONDS) };
  const { seeds, pushes, virtualMs, failures } = await trySeeds(trial);
  const days = Math.round(virtualMs / 86_400_000);
  context.diagnostic(`${seeds} seeds, ${days} simulated days, ${pushes} pushes`);
  const [first] = failures;
  if (!first) return;
  const [shortest, why] = await shrunk(historyOf(first.seed), first.failure);
  assert.fail(
    `SEED=${first.seed} npm run simulate\n${first.failure}\nshrunk to ${JSON.stringify(shortest)}\n${why}`,
  );
});
