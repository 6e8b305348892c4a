import assert from "node:assert/strict";
import { test } from "node:test";
import { type LogLine, log } from "../../lib/log.ts";
import { sharedClouds } from "../../lib/openstack/shared.ts";

const places = { environment: {}, cwd: "/", home: "/", deadlineMs: 1000 };

function told(text: string): LogLine[] {
  const lines: LogLine[] = [];
  const quiet = log({ level: "INFO", write: (line) => lines.push(line) });
  const clouds = sharedClouds({ ...places, text }, quiet);
  assert.equal(sharedClouds({ ...places, text }, quiet), clouds, "opened once");
  return lines;
}

test("a clouds.yaml without clouds is told: nothing would be driven", () => {
  const [line, ...others] = told("clouds: {}");
  assert.deepEqual(others, []);
  assert.match(line?.message ?? "", /there are no clouds/);
});

test("an entry that cannot be used is told once, without what it holds", () => {
  const [line, ...others] = told("clouds: { athens: { auth: { password: s3cret } } }");
  assert.deepEqual(others, []);
  assert.match(String(line?.problem), /^athens in .*auth.username is missing/);
  assert.doesNotMatch(JSON.stringify(line), /s3cret/);
});
