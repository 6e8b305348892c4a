import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Event } from "../../lib/event/schema.ts";
import { until } from "../support/until.ts";
import { type CreateOptions, template } from "./lab.ts";
import type { Shown } from "./service.ts";
import { type Stage, stage } from "./stage.ts";

/** manchester and cyprus-two authenticate with an application credential. */
const clouds = ["athens", "manchester", "cyprus-two"];
const MINUTE_MS = 60_000;

describe("faults of real OpenStack clouds", () => {
  let on: Stage;

  before(async () => {
    on = await stage({
      clouds,
      serviceSettings: { STUCK_GRACE: "6", LONGEST_PAUSE: "20", PUSH_SILENCE: "10" },
    });
    await declare("web", 10);
    await on.untilMembers("web", { athens: 6, manchester: 2, "cyprus-two": 2 });
    await on.untilState("web", "converged");
  });

  after(() => on?.end());

  /** Declares a stack at .6/.2/.2 that is there already. */
  async function declare(stack: string, count: number, parameter = "count"): Promise<void> {
    const weights = ["athens=0.6", "manchester=0.2", "cyprus-two=0.2"];
    await on
      .service()
      .command(
        ...["add", stack, "--count", String(count), "--parameter", parameter],
        ...weights.flatMap((weight) => ["--weight", weight]),
      );
  }

  async function update(stack: string, ...options: string[]): Promise<void> {
    await on.service().command("update", stack, ...options);
  }

  /** Has a stack made in all three clouds by their owner. */
  async function create(stack: string, options: (cloud: string) => CreateOptions): Promise<void> {
    await Promise.all(
      clouds.map(async (cloud) => {
        await on.heat(cloud).create(stack, options(cloud));
        await untilStatus(cloud, stack, "CREATE_COMPLETE");
      }),
    );
  }

  async function untilStatus(cloud: string, stack: string, status: string): Promise<void> {
    const look = async () => (await on.heat(cloud).show(stack)).stack_status === status;
    await until(`${stack} in ${cloud} is ${status}`, look, 2 * MINUTE_MS, 200);
  }

  /** What was announced since then, of clouds or of a stack. */
  async function events(since: string, ...options: string[]): Promise<Event[]> {
    const { command } = on.service();
    return JSON.parse(await command("events", "--since", since, "-f", "json", ...options));
  }

  /** Nothing was said of any cloud since then: no verdict, no block. */
  async function assertNoVerdict(since: string): Promise<void> {
    const said = (await events(since)).filter(({ type }) => type.startsWith("cloud."));
    assert.deepEqual(said, []);
  }

  /** Why the cloud's verdict is what it is. */
  async function reasonOf(cloud: string): Promise<string> {
    return on.service().command("cloud", "show", cloud, "-f", "value", "-c", "reason");
  }

  const shareOf = (shown: Shown, cloud: string) => {
    const found = shown.shares.find((share) => share.cloud === cloud);
    assert.ok(found, `no share of ${cloud}`);
    return found;
  };

  const blockOf = (shown: Shown, cloud: string) => shareOf(shown, cloud).blocked;

  describe("of a whole cloud", () => {
    test("Keystone dead, a known token: Heat still answers, so nothing is lost, and what it cannot do is done after the return", async () => {
      const since = new Date().toISOString();
      await on.lab.do("keystone-down", "manchester");
      await update("web", "--count", "15");
      await on.untilMembers("web", { athens: 9, "cyprus-two": 3 });
      const shown = await on.untilShown("web", "blocked in manchester", (shown) => {
        return blockOf(shown, "manchester") !== undefined;
      });
      assert.equal(blockOf(shown, "manchester")?.code, "remote_error");
      assert.deepEqual(await on.members("web", ["manchester"]), [2]);
      await on.lab.do("keystone-up", "manchester");
      await on.untilMembers("web", { athens: 9, manchester: 3, "cyprus-two": 3 });
      await on.untilState("web", "converged");
      await assertNoVerdict(since);
      await update("web", "--count", "10");
      await on.untilState("web", "converged");
    });

    test("Heat dead, Keystone alive: the share moves, and comes back", async () => {
      await on.lab.do("heat-down", "cyprus-two");
      await on.untilMembers("web", { athens: 7, manchester: 3 });
      const shown = await on.untilState("web", "failed_over");
      assert.equal(shareOf(shown, "cyprus-two").verdict, "unreachable");
      assert.match(await reasonOf("cyprus-two"), /refused/);
      await on.lab.do("heat-up", "cyprus-two");
      await on.untilMembers("web", { athens: 6, manchester: 2, "cyprus-two": 2 });
      await on.untilState("web", "converged");
    });

    test("the engine dead behind a Heat that answers: the share moves, and comes back", async () => {
      // So that Heat's API gives the engine up before the probe gives the API up.
      await on.lab.do("heat-down", "athens");
      await on.lab.doWith({ LAB_RPC_TIMEOUT: "4" }, "heat-up", "athens");
      await on.untilState("web", "converged");
      await on.lab.do("engine-down", "athens");
      await on.untilMembers("web", { manchester: 5, "cyprus-two": 5 });
      await on.untilState("web", "failed_over");
      assert.match(await reasonOf("athens"), /http_500.*engine/);
      await on.lab.do("engine-up", "athens");
      await on.untilMembers("web", { athens: 6, manchester: 2, "cyprus-two": 2 });
      await on.untilState("web", "converged");
    });

    test("a cloud killed in the middle of an update: its stack, stuck since, is freed by one PATCH", async () => {
      const athens = on.heat("athens");
      await athens.patch("web", { wait: "3" });
      await untilStatus("athens", "web", "UPDATE_COMPLETE");
      await on.untilState("web", "converged");
      await update("web", "--count", "14");
      await until(
        "athens is at it",
        async () => (await athens.show("web")).stack_status === "UPDATE_IN_PROGRESS",
        MINUTE_MS,
        100,
      );
      const updates = await athens.updates("web");
      await on.lab.do("stop", "athens");
      await on.untilMembers("web", { manchester: 7, "cyprus-two": 7 });
      await on.untilState("web", "failed_over");
      await on.lab.do("start", "athens");
      assert.equal((await athens.show("web")).stack_status, "UPDATE_IN_PROGRESS");
      await on.untilMembers("web", { athens: 8, manchester: 3, "cyprus-two": 3 });
      await on.untilState("web", "converged");
      assert.equal(await athens.updates("web"), updates + 1);
      await athens.patch("web", { wait: "0" });
      await untilStatus("athens", "web", "UPDATE_COMPLETE");
    });
  });

  describe("of one heat stack", { concurrency: true }, () => {
    test("deleted by hand: its share moves; created again under its name: it is taken over", async () => {
      const servers = await template("servers");
      await create("gone", () => ({ template: servers, parameters: { count: "1" } }));
      await declare("gone", 5);
      await on.untilMembers("gone", { athens: 3, manchester: 1, "cyprus-two": 1 });
      await on.heat("athens").remove("gone");
      const shown = await on.untilState("gone", "failed_over");
      assert.ok(shareOf(shown, "athens").seen?.missing);
      assert.equal(shareOf(shown, "athens").verdict, "reachable");
      assert.equal(shown.conditions.find(({ status }) => status)?.reason, "heat_stack_missing");
      await on.heat("athens").create("gone", { template: servers, parameters: { count: "1" } });
      await on.untilMembers("gone", { athens: 3, manchester: 1, "cyprus-two": 1 });
      await on.untilState("gone", "converged");
    });

    test("no such parameter in a template: blocked, until the template gets it or the declaration names the right one", async () => {
      const servers = await template("servers");
      const renamed = servers
        .replaceAll("{ get_param: count }", "{ get_param: instances }")
        .replace("\n  count:\n    type", "\n  instances:\n    type");
      await create("named", () => ({ template: servers, parameters: { count: "1" } }));
      await declare("named", 5, "instances");
      const all = await on.untilShown("named", "blocked everywhere", ({ shares }) =>
        shares.every(({ blocked }) => blocked?.code === "no_count_parameter"),
      );
      assert.match(blockOf(all, "athens")?.message ?? "", /"instances"/);
      assert.equal(all.state, "blocked");
      assert.deepEqual(await on.members("named"), [1, 1, 1]);

      await on
        .heat("athens")
        .replace("named", { template: renamed, parameters: { instances: "1" } });
      await on.untilMembers("named", { athens: 3, manchester: 1, "cyprus-two": 1 });
      const some = await on.untilShown("named", "unblocked in athens", (shown) => {
        return blockOf(shown, "athens") === undefined;
      });
      assert.equal(blockOf(some, "manchester")?.code, "no_count_parameter");

      await update("named", "--parameter", "count");
      const others = await on.untilShown("named", "unblocked elsewhere", ({ shares }) =>
        shares.every(({ cloud, blocked }) => (cloud === "athens") === (blocked !== undefined)),
      );
      assert.equal(blockOf(others, "athens")?.code, "no_count_parameter");
      await update("named", "--count", "10");
      await on.untilMembers("named", { athens: 3, manchester: 2, "cyprus-two": 2 });
      await on.heat("athens").replace("named", { template: servers, parameters: { count: "1" } });
      await on.untilMembers("named", { athens: 6, manchester: 2, "cyprus-two": 2 });
      await on.untilState("named", "converged");
    });

    test("an update that fails, rolled back or not: blocked with Heat's own reason, and done when there is room", async () => {
      const limited = await template("limited");
      await create("tight", (cloud) => ({
        template: limited,
        parameters: { count: "1", limit: cloud === "manchester" ? "20" : "1" },
        rollback: cloud === "cyprus-two",
      }));
      await declare("tight", 10);
      const shown = await on.untilShown("tight", "blocked where there is no room", ({ shares }) =>
        shares.every(({ cloud, blocked }) => {
          return (cloud === "manchester") !== (blocked?.code === "update_failed");
        }),
      );
      assert.equal(shown.state, "blocked");
      assert.match(blockOf(shown, "athens")?.message ?? "", /^UPDATE_FAILED.*Test Resource failed/);
      assert.match(blockOf(shown, "cyprus-two")?.message ?? "", /^ROLLBACK_COMPLETE.*back to 1/);
      assert.equal(shareOf(shown, "cyprus-two").seen?.in_place, 1);
      const desired = shown.shares.map(({ desired }) => desired).sort();
      assert.deepEqual(desired, [2, 2, 6], "a failed update moves nothing");

      // A person's PATCH over a rollback under way can lose the group for good: Heat's own fault.
      await on.service().command("pause", "tight");
      await on.untilState("tight", "paused");
      await untilStatus("athens", "tight", "UPDATE_FAILED");
      await untilStatus("cyprus-two", "tight", "ROLLBACK_COMPLETE");
      await on.heat("athens").patch("tight", { limit: "20" });
      await on.heat("cyprus-two").patch("tight", { limit: "20" });
      await on.service().command("resume", "tight");
      await on.untilMembers("tight", { athens: 6, manchester: 2, "cyprus-two": 2 });
      await on.untilState("tight", "converged");
    });

    test("changed by another user where we have an application credential: blocked with the remedy, until the owner's next update", async () => {
      const servers = await template("servers");
      await create("owned", () => ({ template: servers, parameters: { count: "1" } }));
      await declare("owned", 5);
      await on.untilState("owned", "converged");
      const other = await on.lab.heat("manchester", "admin");
      await other.patch("owned", { count: "2" });
      const shown = await on.untilShown("owned", "blocked in manchester", (shown) => {
        return blockOf(shown, "manchester") !== undefined;
      });
      assert.equal(blockOf(shown, "manchester")?.code, "remote_error");
      assert.match(blockOf(shown, "manchester")?.message ?? "", /another user|owner/);
      assert.equal(shareOf(shown, "manchester").verdict, "reachable");
      await untilStatus("manchester", "owned", "UPDATE_COMPLETE");
      assert.deepEqual(await on.members("owned"), [3, 2, 1]);
      await on.heat("manchester").patch("owned", { flavor: "medium" });
      await on.untilMembers("owned", { athens: 3, manchester: 1, "cyprus-two": 1 });
      await on.untilState("owned", "converged");
    });
  });

  test("tokens that live 5 s: the service, started anew, goes on as if nothing was", async () => {
    for (const keystone of ["athens", "manchester", "cyprus"]) {
      await on.lab.do("set", keystone, "token-ttl", "5");
    }
    await on.restart();
    const since = new Date().toISOString();
    for (const [count, athens, manchester, cyprus] of [
      [5, 3, 1, 1],
      [10, 6, 2, 2],
    ] as const) {
      await update("web", "--count", String(count));
      await on.untilMembers("web", { athens, manchester, "cyprus-two": cyprus });
      await on.untilState("web", "converged");
    }
    await assertNoVerdict(since);
    const said = await events(since);
    assert.deepEqual(
      said.filter(({ type }) => type === "share.blocked" || type === "stack.failed"),
      [],
    );
    for (const keystone of ["athens", "manchester", "cyprus"]) {
      await on.lab.do("set", keystone, "token-ttl", "3600");
    }
  });

  test("twenty stacks at once: declared together, and moved together when a cloud dies", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `s${index + 1}`);
    const servers = await template("servers");
    for (let first = 0; first < names.length; first += 5) {
      const some = names.slice(first, first + 5);
      const empty = { template: servers, parameters: { count: "0" } };
      await Promise.all(some.map((name) => create(name, () => empty)));
    }
    await Promise.all(names.map((name) => declare(name, 5)));
    const { command } = on.service();
    const untilAll = (state: string) => {
      const look = async () => {
        const all: { stack_name: string; state: string }[] = JSON.parse(
          await command("list", "-f", "json"),
        );
        return names.every((name) =>
          all.some((stack) => stack.stack_name === name && stack.state === state),
        );
      };
      return until(`twenty are ${state}`, look, 5 * MINUTE_MS, 1000);
    };
    await untilAll("converged");
    for (const name of names) assert.deepEqual(await on.members(name), [3, 1, 1], name);
    await on.lab.do("stop", "manchester");
    await untilAll("failed_over");
    for (const name of names) {
      await on.untilShown(name, "in place elsewhere", ({ in_place }) => in_place === 5);
      const [athens = 0, cyprus = 0] = await on.members(name, ["athens", "cyprus-two"]);
      assert.equal(athens + cyprus, 5, name);
    }
    await on.lab.do("start", "manchester");
    await untilAll("converged");
    for (const name of names) assert.deepEqual(await on.members(name), [3, 1, 1], name);
  });
});
