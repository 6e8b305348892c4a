import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type AddressKind, addressKind } from "../../lib/cloud/address.ts";
import { isMetadataAddress } from "../../lib/openstack/addresses.ts";

const kinds: [AddressKind | undefined, string[]][] = [
  ["public", ["192.0.2.1", "2001:db8::1", "64:ff9b::192.0.2.1", "2002:c000:201::1", "[2600::1]"]],
  ["private", ["10.1.2.3", "127.0.0.1", "192.168.0.1", "100.64.0.1", "::1", "fd12:3456::1"]],
  ["private", ["::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::192.0.2.1", "64:ff9b:1:2::1"]],
  ["never", ["169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16"]],
  ["never", ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "fe80::1%eth0", "ff02::1"]],
  // What AWS, Google, Scaleway, Akamai, Alibaba and Oracle have amid private addresses.
  ["never", ["fd00:ec2::254", "fd00:ec2::23", "fd00:ec2::253", "fd00:ec2:ffff::1"]],
  ["never", ["fd20:ce::254", "fd00:42::42", "fd00:a9fe:a9fe::1"]],
  ["never", ["fd00:100::100:200", "fd00:c1::a9fe:a9fe"]],
  // 169.254.169.254 in a network's own NAT64: prefixes of 48, 56, 64 and 96 bits.
  ["never", ["64:ff9b:1:a9fe:a9:fe00::", "64:ff9b:1:a9:fe:a9fe::"]],
  ["never", ["64:ff9b:1:0:a9:fea9:fe00:0", "64:ff9b:1::a9fe:a9fe"]],
  ["never", ["64:ff9b:1:abcd:ef01:2345:168.63.129.16"]],
  [undefined, ["athens.example.org", "1.2.3", "1.2.3.256", "1::2::3", "12345::", ""]],
];

for (const [kind, addresses] of kinds) {
  for (const address of addresses) {
    test(`${address || "nothing"} is ${kind ?? "no address"}, to clouds and witnesses alike`, () => {
      assert.equal(addressKind(address), kind);
      assert.equal(isMetadataAddress(address), kind === "never");
    });
  }
}

test("an address with an IPv4 one in it is no better than that", () => {
  const forms = ["::ffff:", "::", "::ffff:0:", "64:ff9b::", "64:ff9b:1::"];
  const special = fc.constantFrom("169.254.169.254", "100.100.100.200", "168.63.129.16");
  fc.assert(
    fc.property(special, fc.constantFrom(...forms), (address, form) => {
      assert.equal(addressKind(form + address), "never");
      assert.equal(addressKind(new URL(`http://[${form}${address}]/`).hostname), "never");
    }),
  );
});

test("every address has a kind", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
      assert.notEqual(addressKind(address), undefined, address);
    }),
  );
});
