import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { type Stage, stage } from "./stage.ts";

/**
 * Against real Keystone and Heat. manchester authenticates with an application credential;
 * cyprus-two is a second region of the Keystone that cyprus-one uses, with one of its own.
 */
const clouds = ["athens", "manchester", "cyprus-two"];

describe("a stack spread over real OpenStack clouds", () => {
  let on: Stage;

  before(async () => {
    on = await stage({ clouds });
  });

  after(() => on?.end());

  test("10 at .6/.2/.2 are 6, 2 and 2 real members", async () => {
    const { command } = on.service();
    await command("add", "web", "--count", "10", "--parameter", "count");
    await command("weight", "set", "web", "athens=0.6", "manchester=0.2", "cyprus-two=0.2");
    await on.untilMembers("web", { athens: 6, manchester: 2, "cyprus-two": 2 });
    await on.untilState("web", "converged");
  });

  test("a count changed behind our back is put right", async () => {
    await on.heat("athens").patch("web", { count: "4" });
    await on.untilMembers("web", { athens: 4 });
    await on.untilMembers("web", { athens: 6 });
    await on.untilState("web", "converged");
  });

  test("a cloud that dies loses its share to the others, and gets it back, never below 10", async () => {
    await on.lab.do("stop", "cyprus-two");
    await on.untilMembers("web", { athens: 7, manchester: 3 });
    await on.untilState("web", "failed_over");
    const healed = async () => {
      await on.lab.do("start", "cyprus-two");
      await on.untilMembers("web", { athens: 6, manchester: 2, "cyprus-two": 2 });
    };
    assert.ok((await on.leastDuring("web", healed())) >= 10);
    await on.untilState("web", "converged");
  });

  test("a cloud that freezes delays nobody", async () => {
    const { command } = on.service();
    await on.lab.do("freeze", "manchester");
    await on.untilMembers("web", { athens: 7, "cyprus-two": 3 });
    await command("update", "web", "--count", "20");
    await on.untilMembers("web", { athens: 14, "cyprus-two": 6 });
    await on.lab.do("thaw", "manchester");
    await command("update", "web", "--count", "10");
    await on.untilMembers("web", { athens: 6, manchester: 2, "cyprus-two": 2 });
    await on.untilState("web", "converged");
  });

  test("a wrong password moves nothing", async () => {
    const before = await readFile(on.lab.cloudsFile, "utf8");
    const state = await on.members("web");
    await writeFile(on.lab.cloudsFile, before.replace(/(athens:[\s\S]*?password: )\S+/, "$1wrong"));
    const shown = await on.untilState("web", "blocked");
    assert.deepEqual(shown.shares.map(({ cloud, desired }) => [cloud, desired]).sort(), [
      ["athens", 6],
      ["cyprus-two", 2],
      ["manchester", 2],
    ]);
    assert.deepEqual(await on.members("web"), state);
    await writeFile(on.lab.cloudsFile, before);
    await on.untilState("web", "converged");
  });
});
