import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { all, linksOf } from "./find.ts";
import { deploy, deployment, type Scenario, secrets, zip } from "./plan.ts";

/** Parts of the values, so that a value in another form is recognised as well. */
const traces = [
  "infra-suite-credential-id",
  "infra-suite-credential-secret",
  "keystone.infra-suite.example.com",
  "infra-suite-name",
  secrets.ApiTokens.slice(-64),
  secrets.WebhookToken,
].flatMap((trace) => [trace, Buffer.from(trace).toString("hex")]);
const holders: Record<string, string[]> = { Api: ["ApiTokens"], "": ["CloudsYaml"] };

for (const scenario of ["production", "everything"] satisfies Scenario[]) {
  const { plan, printed, directory } = await deployment(scenario);
  assert.ok(plan, printed);

  test(`${scenario}: no cloud resource holds a secret's value, and the program marks the others`, () => {
    for (const { name, type, custom, inputs, secrets } of plan.resources) {
      // A webhook's connection is the one resource that is told a secret.
      const isShown = custom && type !== "aws:cloudwatch/eventConnection:EventConnection";
      const shown = isShown ? inputs : unmarked(inputs, "", secrets);
      assert.deepEqual(tracesIn(JSON.stringify(shown)), [], name);
    }
  });

  test(`${scenario}: no output, and nothing that is printed or logged, holds one`, async () => {
    const stack = plan.resources.find(({ type }) => type === "pulumi:pulumi:Stack");
    assert.ok(stack?.outputs?.url);
    assert.deepEqual(tracesIn(printed + JSON.stringify(stack.outputs)), []);
    await assertWithout(directory, ".sst/{log/*.log,outputs.json}");
  });

  test(`${scenario}: no file that goes to AWS holds one in clear`, async () => {
    await assertWithout(directory, ".sst/artifacts/**/*.{mjs,map,enc,zip}");
  });

  for (const planned of all(plan, "function")) {
    const component = planned.name.replace(/Function$/, "");

    test(`${scenario}: ${component} is handed the secrets that it needs, and no other`, async () => {
      const { App: _, ...links } = await linksOf(await zip(scenario, component), planned);
      assert.deepEqual(Object.keys(links).sort(), holders[component] ?? holders[""]);
    });

    test(`${scenario}: the key to ${component}'s links is a secret of the plan`, () => {
      const path = "environment.variables.SST_KEY";
      assert.ok(
        planned.secrets.some((secret) => path.startsWith(secret)),
        String(planned.secrets),
      );
    });
  }
}

test("without its secrets the deploy stops, and says what to do", async () => {
  const { code, printed } = await deploy("missing-secrets", { stage: "dev", secrets: {} });
  assert.notEqual(code, 0);
  for (const missing of ["CloudsYaml", "ApiTokens"]) {
    assert.match(printed, new RegExp(`The secret ${missing} has no value yet.*set ${missing}`));
  }
  assert.doesNotMatch(printed, /^ +at /m);
});

test("with secrets that cannot be right the deploy stops, says why, and repeats nothing of them", async () => {
  const CloudsYaml = secrets.CloudsYaml.replace(/application_credential_secret: .*/, "");
  const ApiTokens = secrets.ApiTokens.replace("operator", "administrator");
  const given = { stage: "dev", secrets: { CloudsYaml, ApiTokens } };
  const { code, printed } = await deploy("wrong-secrets", given);
  assert.notEqual(code, 0);
  assert.match(printed, /athens.*application_credential_secret/);
  assert.match(printed, /Entry 1 of API_TOKENS is not name:role:sha256/);
  assert.doesNotMatch(printed, /^ +at /m);
  assert.deepEqual(tracesIn(printed), []);
});

async function assertWithout(cwd: string, files: string): Promise<void> {
  const found = await Array.fromAsync(glob(files, { cwd }));
  assert.ok(found.length > 0);
  for (const file of found) {
    const text = (await readFile(join(cwd, file))).toString("latin1");
    assert.deepEqual(tracesIn(text), [], file);
  }
}

/** What is left to see for who sees no secrets. */
function unmarked(value: unknown, at: string, secrets: string[]): unknown {
  if (secrets.includes(at)) return undefined;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((one, i) => unmarked(one, `${at}[${i}]`, secrets));
  const under = (key: string) => (at === "" ? key : `${at}.${key}`);
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, unmarked(one, under(key), secrets)]),
  );
}

function tracesIn(text: string): string[] {
  return traces.filter((trace) => text.includes(trace));
}
