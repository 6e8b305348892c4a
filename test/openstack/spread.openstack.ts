import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../support/until.ts";
import { type Lab, labUp, type OwnHeat } from "./lab.ts";
import { type Service, serviceUp } from "./service.ts";

/**
 * Against real Keystone and Heat. manchester authenticates with an application credential;
 * cyprus-two is a second region of the Keystone that cyprus-one uses, with one of its own.
 */
const clouds = ["athens", "manchester", "cyprus-two"];
const MINUTE_MS = 60_000;
const LOOK_EVERY_MS = 500;

describe("a stack spread over real OpenStack clouds", () => {
  let directory: string;
  let lab: Lab;
  let service: Service;
  let heats: Map<string, OwnHeat>;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "heat-spreader-openstack-"));
    lab = await labUp(join(directory, "lab"), Number(process.env.LAB_BASE_PORT ?? 16000));
    await lab.do("seed", "1");
    heats = new Map(
      await Promise.all(clouds.map(async (cloud) => [cloud, await lab.heat(cloud)] as const)),
    );
    service = await serviceUp({
      directory: join(directory, "service"),
      cloudsFile: lab.cloudsFile,
      clouds,
    });
  });

  after(async () => {
    await service?.stop();
    await lab?.do("wipe");
    await rm(directory, { recursive: true, force: true });
  });

  /** How many members each cloud's ResourceGroup really has; a cloud that does not answer has none to show. */
  async function members(of: string[] = clouds): Promise<number[]> {
    return Promise.all(
      of.map(async (cloud) => (await heats.get(cloud)?.members("web"))?.length ?? 0),
    );
  }

  async function untilMembers(expected: Record<string, number>): Promise<void> {
    const names = Object.keys(expected);
    await until(
      `members are ${JSON.stringify(expected)}`,
      async () => {
        const found = await members(names);
        return names.every((name, index) => found[index] === expected[name]);
      },
      4 * MINUTE_MS,
      LOOK_EVERY_MS,
    );
  }

  async function untilState(...states: string[]): Promise<void> {
    const isThere = async () => states.includes((await service.show("web")).state);
    await until(`web is ${states.join(" or ")}`, isThere, 4 * MINUTE_MS, LOOK_EVERY_MS);
  }

  /** The least that really ran in all clouds together at any moment that was looked at during the work. */
  async function leastDuring(work: Promise<void>): Promise<number> {
    let least = Number.POSITIVE_INFINITY;
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      const counts = await Promise.all(clouds.map((cloud) => members([cloud]).catch(() => [0])));
      least = Math.min(
        least,
        counts.flat().reduce((sum, count) => sum + count, 0),
      );
      await pause(LOOK_EVERY_MS);
    }
    await done;
    return least;
  }

  test("10 at .6/.2/.2 are 6, 2 and 2 real members", async () => {
    await service.command("add", "web", "--count", "10", "--parameter", "count");
    await service.command("weight", "set", "web", "athens=0.6", "manchester=0.2", "cyprus-two=0.2");
    await untilMembers({ athens: 6, manchester: 2, "cyprus-two": 2 });
    await untilState("converged");
  });

  test("a count changed behind our back is put right", async () => {
    await heats.get("athens")?.patch("web", { count: "4" });
    await untilMembers({ athens: 4 });
    await untilMembers({ athens: 6 });
    await untilState("converged");
  });

  test("a cloud that dies loses its share to the others, and gets it back, never below 10", async () => {
    await lab.do("stop", "cyprus-two");
    await untilMembers({ athens: 7, manchester: 3 });
    await untilState("failed_over");
    const healed = async () => {
      await lab.do("start", "cyprus-two");
      await untilMembers({ athens: 6, manchester: 2, "cyprus-two": 2 });
    };
    assert.ok((await leastDuring(healed())) >= 10);
    await untilState("converged");
  });

  test("a cloud that freezes delays nobody", async () => {
    await lab.do("freeze", "manchester");
    await untilMembers({ athens: 7, "cyprus-two": 3 });
    await service.command("update", "web", "--count", "20");
    await untilMembers({ athens: 14, "cyprus-two": 6 });
    await lab.do("thaw", "manchester");
    await service.command("update", "web", "--count", "10");
    await untilMembers({ athens: 6, manchester: 2, "cyprus-two": 2 });
    await untilState("converged");
  });

  test("a wrong password moves nothing", async () => {
    const before = await readFile(lab.cloudsFile, "utf8");
    const state = await members();
    await writeFile(lab.cloudsFile, before.replace(/(athens:[\s\S]*?password: )\S+/, "$1wrong"));
    await untilState("blocked");
    const shown = await service.show("web");
    assert.deepEqual(shown.shares.map(({ cloud, desired }) => [cloud, desired]).sort(), [
      ["athens", 6],
      ["cyprus-two", 2],
      ["manchester", 2],
    ]);
    assert.deepEqual(await members(), state);
    await writeFile(lab.cloudsFile, before);
    await untilState("converged");
  });
});
