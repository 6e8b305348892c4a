import assert from "node:assert/strict";
import { test } from "node:test";
import { problemIn, testApi } from "../support/api.ts";

const web = { count: 10, count_parameter: "count", weights: { athens: 0.5, oslo: 0.5 } };
const url = "https://athens.example.org/health";

async function api(environment: Record<string, string> = {}) {
  const one = testApi({ environment });
  await one.know({ athens: "reachable", oslo: "reachable" });
  await one.call("PUT", "/v1/stacks/web", { body: web });
  return {
    ...one,
    patch: (witnesses: unknown) =>
      one.call("PATCH", "/v1/stacks/web", { body: { witnesses } as never }),
  };
}

test("witnesses are named, merged, replaced, and removed by null", async () => {
  const { call, patch } = await api();
  const named = await patch({ athens: { url }, oslo: { tcp: "oslo.example.org:443" } });
  const both = { athens: { url, status: 200 }, oslo: { tcp: "oslo.example.org:443" } };
  assert.deepEqual([named.status, named.body.witnesses, named.body.generation], [200, both, 2]);
  const again = await patch({ athens: { url, status: 200 } });
  assert.equal(again.body.generation, 2, "the same one changes nothing");
  const left = await patch({ athens: null });
  assert.deepEqual(left.body.witnesses, { oslo: both.oslo });
  await call("PATCH", "/v1/stacks/web", { body: { count: 11 } });
  const shown = await call("GET", "/v1/stacks/web");
  assert.deepEqual(shown.body.witnesses, { oslo: both.oslo });
  const replaced = await call("PUT", "/v1/stacks/web", { body: web });
  assert.equal(replaced.body.witnesses, undefined, "a PUT replaces all of it");
  const { events } = (await call("GET", "/v1/stacks/web/events")).body;
  const told = events.map(({ message }: { message: string }) => message).join("\n");
  assert.match(told, /witness of athens https:\/\/athens.example.org\/health 200/);
  assert.match(told, /witness of athens .* -> none/);
});

const refused: [what: string, witness: unknown, status: number, pointer: RegExp, says: RegExp][] = [
  [
    "credentials",
    { url: "https://me:hunter2@a.example/" },
    422,
    /athens\/url/,
    /no user and password/,
  ],
  ["another scheme", { url: "ftp://a.example/" }, 422, /athens\/url/, /http or https, not by ftp:/],
  ["no URL", { url: "a.example" }, 422, /athens\/url/, /such as https:/],
  ["a fragment", { url: "http://a.example/#x" }, 422, /athens\/url/, /no fragment/],
  [
    "the metadata service",
    { url: "http://169.254.169.254/latest" },
    422,
    /athens\/url/,
    /never asked/,
  ],
  ["the same, in hex", { url: "http://0xa9fea9fe/" }, 422, /athens\/url/, /never asked/],
  ["the same, mapped", { tcp: "[::ffff:169.254.169.254]:80" }, 422, /athens\/tcp/, /never asked/],
  ["AWS's in IPv6", { url: "http://[fd00:ec2::254]/" }, 422, /athens\/url/, /never asked/],
  ["Alibaba's", { tcp: "100.100.100.200:80" }, 422, /athens\/tcp/, /never asked/],
  ["a link-local address", { tcp: "[fe80::1]:80" }, 422, /athens\/tcp/, /never asked/],
  ["a private address", { url: "http://10.0.0.5/" }, 422, /athens$/, /WITNESS_PRIVATE=allow/],
  ["this machine", { tcp: "127.0.0.1:22" }, 422, /athens$/, /private address/],
  ["this machine by name", { url: "http://localhost:8080/" }, 422, /athens$/, /private address/],
  ["no port", { tcp: "a.example" }, 422, /athens\/tcp/, /host:port/],
  ["port 0", { tcp: "a.example:0" }, 422, /athens\/tcp/, /host:port/],
  ["no status of HTTP", { url, status: 999 }, 422, /athens\/status/, /at most 599|<=599/],
  ["both", { url, tcp: "a.example:1" }, 422, /athens$/, /a witness is/],
  ["neither", {}, 422, /athens$/, /a witness is/],
];

for (const [what, witness, status, pointer, says] of refused) {
  test(`a witness with ${what} is refused with a sentence, and nothing is written`, async () => {
    const { patch, table, lines } = await api();
    const before = await table.query({ pk: "STACK" });
    const problem = problemIn(await patch({ athens: witness }), status, "stack.invalid");
    const [field] = problem.errors ?? [];
    assert.match(field?.pointer ?? "", pointer);
    assert.match(field?.message ?? "", says);
    assert.doesNotMatch(JSON.stringify([problem, lines]), /hunter2/);
    assert.deepEqual(await table.query({ pk: "STACK" }), before);
  });
}

test("a witness for a cloud that nobody knows is refused, and one kept is not asked about again", async () => {
  const { patch, call } = await api();
  const problem = problemIn(await patch({ mars: { url } }), 422, "stack.invalid");
  assert.match(problem.detail, /witnesses\/mars: no such cloud; there are athens, oslo/);
  const put = { body: { ...web, witnesses: { mars: { url } } } };
  problemIn(await call("PUT", "/v1/stacks/other", put), 422, "stack.invalid");
});

test("where private addresses are allowed they are taken, and special ones still are not", async () => {
  const { patch } = await api({ WITNESS_PRIVATE: "allow" });
  assert.equal((await patch({ athens: { url: "http://10.0.0.5/health" } })).status, 200);
  assert.equal((await patch({ oslo: { tcp: "localhost:80" } })).status, 200);
  problemIn(await patch({ athens: { url: "http://169.254.169.254/" } }), 422, "stack.invalid");
});

test("a plan of losing a cloud supposes that its workload is lost, too, and says so", async () => {
  const { call, patch, settle } = await api();
  await patch({ athens: { url } });
  await settle("web", { athens: 5, oslo: 5 });
  const plan = async (more: object) =>
    (await call("POST", "/v1/stacks/web/plan", { body: { lost: ["athens"], ...more } })).body;
  const body = await plan({});
  assert.match(body.assumed, /^It is assumed that the workload in athens is silent, too: while/);
  assert.equal((await plan({ lost: ["oslo"] })).assumed, undefined, "nobody would ask there");
  assert.equal((await plan({ lost: [] })).assumed, undefined);
  assert.equal((await plan({ policy: { evidence: "api" } })).assumed, undefined, "nor so");
  await call("PATCH", "/v1/clouds/athens", { body: { drained: true } });
  assert.equal((await plan({})).assumed, undefined, "it has nothing to keep");
  const to = body.clouds.map((share: { cloud: string; to: number }) => [share.cloud, share.to]);
  assert.deepEqual(to, [
    ["athens", 0],
    ["oslo", 10],
  ]);
});

test("a stack shows what is confirmed, what may run besides, and why", async () => {
  const { call, know, settle } = testApi();
  await know({ athens: "unreachable", oslo: "reachable" });
  await call("PUT", "/v1/stacks/web", { body: web });
  await settle("web", { athens: 5, oslo: 5 });
  const { totals, shares } = (await call("GET", "/v1/stacks/web")).body;
  assert.deepEqual(totals, { desired: 10, in_place: 5, up_to: 10 });
  const [athens, oslo] = shares;
  assert.deepEqual([athens.ledger.in_place, athens.ledger.up_to], [0, 5]);
  assert.match(athens.ledger.reason, /^unreachable since 20/);
  assert.deepEqual(oslo.ledger, { in_place: 5, up_to: 5 });
  const { stacks } = (await call("GET", "/v1/stacks")).body;
  assert.deepEqual(stacks[0].totals, totals);
  const cloud = (await call("GET", "/v1/clouds/athens")).body;
  assert.deepEqual(cloud.shares[0].ledger, athens.ledger, "a cloud shows the same of it");
});
