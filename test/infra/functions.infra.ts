import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { build, transform } from "esbuild";
import type { Plan } from "./engine/planned.ts";
import { all } from "./find.ts";
import { unzip } from "./lambda/zip.ts";
import { plan, type Scenario, zip } from "./plan.ts";

const plans = {
  production: await plan("production"),
  dev: await plan("dev"),
  everything: await plan("everything"),
  existing: await plan("existing"),
} satisfies Partial<Record<Scenario, Plan>>;
const ours = ["Api", "Probe", "Reconcile"];

for (const stage of ["production", "dev"] as const) {
  test(`${stage}: three functions, and no other`, () => {
    const names = all(plans[stage], "function").map(({ name }) => name);
    assert.deepEqual(
      names.sort(),
      ours.map((name) => `${name}Function`),
    );
  });
}

for (const [scenario, planned] of Object.entries(plans) as [keyof typeof plans, Plan][]) {
  for (const { name, inputs } of all(planned, "function")) {
    const component = name.replace(/Function$/, "");

    test(`${scenario} ${component}: arm64 and Node 24`, () => {
      assert.deepEqual(inputs.architectures, ["arm64"]);
      assert.equal(inputs.runtime, "nodejs24.x");
    });

    test(`${scenario} ${component}: JSON lines in a log of its own, kept for a month`, () => {
      assert.equal(inputs.loggingConfig.logFormat, "JSON");
      const groups = all(planned, "logGroup").filter(
        (group) => group.inputs.name === inputs.loggingConfig.logGroup,
      );
      assert.equal(groups.length, 1);
      assert.equal(groups[0]?.inputs.retentionInDays, 30);
    });

    test(`${scenario} ${component}: its package holds the handler that Lambda will call`, async () => {
      const files = unzip(await readFile(await zip(scenario, component)));
      const [file, handler = ""] = inputs.handler.split(".");
      const bundle = files.get(`${file}.mjs`)?.toString() ?? "";
      assert.ok((await exportsOf(bundle)).includes(handler), `no ${handler} in ${file}.mjs`);
    });

    test(`${scenario} ${component}: its package is minified, and no map or source lies beside it`, async () => {
      const files = unzip(await readFile(await zip(scenario, component)));
      assert.deepEqual([...files.keys()].sort(), ["bundle.mjs", "resource.enc"]);
      const bundle = files.get("bundle.mjs")?.toString() ?? "";
      const { code } = await transform(bundle, { minifyWhitespace: true, format: "esm" });
      assert.ok(bundle.length < code.length * 1.05, `${bundle.length} against ${code.length}`);
    });
  }

  test(`${scenario}: names are no longer than AWS takes them`, () => {
    const limits = { function: 64, role: 64, schedule: 64, queue: 80, table: 255 } as const;
    for (const [kind, limit] of Object.entries(limits) as [keyof typeof limits, number][]) {
      for (const { inputs } of all(planned, kind)) {
        assert.ok(inputs.name.length <= limit, inputs.name);
        assert.ok(inputs.name.includes(planned.stage), inputs.name);
      }
    }
  });

  test(`${scenario}: everything that bears tags says whose it is`, () => {
    const home = JSON.parse(planned.config["aws:defaultTags"] ?? "{}");
    const elsewhere = all(planned, "provider").map(({ inputs }) => inputs.defaultTags);
    for (const given of [home, ...elsewhere]) {
      const { tags } = typeof given === "string" ? JSON.parse(given) : given;
      assert.equal(tags["sst:app"], "heat-spreader");
      assert.equal(tags["sst:stage"], planned.stage);
      assert.equal(tags.team, scenario === "everything" ? "clouds" : undefined);
    }
  });
}

test("what the settings say of probing reaches every function", () => {
  const names = ["PROBE_INTERVAL", "PROBE_MISSES", "WITNESS_PRIVATE", "CLOUDS"];
  const expected = {
    everything: ["20", "4", "allow", "athens,manchester"],
    production: ["10", "3", "refuse", undefined],
  };
  for (const scenario of ["everything", "production"] as const) {
    for (const { name, inputs } of all(plans[scenario], "function")) {
      const { variables } = inputs.environment;
      assert.deepEqual(
        names.map((each) => variables[each]),
        expected[scenario],
        name,
      );
    }
  }
});

/** What a module exports, without running it. */
async function exportsOf(contents: string): Promise<string[]> {
  const { metafile } = await build({
    stdin: { contents },
    format: "esm",
    metafile: true,
    write: false,
  });
  return Object.values(metafile.outputs).flatMap(({ exports }) => exports);
}
