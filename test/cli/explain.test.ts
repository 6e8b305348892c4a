import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ulid } from "ulid";
import { contradictions } from "../../lib/event/replay.ts";
import { Event } from "../../lib/event/schema.ts";
import { eventPut } from "../../lib/table/events.ts";
import { cliAndApi } from "../support/cli.ts";
import { outage } from "../support/outage.ts";

describe("explain", () => {
  test("tells the story of an event by its id, or of the last decision", async (t) => {
    const one = await outage();
    const { cli, onTerminal } = await cliAndApi(t, { table: one.table, now: one.time.now });

    const last = await cli("explain");
    assert.deepEqual([last.code, last.stderr], [0, ""]);
    assert.match(
      last.stdout,
      /^At 2026-01-01 00:02:20 UTC web \(generation 1\) was dealt anew: athens came back at 00:02:20\.\n/,
    );
    assert.match(
      last.stdout,
      /\n- At 2026-01-01 00:02:20 UTC athens was found reachable; .*\n- home was answered, .*\n/,
      "who saw it is told with the move",
    );
    assert.match(last.stdout, /\n- That was event [0-9A-Z]{26}\.\n/);
    assert.match(
      last.stdout,
      /\n- So athens 0 -> 6, lisbon 5 -> 2 and manchester 5 -> 2; together 10\.\n/,
    );
    assert.equal((await cli("explain", "last", "--stack", "web")).stdout, last.stdout);

    const back = await cli("explain", "--cloud", "athens");
    assert.match(
      back.stdout,
      /athens was found reachable; it had been unreachable since 00:01:20\./,
    );

    const listed = await cli("events", "--cloud", "athens", "-f", "json");
    const loss = JSON.parse(listed.stdout).find(
      ({ type }: { type: string }) => type === "cloud.unreachable",
    );
    const told = await cli("explain", loss.id.toLowerCase());
    assert.match(told.stdout, /- home had heard nothing since 00:01:00 .*: 3 misses in a row\./);
    assert.match(told.stdout, new RegExp(`Event ${loss.id}, cloud.unreachable\\.`));

    const shown = (await cli("events")).stdout.split("\n");
    const row = shown.find((line) => line.includes("| cloud.unreachable |")) ?? "";
    assert.equal(row.slice(0, 33), `| ${loss.id.slice(-6)} | ${loss.at.slice(0, 19)}Z |`);
    const [, end = ""] = row.split(/[ |]+/);
    assert.equal((await cli("explain", end)).stdout, told.stdout, "what the table shows is enough");
    const longer = await cli("explain", loss.id.slice(5).toLowerCase());
    assert.equal(longer.stdout, told.stdout);
    const screen = (await onTerminal("events")).stdout.trimEnd().split("\n");
    for (const line of screen) assert.equal(line.length, 80, line);
    assert.ok(screen.some((line) => line.startsWith(`| ${loss.id.slice(-6)} |`)));
    const column = await cli("events", "-f", "value", "-c", "event", "-c", "id");
    assert.ok(column.stdout.split("\n").includes(`${end} ${loss.id}`));

    const whole = JSON.parse((await cli("explain", loss.id, "-f", "json")).stdout);
    assert.equal(whole.explanation.length, 7);
    assert.deepEqual(contradictions(whole), []);
  });

  test("tells what a person did last, if that is why it stands as it does", async (t) => {
    const one = await outage();
    const { cli } = await cliAndApi(t, { table: one.table, now: one.time.now });
    one.time.skip(1_000);
    assert.equal((await cli("cloud", "drain", "lisbon")).code, 0);
    assert.match((await cli("explain", "--cloud", "lisbon")).stdout, /lisbon is drained/);
    assert.match((await cli("explain")).stdout, /lisbon is drained/);
    one.time.skip(1_000);
    assert.equal((await cli("pause", "web")).code, 0);
    assert.match((await cli("explain", "--stack", "web")).stdout, /paused false -> true/);
  });

  test("takes no end of an id that two events have", async (t) => {
    const { api, cli } = await cliAndApi(t);
    const at = new Date().toISOString();
    const time = ulid().slice(0, 10);
    const ids = ["A", "B"].map((letter) => `${time}${letter.repeat(10)}EAY0BE`);
    for (const id of ids) {
      const event = { id, at, type: "cloud.reachable", cloud: "athens", message: "", changes: [] };
      await api.table.write(eventPut(Event.parse({ ...event, cause: "" })));
    }
    const both = await cli("explain", "EAY0BE");
    assert.deepEqual([both.code, both.stdout], [1, ""]);
    assert.match(
      both.stderr,
      new RegExp(`2 events end in EAY0BE: ${ids[1]}, ${ids[0]}. Give more`),
    );
    assert.match((await cli("explain", "BEAY0BE")).stdout, new RegExp(`Event ${ids[1]}`));
  });

  test("says what is wrong with what was asked", async (t) => {
    const { cli } = await cliAndApi(t);
    const none = await cli("explain");
    assert.deepEqual([none.code, none.stdout], [1, ""]);
    assert.match(none.stderr, /there is no event to explain/);
    const missing = await cli("explain", "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /There is no event 01ARZ3NDEKTSV4RRFFQ69G5FAV; they are kept/);
    const nowhere = await cli("explain", "Q69G5F");
    assert.deepEqual([nowhere.code, nowhere.stdout], [1, ""]);
    assert.match(nowhere.stderr, /no event Q69G5F among the newest 1000.* events -c id/);
    for (const [args, wrong] of [
      [["explain", "web"], /web is no event\. Give `last`/],
      [["explain", "01ARZ"], /01ARZ is no event\. .* the last 6 letters and digits/],
      [["explain", "last", "--stack", "web", "--cloud", "athens"], /Give one of them/],
      [
        ["explain", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--stack", "web"],
        /Leave --stack and --cloud out/,
      ],
    ] as const) {
      const said = await cli(...args);
      assert.deepEqual([said.code, said.stdout], [2, ""], said.stderr);
      assert.match(said.stderr, wrong);
    }
  });
});
