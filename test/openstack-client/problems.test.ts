import assert from "node:assert/strict";
import { test } from "node:test";
import { cloudsProblems } from "../../lib/openstack/problems.ts";

const athens = `
  athens:
    auth_type: v3applicationcredential
    auth:
      auth_url: https://athens.example:5000/v3
      application_credential_id: "17"
      application_credential_secret: hunter2
`;
const manchester = `
  manchester:
    auth:
      auth_url: https://manchester.example:5000/v3
      username: heat
      password: hunter2
      project_name: web
      user_domain_name: Default
      project_domain_name: Default
`;
const twoClouds = `clouds:${athens}${manchester}`;

test("clouds that can be called are no problem", () => {
  assert.deepEqual(cloudsProblems(twoClouds, []), []);
  assert.deepEqual(cloudsProblems(twoClouds, ["manchester"]), []);
});

const faults: [string, string, string[], RegExp][] = [
  ["no YAML", "clouds: [hunter2", [], /^CLOUDS_YAML is not YAML: line 1/],
  ["nothing at all", "", [], /^CLOUDS_YAML is empty/],
  ["no cloud", "clouds: {}", [], /^There is no cloud in clouds\.yaml\.$/],
  ["a cloud that is not there", twoClouds, ["oslo"], /^oslo is not in clouds\.yaml\.$/],
  [
    "no password",
    twoClouds.replace("password: hunter2", ""),
    [],
    /^manchester in clouds\.yaml: .*password/,
  ],
  [
    "no secret of an application credential",
    twoClouds.replace("application_credential_secret: hunter2", ""),
    [],
    /^athens in clouds\.yaml: .*application_credential_secret/,
  ],
  [
    "a certificate in a file, which a function does not have",
    `${twoClouds}    cacert: ${import.meta.filename}\n`,
    [],
    /^manchester in clouds\.yaml: cacert cannot be read/,
  ],
  [
    "a value where a name belongs",
    `${twoClouds}  "{hunter2}": {}\n`,
    [],
    /^A key that is no name in CLOUDS_YAML/,
  ],
];

for (const [name, text, only, says] of faults) {
  test(`says in one sentence: ${name}`, () => {
    const problems = cloudsProblems(text, only);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", says);
    assert.doesNotMatch(problems.join(), /hunter2/);
  });
}
