import assert from "node:assert/strict";
import { after, test } from "node:test";
import { one } from "./find.ts";
import { account } from "./lambda/account.ts";
import { scheduled } from "./lambda/events.ts";
import type { FunctionError } from "./lambda/runtime-api.ts";
import { plan } from "./plan.ts";

/** What the packages of production say when something about them is wrong. */
const production = await account("production");
after(production.stop);

const SECRET = "correct-horse-battery-staple";

/** What the function reported at init, and all that it wrote. */
async function initOf(
  component: string,
  given: Parameters<typeof production.start>[1],
): Promise<{ said: string; log: string }> {
  const started = await production.start(component, given);
  const error = await started.ready.then(
    () => undefined,
    (thrown: FunctionError) => thrown,
  );
  await started.stop();
  return { said: error?.message ?? "", log: started.log() };
}

for (const component of ["Probe", "Reconcile", "Api"]) {
  test(`${component} without its environment fails at init, naming what is missing`, async () => {
    const names = ["TABLE_NAME", "BUS_NAME", "SST_KEY", "SST_KEY_FILE"];
    const environment = Object.fromEntries(names.map((name) => [name, undefined]));
    const { said } = await initOf(component, { environment });
    assert.match(said, /^The settings in the environment are not right\./);
    assert.match(said, /TABLE_NAME is missing; BUS_NAME is missing/);
  });
}

for (const component of ["Probe", "Reconcile"]) {
  test(`${component} says in a sentence that clouds.yaml is no YAML, and nothing that is in it`, async () => {
    const CloudsYaml = `clouds:\n  athens: {auth: {password: ${SECRET}\n`;
    const { said, log } = await initOf(component, { secrets: { CloudsYaml } });
    assert.match(said, /^CLOUDS_YAML is not YAML: line \d+ \([\w ]+\)\.$/);
    assert.ok(log.includes(said));
    assert.ok(!log.includes(SECRET));
  });
}

test("Api says which entry of ApiTokens is none, and nothing that is in it", async () => {
  const { said, log } = await initOf("Api", { secrets: { ApiTokens: `somebody:${SECRET}` } });
  assert.match(said, /^Entry 1 of API_TOKENS is not name:role:sha256 /);
  assert.ok(!log.includes(SECRET));
});

test("a cloud without a password is told of in a sentence, and the others are probed", async () => {
  const auth = { auth_url: "http://127.0.0.1:9/v3", project_name: "demo" };
  const clouds = {
    athens: { auth: { ...auth, username: "demo" } },
    manchester: { auth: { ...auth, username: "demo", password: SECRET } },
  };
  const probe = await production.start("Probe", {
    secrets: { CloudsYaml: JSON.stringify({ clouds }) },
  });
  const { input } = one(await plan("production"), "schedule").inputs.target;
  await probe.invoke(scheduled(input, new Date(Date.now() - 57_000)));
  await probe.stop();
  const lines = probe.log().split("\n").filter(Boolean);
  const problems = lines.map((line) => JSON.parse(line)).filter(({ problem }) => problem);
  assert.equal(problems.length, 1);
  assert.match(problems[0].problem, /athens.*password.*\.$/);
  assert.ok(!probe.log().includes(SECRET));
  assert.ok(!probe.log().includes(" at "));
});
