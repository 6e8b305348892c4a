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
  assert.match(told, /witness of athens https:\/\/athens.example.org\/health for 200/);
  assert.match(told, /witness of athens .* -> none/);
});

const asAsked: [written: object, asked: object][] = [
  [{ url: "http://h.example" }, { url: "http://h.example/", status: 200 }],
  [{ url: "HTTPS://H.example:443/A%20b" }, { url: "https://h.example/A%20b", status: 200 }],
  [
    { url: "http://h.example\\@other.example/" },
    { url: "http://h.example/@other.example/", status: 200 },
  ],
  [{ url: "http://１９８.51.100.1/" }, { url: "http://198.51.100.1/", status: 200 }],
  [{ tcp: "H.example:0443" }, { tcp: "h.example:443" }],
  [{ tcp: "[2001:DB8:0::1]:443" }, { tcp: "[2001:db8::1]:443" }],
  [{ tcp: "１９８.51.100.1:80" }, { tcp: "198.51.100.1:80" }],
];

for (const [written, asked] of asAsked) {
  test(`a witness is kept and shown as it is asked: ${JSON.stringify(written)}`, async () => {
    const { call, patch } = await api();
    const named = await patch({ athens: written });
    assert.deepEqual(named.body.witnesses, { athens: asked });
    const { generation } = named.body;
    assert.equal((await patch({ athens: written })).body.generation, generation);
    assert.equal((await patch({ athens: asked })).body.generation, generation);
    const body = { ...web, witnesses: { athens: written } };
    assert.equal((await call("PUT", "/v1/stacks/web", { body })).body.generation, generation);
  });
}

test("a stack whose witness was taken before the rules became what they are can be read and changed", async () => {
  const { call, patch, table } = await api();
  await patch({ athens: { url }, oslo: { tcp: "oslo.example.org:443" } });
  const [stack] = await table.query({ pk: "STACK" });
  assert.ok(stack);
  const witnesses = { athens: { url: "http://h.example", status: 101 }, oslo: { tcp: "o:0" } };
  await table.write({ put: { ...stack, witnesses } });
  const { body } = await call("PATCH", "/v1/stacks/web", { body: { count: 11 } });
  const kept = { athens: { url: "http://h.example/", status: 101 }, oslo: { tcp: "o:0" } };
  assert.deepEqual([body.count, body.witnesses], [11, kept]);
  problemIn(await patch({ oslo: { tcp: "o:0" } }), 422, "stack.invalid");
});

test("a witness needs a weight, and goes with it", async () => {
  const { call, know, patch } = await api();
  await know({ lisbon: "reachable" });
  const says = /witnesses\/lisbon: lisbon has no weight in this stack.*give it a weight first/;
  assert.match(problemIn(await patch({ lisbon: { url } }), 422, "stack.invalid").detail, says);
  const put = { body: { ...web, witnesses: { lisbon: { url } } } };
  const problem = problemIn(await call("PUT", "/v1/stacks/web", put), 422, "stack.invalid");
  assert.match(problem.detail, says);
  assert.equal(problem.errors?.[0]?.pointer, "/witnesses/lisbon");
  const both = { weights: { lisbon: 0 }, witnesses: { lisbon: { url }, athens: { url } } };
  const named = await call("PATCH", "/v1/stacks/web", { body: both });
  assert.deepEqual(Object.keys(named.body.witnesses).sort(), ["athens", "lisbon"]);

  const contrary = { weights: { lisbon: null }, witnesses: { lisbon: { url } } };
  problemIn(await call("PATCH", "/v1/stacks/web", { body: contrary }), 422, "stack.invalid");
  const left = await call("DELETE", "/v1/stacks/web/weights/lisbon");
  assert.deepEqual(Object.keys(left.body.witnesses), ["athens"]);
  const none = await call("PATCH", "/v1/stacks/web", { body: { weights: { athens: null } } });
  assert.deepEqual([none.status, none.body.witnesses], [200, undefined]);
  const { events } = (await call("GET", "/v1/stacks/web/events")).body;
  const told = events.map(({ message }: { message: string }) => message);
  assert.match(told[1], /lisbon 0 -> no weight, witness of lisbon \S+ for 200 -> none$/);
  assert.match(told[0], /athens 0.5 -> no weight, witness of athens \S+ for 200 -> none$/);
});

test("a cloud's witness goes with its weight through the original's path, too", async () => {
  const { call, patch } = await api();
  await patch({ athens: { url }, oslo: { url } });
  const body = { stack_name: "web", count: 10, count_parameter: "count", weights: { oslo: 1 } };
  assert.equal((await call("PUT", "/multicloudstack/web", { body })).status, 200);
  const shown = await call("GET", "/v1/stacks/web");
  assert.deepEqual(Object.keys(shown.body.witnesses), ["oslo"]);
});

test("an event says that a query changed, and never what it is", async () => {
  const { call, patch } = await api();
  await patch({ athens: { url: `${url}?key=hunter2` } });
  await patch({ athens: { url: `${url}?key=hunter3` } });
  await patch({ athens: { url: `${url}?key=hunter3`, status: 204 } });
  const { events } = (await call("GET", "/v1/stacks/web/events")).body;
  assert.doesNotMatch(JSON.stringify(events), /hunter|key/);
  const told = events.map(({ message }: { message: string }) => message);
  assert.match(told[1], /^web was declared: witness of athens changed \(its query\)$/);
  assert.match(told[0], /witness of athens (\S+) for 200 -> \1 for 204$/);
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
  ["port 0 of a URL", { url: "http://a.example:0/" }, 422, /athens\/url/, /port from 1 to 65535/],
  ["a blank before it", { url: ` ${url}` }, 422, /athens\/url/, /no blanks/],
  ["a blank in it", { url: `${url}/a b` }, 422, /athens\/url/, /no blanks.*%20/],
  ["a line break", { url: "https://a.exa\nmple/" }, 422, /athens\/url/, /no control characters/],
  ["a control character", { url: `${url}\u0001` }, 422, /athens\/url/, /no control characters/],
  ["a long URL, as asked", { url: `${url}/${"ü".repeat(400)}` }, 422, /athens\/url/, /2000 char/],
  ["a blank after it", { tcp: "a.example:80 " }, 422, /athens\/tcp/, /no blanks/],
  ["a backslash", { tcp: "a.example\\b:80" }, 422, /athens\/tcp/, /host:port/],
  ["no port", { tcp: "a.example" }, 422, /athens\/tcp/, /host:port/],
  ["port 0", { tcp: "a.example:0" }, 422, /athens\/tcp/, /from 1 to 65535/],
  ["a port too high", { tcp: "a.example:99999" }, 422, /athens\/tcp/, /from 1 to 65535/],
  ["a status too high", { url, status: 999 }, 422, /athens\/status/, /is 200 to 599/],
  ["a 1xx", { url, status: 101 }, 422, /athens\/status/, /200 to 599: a 1xx is never the last/],
  [
    "a status in words",
    { url, status: "200" },
    422,
    /athens$/,
    /status is a whole .* not a string/,
  ],
  ["a broken status", { url, status: 200.5 }, 422, /athens$/, /status is a whole .* not 200.5/],
  ["a number for a URL", { url: 80 }, 422, /athens$/, /url is a string, such as .*, not a number/],
  ["no address", { tcp: null }, 422, /athens$/, /tcp is a string, such as .*, not null/],
  ["both", { url, tcp: "a.example:1" }, 422, /athens$/, /not both: leave one of them out/],
  ["a list", [], 422, /athens$/, /a witness is .*, not an array/],
  ["a word", "http://a.example/", 422, /athens$/, /a witness is .*, not a string/],
  [
    "what it does not have",
    { tcp: "a.example:1", status: 200 },
    400,
    /athens\/status/,
    /does not belong here: .* or a tcp alone/,
  ],
  ["neither", {}, 422, /athens$/, /a witness is/],
];

for (const [what, witness, status, pointer, says] of refused) {
  test(`a witness with ${what} is refused with a sentence, and nothing is written`, async () => {
    const { patch, table, lines } = await api();
    const before = await table.query({ pk: "STACK" });
    const code = status === 400 ? "request.invalid" : "stack.invalid";
    const problem = problemIn(await patch({ athens: witness }), status, code);
    const [field] = problem.errors ?? [];
    assert.match(field?.pointer ?? "", pointer);
    assert.match(field?.message ?? "", says);
    assert.doesNotMatch(JSON.stringify([problem, lines]), /hunter2/);
    assert.deepEqual(await table.query({ pk: "STACK" }), before);
  });
}

test("null removes a witness that there is; where one must be it is refused with what to write", async () => {
  const { call, patch } = await api();
  const put = { body: { ...web, witnesses: { athens: null } } };
  const [field] =
    problemIn(await call("PUT", "/v1/stacks/web", put), 422, "stack.invalid").errors ?? [];
  assert.match(field?.message ?? "", /^a witness is .*, not null$/);
  const [all] = problemIn(await patch(null), 400, "request.invalid").errors ?? [];
  assert.equal(all?.message, "must be an object, not null");
});

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
