import assert from "node:assert/strict";
import { test } from "node:test";
import { checked, type Settings } from "../../infra/check.ts";
import { settings } from "../../infra/settings.ts";
import type { Plan } from "./engine/planned.ts";
import { setting } from "./everything.ts";
import { deploy } from "./plan.ts";

const stages: [name: string, stage: string][] = [
  ["capitals", "Production"],
  ["an underscore", "my_stage"],
  ["a first digit", "1st"],
  ["nothing", ""],
  ["more than 20 letters", "a".repeat(21)],
];
for (const [name, stage] of stages) {
  test(`a stage's name with ${name} is refused, and named`, () => {
    assert.throws(() => checked(settings, stage), {
      message: new RegExp(`^The stage "${stage}" cannot be part of a name in AWS: take .*\\.$`),
    });
  });
}

const certificate = "arn:aws:acm:us-east-1:123456789012:certificate/0b1c";
const oidc = { issuer: "https://login.example.com/", audiences: ["a"], roleClaim: "role" };
const network = { privateSubnets: ["subnet-0a"], securityGroups: ["sg-0a"] };
const refused: [name: string, change: Record<string, unknown>, at: string][] = [
  ["an unknown region", { region: "eu-west-9" }, "region"],
  ["no region", { region: undefined }, "region"],
  ["an interval of half a minute and more", { probeInterval: 31 }, "probeInterval"],
  ["no interval", { probeInterval: 0 }, "probeInterval"],
  ["an interval in words", { probeInterval: "10" }, "probeInterval"],
  ["one miss that counts", { misses: 1 }, "misses"],
  ["more misses than are counted", { misses: 11 }, "misses"],
  ["half a miss", { misses: 2.5 }, "misses"],
  ["witnesses somewhere", { privateWitnesses: true }, "privateWitnesses"],
  ["a webhook without TLS", { webhook: { url: "http://a.example" } }, "webhook.url"],
  ["a webhook with a password", { webhook: { url: "https://a:b@a.example" } }, "webhook.url"],
  [
    "a header that is none",
    { webhook: { url: "https://a.example", header: "x key" } },
    "webhook.header",
  ],
  ["a token in the settings", { webhook: { url: "https://a.example", token: "a" } }, "webhook"],
  ["a cloud's name that clouds.yaml could not have", { clouds: ["a b"] }, "clouds.0"],
  ["a vantage in no region", { vantages: ["moon-1"] }, "vantages.0"],
  ["a vantage at home", { vantages: [settings.region] }, "vantages"],
  ["a vantage twice", { vantages: ["us-east-1", "us-east-1"] }, "vantages"],
  ["a vantage with subnets of one region", { vantages: ["us-east-1"], network }, "vantages"],
  ["an address that is none", { alarmEmail: "operator" }, "alarmEmail"],
  [
    "a domain with a scheme",
    { domains: { dev: { name: "https://a.example" } } },
    "domains.dev.name",
  ],
  [
    "a certificate of another region",
    { domains: { dev: { name: "a.example", certificate } } },
    "domains.dev.certificate",
  ],
  ["an issuer without TLS", { oidc: { ...oidc, issuer: "http://login" } }, "oidc.issuer"],
  ["an issuer for nobody", { oidc: { ...oidc, audiences: [] } }, "oidc.audiences"],
  ["an API that takes nothing", { throttling: { rate: 0, burst: 1 } }, "throttling.rate"],
  ["a network that is none", { network: "intranet" }, "network"],
  ["a subnet that is none", { network: { ...network, privateSubnets: ["10.0.0.0/8"] } }, "network"],
  ["a tag of AWS's own", { tags: { "aws:team": "clouds" } }, "tags"],
];
for (const [name, change, at] of refused) {
  test(`${name} is refused in one sentence that names the setting`, () => {
    const wrong = { ...settings, ...change } as Settings;
    const failed = failureOf(() => checked(wrong, "dev"));
    assert.ok(!failed.message.includes("\n"), failed.message);
    assert.match(failed.message, /^In infra\/settings\.ts, [\w.:-]+: [a-z].*\.$/i);
    assert.ok(failed.message.startsWith(`In infra/settings.ts, ${at}`), failed.message);
  });
}

test("a setting that does not exist is refused by name", () => {
  const wrong = { ...settings, vantage: ["us-east-1"] } as Settings;
  assert.match(failureOf(() => checked(wrong, "dev")).message, /vantage/);
});

test("everything that is wrong is said at once", () => {
  const wrong = { ...settings, region: "nowhere", probeInterval: 99 } as unknown as Settings;
  const { message } = failureOf(() => checked(wrong, "My Stage"));
  for (const part of ["My Stage", "region", "probeInterval"]) assert.ok(message.includes(part));
});

test("the settings as they are committed are right for every stage that the suite deploys", () => {
  for (const stage of ["production", "dev"])
    assert.equal(checked(settings, stage).region, settings.region);
});

test("sst deploy stops at a wrong setting and a wrong stage, and says so before anything is made", async () => {
  const changes = [setting("probeInterval: 10", "probeInterval: 90")];
  const { code, printed, plan } = await deploy("wrong-setting", { stage: "Feature-X", changes });
  assert.notEqual(code, 0);
  assert.match(printed, /The stage "Feature-X" cannot be part of a name in AWS: take /);
  assert.match(printed, /In infra\/settings\.ts, probeInterval: take 30 seconds or less/);
  assert.doesNotMatch(printed, /^ +at /m);
  assert.deepEqual(made(plan), []);
});

test("sst deploy stops at a region that is none, and asks no other", async () => {
  const changes = [setting('region: "eu-west-1"', 'region: "eu-west-9"')];
  const { code, printed, plan } = await deploy("wrong-region", { stage: "dev", changes });
  assert.notEqual(code, 0);
  assert.match(printed, /In infra\/settings\.ts, region: take a region of AWS/);
  assert.doesNotMatch(printed, /^ +at /m);
  assert.deepEqual(made(plan), []);
});

function made(plan: Plan | undefined): string[] {
  return (plan?.resources ?? []).filter(({ custom }) => custom).map(({ name }) => name);
}

function failureOf(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  return assert.fail("it was taken");
}
