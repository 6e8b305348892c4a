import assert from "node:assert/strict";
import { test } from "node:test";
import { type Climb, probeCloud } from "../../lib/cloud/probe.ts";
import { CloudName, VantageName, type Vote } from "../../lib/cloud/schema.ts";
import { countVote } from "../../lib/cloud/vote.ts";
import {
  fault,
  otherFaults,
  type PlainCloud,
  plainCloud,
  putHeatStack,
  silences,
} from "../support/plain-cloud.ts";
import { at } from "../support/time.ts";

const cloud = CloudName.parse("athens");
const vantage = VantageName.parse("home");
const settings = { loginPauseMs: 60_000, longestPauseMs: 3_600_000 };

type More = { previous?: Vote | undefined; wantsList?: boolean; credential_hash?: string };

function probe(of: PlainCloud, seconds: number, more: More = {}): Promise<Climb> {
  of.calls.length = 0;
  const { previous, wantsList = false, credential_hash = of.client.credential_hash } = more;
  const cloudClient = () => ({ ok: true, value: { ...of.client, credential_hash } }) as const;
  const deps = { now: () => new Date(at(seconds)), cloudClient, settings };
  return probeCloud(deps, cloud, previous, { wantsList });
}

/** The vote that a tick writes for a climb. */
function voted({ finding, login }: Climb, seconds: number, previous?: Vote): Vote {
  const counted = countVote({ finding, vantage, at: at(seconds), previous, isVoid: false });
  const { login_pause: _, ...vote } = counted;
  return { ...vote, ...login };
}

test("a quiet probe asks for a list of one, and an answer is up", async () => {
  const of = plainCloud();
  putHeatStack(of);
  const { finding, list } = await probe(of, 0);
  assert.deepEqual(of.calls, ["list 1 first login"]);
  assert.deepEqual([finding.fault, list], [undefined, undefined]);
  assert.equal(finding.latency_ms, 0);
});

test("where a full list is wanted, it is the ladder's call", async () => {
  const of = plainCloud();
  putHeatStack(of);
  const { list } = await probe(of, 0, { wantsList: true });
  assert.deepEqual(of.calls, ["list 500 all login"]);
  assert.deepEqual(
    list?.stacks.map(({ stack_name }) => stack_name),
    ["web"],
  );
});

test("every fault is the finding as it is", async () => {
  for (const met of [...silences, ...otherFaults.filter(({ code }) => code !== "login_rejected")]) {
    const of = { ...plainCloud() };
    const client = { ...of.client, listStacks: async () => ({ ok: false, fault: met }) as const };
    const { finding, list, login } = await probe({ ...of, client }, 0, { wantsList: true });
    assert.deepEqual([finding.fault, list], [met, undefined]);
    assert.equal(login?.login_pause, undefined);
  }
});

test("an entry that cannot be asked is its fault, and asks nobody", async () => {
  const met = fault("config", "no_such_cloud");
  const deps = {
    now: () => new Date(at(0)),
    cloudClient: () => ({ ok: false, fault: met }) as const,
    settings,
  };
  const { finding } = await probeCloud(deps, cloud, undefined, { wantsList: true });
  assert.deepEqual(finding, { cloud, fault: met, unasked: true });
});

test("a rejected login is not repeated before a pause that grows to an hour", async () => {
  const of = plainCloud();
  of.takesLogin = false;
  let previous: Vote | undefined;
  const logins: number[] = [];
  for (let seconds = 0; seconds <= 15_000; seconds += 10) {
    const climb = await probe(of, seconds, { previous });
    if (of.calls.includes("list 1 first login")) logins.push(seconds);
    else assert.deepEqual(of.calls, ["list 1 first", "version"]);
    assert.deepEqual(
      [climb.finding.fault?.class, climb.finding.fault?.code],
      ["credentials", "login_rejected"],
    );
    previous = voted(climb, seconds, previous);
  }
  const pauses = logins.slice(1).map((seconds, n) => seconds - (logins[n] ?? 0));
  assert.deepEqual(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
});

test("a changed credential is tried at once, and its pauses begin anew", async () => {
  const of = plainCloud();
  of.takesLogin = false;
  let previous = voted(await probe(of, 0), 0);
  previous = voted(await probe(of, 60, { previous }), 60, previous);
  assert.equal(previous.login_pause?.attempts, 2);
  const climb = await probe(of, 70, { previous, credential_hash: "credential-2" });
  assert.deepEqual(of.calls, ["list 1 first login"]);
  assert.deepEqual(climb.login, {
    credential_hash: "credential-2",
    login_pause: { until: at(130), attempts: 1 },
  });
});

test("a login that is taken ends the pause", async () => {
  const of = plainCloud();
  of.takesLogin = false;
  const previous = voted(await probe(of, 0), 0);
  of.takesLogin = true;
  const { finding, login } = await probe(of, 60, { previous });
  assert.equal(finding.fault, undefined);
  assert.deepEqual(login, { credential_hash: "credential-1" });
});

test("while it pauses, a silent Keystone is a silence, and an answering one is not up", async () => {
  const of = plainCloud();
  of.takesLogin = false;
  const previous = voted(await probe(of, 0), 0);
  for (const silence of silences) {
    of.versionFault = silence;
    const { finding, login } = await probe(of, 10, { previous });
    assert.deepEqual(finding.fault, silence);
    assert.deepEqual(login?.login_pause, previous.login_pause);
  }
  for (const other of [undefined, ...otherFaults]) {
    of.versionFault = other;
    const { finding } = await probe(of, 10, { previous });
    assert.equal(finding.fault?.code, "login_rejected");
    assert.match(finding.fault?.message ?? "", /2026-01-01T00:01:00/, "says until when");
  }
});

test("what comes between two rejections does not make the pause forgotten", async () => {
  const of = plainCloud();
  of.takesLogin = false;
  let previous = voted(await probe(of, 0), 0);
  previous = voted(await probe(of, 60, { previous }), 60, previous);
  for (const met of [fault("answer", "http_429", 429), fault("service", "timeout")]) {
    const client = { ...of.client, listStacks: async () => ({ ok: false, fault: met }) as const };
    previous = voted(await probe({ ...of, client }, 180, { previous }), 180, previous);
  }
  const deps = {
    now: () => new Date(at(190)),
    cloudClient: () => ({ ok: false, fault: fault("config", "invalid_entry") }) as const,
    settings,
  };
  const edited = await probeCloud(deps, cloud, previous, { wantsList: false });
  previous = voted(edited, 190, previous);
  assert.deepEqual(previous.login_pause, { until: at(180), attempts: 2 });
  const { login } = await probe(of, 200, { previous });
  assert.deepEqual(login?.login_pause, { until: at(440), attempts: 3 });
});

test("a token that is still good is used while the login pauses", async () => {
  const of = plainCloud();
  of.takesLogin = false;
  const previous = voted(await probe(of, 0), 0);
  of.takesLogin = true;
  const { finding } = await probe(of, 10, { previous });
  assert.deepEqual(of.calls, ["list 1 first"]);
  assert.equal(finding.fault, undefined);
});

test("what throws is a bug, and is thrown", async () => {
  const of = plainCloud();
  of.bug = new TypeError("a bug");
  await assert.rejects(probe(of, 0), of.bug);
});
