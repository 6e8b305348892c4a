import assert from "node:assert/strict";
import { after, test } from "node:test";
import { guardedLookup } from "../../lib/openstack/addresses.ts";
import { clientFor, kindOf } from "../support/cloud-client.ts";
import { cloudServer, heatService, PROJECT } from "../support/cloud-server.ts";

const keystone = await cloudServer({ certificate: "server" });
const one = await cloudServer();
const two = await cloudServer();
after(() => Promise.all([keystone, one, two].map((server) => server.close())));

const first = { limit: 1, pages: "first", login: true } as const;
/** Any token will do where only Heat's address is of interest. */
for (const heat of [one, two]) {
  heat.answers("GET /v1/*", ({ response }) => response.end('{"stacks": []}'));
}
const at = (server: { origin: string }) => `${server.origin}/v1/${PROJECT}`;
const endpoint = (server: { origin: string }, changes: object = {}) => ({
  interface: "public",
  region_id: "RegionOne",
  region: "RegionOne",
  url: at(server),
  ...changes,
});
const heat = (...endpoints: object[]) => ({ type: "orchestration", name: "heat", endpoints });

/** One list call through a Keystone with this catalog: where it arrived, or its fault. */
async function route(catalog: object[], changes: object = {}, via = two): Promise<string> {
  via.cloud.catalog = catalog;
  const before = [one.calls.length, two.calls.length];
  const { client, close } = clientFor(via, changes);
  const outcome = await client.listStacks(first);
  await close();
  const arrived = [one, two].find((server, index) =>
    server.calls.slice(before[index]).some(({ path }) => path.startsWith("/v1")),
  );
  if (!outcome.ok) assert.equal(arrived, undefined);
  return outcome.ok ? (arrived === one ? "one" : "two") : kindOf(outcome);
}

test("Heat is found by type, interface and region, in whatever order", async (t) => {
  const others = [
    { type: "identity", name: "keystone", endpoints: [endpoint(two)] },
    { type: "cloudformation", name: "heat-cfn", endpoints: [endpoint(two)] },
    { type: "strange" },
  ];
  const cases: [string, object[], object, string][] = [
    ["among others", [...others, heat(endpoint(one))], {}, "one"],
    ["of two regions", [heat(endpoint(two, { region_id: "RegionTwo" }), endpoint(one))], {}, "one"],
    [
      "of regions that only have the old key",
      [
        heat(
          endpoint(two, { region_id: null, region: "RegionTwo" }),
          endpoint(one, { region_id: null }),
        ),
      ],
      {},
      "one",
    ],
    [
      "public by default",
      [
        heat(
          endpoint(two, { interface: "internal" }),
          endpoint(two, { interface: "admin" }),
          endpoint(one),
        ),
      ],
      {},
      "one",
    ],
    [
      "internal, if so",
      [heat(endpoint(two), endpoint(one, { interface: "internal" }))],
      { interface: "internal" },
      "one",
    ],
    [
      "by the old words",
      [heat(endpoint(two), endpoint(one, { interface: "internal" }))],
      { endpoint_type: "internalURL" },
      "one",
    ],
    [
      "the first of a list that there is",
      [heat(endpoint(two), endpoint(one, { interface: "internal" }))],
      { interface: ["admin", "internal", "public"] },
      "one",
    ],
    [
      "orchestration's own settings first",
      [heat(endpoint(two), endpoint(one, { region_id: "RegionTwo", interface: "internal" }))],
      { orchestration_region_name: "RegionTwo", orchestration_interface: "internal" },
      "one",
    ],
    [
      "by the name of the service",
      [{ ...heat(endpoint(two)), name: "old" }, heat(endpoint(one))],
      { orchestration_service_name: "heat" },
      "one",
    ],
    ["without a region, if there is but one", [heat(endpoint(one))], { region_name: "" }, "one"],
    [
      "without a region, of two",
      [heat(endpoint(one), endpoint(two, { region_id: "RegionTwo" }))],
      { region_name: "" },
      "config no_region unsent",
    ],
    [
      "not in that region",
      [heat(endpoint(one))],
      { region_name: "RegionThree" },
      "credentials no_endpoint unsent",
    ],
    [
      "not of that interface",
      [heat(endpoint(one))],
      { interface: "admin" },
      "credentials no_endpoint unsent",
    ],
    ["no Heat", others, {}, "credentials no_endpoint unsent"],
    ["the override", [], { orchestration_endpoint_override: at(one) }, "one"],
    [
      "the override without its project",
      [],
      { orchestration_endpoint_override: `${one.origin}/v1/` },
      "one",
    ],
    [
      "the override with a place for it",
      [],
      { orchestration_endpoint_override: `${one.origin}/v1/%(project_id)s` },
      "one",
    ],
  ];
  for (const [name, catalog, changes, expected] of cases) {
    await t.test(name, async () => assert.equal(await route(catalog, changes), expected));
  }
});

test("a token never goes where a catalog must not send it", async (t) => {
  const urls = [
    "http://169.254.169.254/v1/x",
    "http://169.254.1.2:8004/v1/x",
    "http://[fe80::1]/v1/x",
    "http://[fd00:ec2::254]/v1/x",
    "http://[::ffff:169.254.169.254]/v1/x",
    "http://[64:ff9b::169.254.169.254]/v1/x",
    "http://[64:ff9b:1::169.254.169.254]/v1/x",
    "http://[fd20:ce::254]/v1/x",
    "http://100.100.100.200/v1/x",
    "http://2852039166/v1/x",
    "http://0xa9.0xfe.0xa9.0xfe/v1/x",
    "http://user:secret@127.0.0.1/v1/x",
    "ftp://127.0.0.1/v1/x",
    "file:///etc/passwd",
    "not an address",
  ];
  for (const url of urls) {
    await t.test(url, async () => {
      assert.equal(await route([heatService(url)]), "config endpoint_refused unsent");
    });
  }
});

test("from a Keystone on https a catalog cannot lead to http, an override can", async () => {
  const open = { verify: false };
  assert.equal(
    await route([heatService(at(one))], open, keystone),
    "config endpoint_downgrade unsent",
  );
  assert.equal(
    await route([], { ...open, orchestration_endpoint_override: at(one) }, keystone),
    "one",
  );
});

test("a name that resolves to a metadata address is not connected to", async () => {
  const found = await new Promise<string | undefined>((resolve) => {
    guardedLookup()("169.254.169.254", { all: true }, (error) => resolve(error?.code));
  });
  assert.equal(found, "METADATA_ADDRESS");
});
