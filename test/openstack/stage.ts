import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../support/until.ts";
import { type Lab, labUp, type OwnHeat } from "./lab.ts";
import { type Service, type Shown, serviceUp, shortened } from "./service.ts";

const WITHIN_MS = 4 * 60_000;
const LOOK_EVERY_MS = 500;

/** Real clouds, the service that drives them, and what can be seen of both from outside. */
export type Stage = {
  lab: Lab;
  service: () => Service;
  /** Ends the service in order and starts it anew on the same database. */
  restart: () => Promise<void>;
  heat: (cloud: string) => OwnHeat;
  /** How many members each of these clouds' ResourceGroups really has. */
  members: (stack: string, of?: string[]) => Promise<number[]>;
  untilMembers: (stack: string, expected: Record<string, number>) => Promise<void>;
  /** Until the service says that the stack is so; what it shows of it then. */
  untilShown: (stack: string, what: string, is: (shown: Shown) => boolean) => Promise<Shown>;
  untilState: (stack: string, ...states: string[]) => Promise<Shown>;
  /** The least that really ran in all clouds together at any moment that was looked at during the work. */
  leastDuring: (stack: string, work: Promise<void>) => Promise<number>;
  end: () => Promise<void>;
};

/**
 * Brings up the lab with a stack `web` of one member in every cloud, and the service on some of the
 * clouds. With LAB_DIR set that lab is used, and left running.
 */
export async function stage(options: {
  clouds: string[];
  serviceSettings?: Record<string, string>;
  /** The clouds.yaml of the service, where it is not the lab's own. */
  cloudsFile?: (lab: Lab) => Promise<string>;
}): Promise<Stage> {
  const { clouds, serviceSettings = {}, cloudsFile = async (lab) => lab.cloudsFile } = options;
  const directory = await mkdtemp(join(tmpdir(), "heat-spreader-openstack-"));
  const kept = process.env.LAB_DIR;
  const port = Number(process.env.LAB_BASE_PORT ?? 16000);
  const started: { lab?: Lab; service?: Service } = {};
  const end = async () => {
    await started.service?.stop();
    if (kept === undefined) await started.lab?.do("wipe");
    await rm(directory, { recursive: true, force: true });
  };
  const start = async (cloudsFile: string) => {
    started.service = await serviceUp({
      directory: join(directory, "service"),
      cloudsFile,
      clouds,
      settings: { ...shortened, ...serviceSettings },
    });
  };
  const service = () => {
    assert.ok(started.service, "the service has not been started");
    return started.service;
  };
  try {
    const lab = await labUp(kept ?? join(directory, "lab"), port);
    started.lab = lab;
    await lab.do("seed", "1");
    const heats = new Map(
      await Promise.all(clouds.map(async (cloud) => [cloud, await lab.heat(cloud)] as const)),
    );
    const written = await cloudsFile(lab);
    await start(written);
    const restart = async () => {
      await service().stop();
      await start(written);
    };
    return { lab, service, restart, ...seenFromOutside({ clouds, heats, service }), end };
  } catch (error) {
    await end();
    throw error;
  }
}

type World = { clouds: string[]; heats: Map<string, OwnHeat>; service: () => Service };

function seenFromOutside({ clouds, heats, service }: World) {
  const heat = (cloud: string): OwnHeat => {
    const found = heats.get(cloud);
    assert.ok(found, `no client for ${cloud}`);
    return found;
  };
  const members = (stack: string, of: string[] = clouds) =>
    Promise.all(of.map(async (cloud) => (await heat(cloud).members(stack)).length));
  const untilShown: Stage["untilShown"] = async (stack, what, is) => {
    let last: Shown | undefined;
    const look = async () => {
      last = await service().show(stack);
      return is(last) && last;
    };
    return until(`${stack}: ${what}`, look, WITHIN_MS, LOOK_EVERY_MS).catch((cause: unknown) => {
      throw new Error(`${stack} is not ${what}: ${JSON.stringify(last, null, 1)}`, { cause });
    });
  };
  return {
    heat,
    members,
    untilShown,
    untilMembers: async (stack: string, expected: Record<string, number>) => {
      const names = Object.keys(expected);
      let found: number[] = [];
      const look = async () => {
        found = await members(stack, names);
        return names.every((name, index) => found[index] === expected[name]);
      };
      const what = `the members of ${stack} are ${JSON.stringify(expected)}`;
      await until(what, look, WITHIN_MS, LOOK_EVERY_MS).catch(async (cause: unknown) => {
        const shown = await service().show(stack);
        throw new Error(`${what}, not ${found}: ${JSON.stringify(shown, null, 1)}`, { cause });
      });
    },
    untilState: (stack: string, ...states: string[]) =>
      untilShown(stack, states.join(" or "), ({ state }) => states.includes(state)),
    leastDuring: async (stack: string, work: Promise<void>) => {
      let least = Number.POSITIVE_INFINITY;
      let isDone = false;
      const done = work.finally(() => {
        isDone = true;
      });
      while (!isDone) {
        // A cloud that does not answer has none to show.
        const counts = await Promise.all(
          clouds.map((cloud) => members(stack, [cloud]).catch(() => [0])),
        );
        least = Math.min(
          least,
          counts.flat().reduce((sum, count) => sum + count, 0),
        );
        await pause(LOOK_EVERY_MS);
      }
      await done;
      return least;
    },
  };
}
