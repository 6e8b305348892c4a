import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { monotonicFactory } from "ulid";
import { recent } from "../../lib/cli/commands/watch.ts";
import { terminal } from "../../lib/cli/terminal.ts";
import { CloudName } from "../../lib/cloud/schema.ts";
import type { Event } from "../../lib/event/schema.ts";
import { verdictOf } from "../support/api.ts";
import { cliAndApi, run } from "../support/cli.ts";

const athens = CloudName.parse("athens");
const newId = monotonicFactory();
const fact = (more: Partial<Event>): Event => ({
  id: newId(),
  at: new Date().toISOString(),
  type: "cloud.reachable",
  cloud: athens,
  message: "athens is reachable",
  changes: [],
  cause: "Heat answers",
  ...more,
});
const alarm = { type: "cloud.suspected", message: "athens is suspected", alarm: true } as const;
/** Newest first, as the API lists them. */
const events = [fact({}), fact(alarm)].toReversed();

async function scene(t: TestContext) {
  const made = await cliAndApi(t);
  await made.api.stores.saveVerdict(verdictOf("athens", "suspected"), undefined, events);
  return made;
}

describe("an alarm is marked", { concurrency: 2 }, () => {
  test("in the table of events, and in no other format", async (t) => {
    const { cli } = await scene(t);
    const { stdout } = await cli("events");
    assert.match(stdout, /\| ALARM athens is suspected +\|/);
    assert.match(stdout, /\| athens is reachable +\|/);
    for (const format of ["json", "yaml", "csv", "value"]) {
      assert.doesNotMatch((await cli("events", "-f", format)).stdout, /ALARM/);
    }
  });

  test("in the lines of events --follow", async (t) => {
    const { home, environment } = await scene(t);
    const { stdout } = await run(["events", "--follow"], {
      home,
      environment,
      onLine: ({ stdout }) => stdout.includes("is suspected"),
    });
    assert.match(stdout, /cloud\.suspected {4}ALARM athens is suspected$/m);
    assert.match(stdout, /cloud\.reachable {4}athens is reachable$/m);
  });

  test("in the view of watch, in red", () => {
    const screen = terminal(
      { stdout: { write: () => {}, isTTY: true, columns: 50 }, stderr: { write: () => {} } },
      {},
    );
    const text = recent({ terminal: screen }, events);
    assert.ok(text.includes("  \u001b[31mALARM\u001b[0m athens is"), text);
    const lines = stripVTControlCharacters(text).split("\n");
    assert.match(lines[0] ?? "", /Z {2}athens is reachable$/);
    assert.match(lines[1] ?? "", /Z {2}ALARM athens is$/);
    assert.match(lines[2] ?? "", /^ {26}suspected$/);
  });
});
