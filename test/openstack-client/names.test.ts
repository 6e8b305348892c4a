import assert from "node:assert/strict";
import { test } from "node:test";
import { dnsResolve } from "../../lib/openstack/names.ts";
import { type Family, nameServer, type Said } from "../support/name-server.ts";

const four = "192.0.2.1";
const six = "2001:db8::1";

const cases: [what: string, says: Record<Family, Said>, found: string[] | string][] = [
  ["both families are answered", { A: [four], AAAA: [six] }, [four, six]],
  ["there is no IPv6 address", { A: [four], AAAA: [] }, [four]],
  ["IPv6 is not answered", { A: [four], AAAA: "nothing" }, [four]],
  ["IPv4 is not answered", { A: "nothing", AAAA: [six] }, [six]],
  ["there is no address", { A: [], AAAA: [] }, "ENODATA"],
  ["there is no such name", { A: "no such name", AAAA: "no such name" }, "ENOTFOUND"],
  ["nothing is answered", { A: "nothing", AAAA: "nothing" }, "ETIMEOUT"],
  ["one has none, the other is not answered", { A: [], AAAA: "nothing" }, "ETIMEOUT"],
];

for (const [what, says, found] of cases) {
  test(`the addresses of a name, where ${what}`, async (t) => {
    const questions = new Set<Family>();
    const both = Promise.withResolvers<void>();
    const { address, close } = await nameServer(async (family) => {
      if (questions.add(family).size === 2) both.resolve();
      await both.promise;
      return says[family];
    });
    t.after(close);
    // c-ares asks no faster than four times a second: what is answered must be so at once.
    const asked = dnsResolve([address])("a.example", found === "ETIMEOUT" ? 100 : 1000);
    if (typeof found === "string") await assert.rejects(asked, { code: found });
    else assert.deepEqual(await asked, found);
  });
}

test("a family that is not answered is not asked again once the other one is known", async (t) => {
  const questions: Family[] = [];
  const { address, close } = await nameServer((family) => {
    questions.push(family);
    return family === "A" ? [four] : "nothing";
  });
  t.after(close);
  assert.deepEqual(await dnsResolve([address])("a.example", 4000), [four]);
  assert.deepEqual(questions.sort(), ["A", "AAAA"]);
});
