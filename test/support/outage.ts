import { Weights } from "../../lib/stack/schema.ts";
import { type World, world } from "./world.ts";

/** Ten instances of web in three clouds, of which athens is lost for a minute. */
export async function outage(): Promise<World> {
  const weights = Weights.parse({ athens: 0.6, lisbon: 0.2, manchester: 0.2 });
  const one = world({ clouds: Object.keys(weights) });
  for (const cloud of one.clouds) one.of(cloud).add("web", 0);
  await one.declare({ count: 10, weights });
  await one.pass(60_000);
  one.of("athens").network = "refused";
  await one.pass(60_000);
  one.of("athens").network = "up";
  await one.pass(60_000);
  return one;
}
