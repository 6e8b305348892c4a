import assert from "node:assert/strict";
import { test } from "node:test";
import { lastTelling, transportFault } from "../../lib/openstack/faults.ts";

const where = "GET https://athens.example/v1";

/** As Node makes it of what the system says. */
function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code, errno: -1, syscall: "connect" });
}

function classOf(error: unknown): string {
  const { class: of, code } = transportFault(where, { error, sent: false });
  return `${of} ${code}`;
}

test("whatever an ICMP message says is unreachable is the network's silence", () => {
  // Linux's net/ipv4/icmp.c, icmp_err_convert.
  const codes = [
    "ENETUNREACH",
    "EHOSTUNREACH",
    "ENOPROTOOPT",
    "ENOTSUP",
    "EOPNOTSUPP",
    "EHOSTDOWN",
  ];
  for (const code of [...codes, "ENONET", "EACCES"]) {
    assert.equal(classOf(systemError(code)), "path no_route", code);
  }
  assert.equal(classOf(systemError("ECONNREFUSED")), "path refused");
});

test("what this machine cannot do says nothing of the cloud, and is no bug", () => {
  for (const code of ["EMFILE", "EAFNOSUPPORT", "EUNHEARDOF"]) {
    assert.equal(classOf(systemError(code)), "answer local_limit", code);
  }
  assert.equal(
    classOf(new Error("fetch failed", { cause: systemError("EUNHEARDOF") })),
    "answer local_limit",
  );
});

test("what is no word of the system's is a bug, and is thrown", () => {
  for (const bug of [
    new TypeError("a bug"),
    Object.assign(new Error("a bug"), { code: "EWHAT" }),
  ]) {
    assert.throws(() => classOf(bug), bug);
  }
});

test("a certificate that nobody signed comes with what to do about it", () => {
  const error = Object.assign(new Error(), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  assert.match(transportFault(where, { error, sent: false }).message, /self-signed: set cacert\.$/);
  const caRemedy = "ask another URL";
  assert.match(
    transportFault(where, { error, sent: false, caRemedy }).message,
    /self-signed: ask another URL\.$/,
  );
});

test("an address that cannot be tried from here takes nothing from what another one came to", () => {
  const [refused, noIpv6] = [systemError("ECONNREFUSED"), systemError("EAFNOSUPPORT")].map(
    (error) => transportFault(where, { error, sent: false }),
  );
  assert.ok(refused && noIpv6);
  assert.equal(lastTelling([refused, noIpv6]), refused);
  assert.equal(lastTelling([noIpv6, refused]), refused);
  assert.equal(lastTelling([noIpv6]), noIpv6);
  assert.equal(lastTelling([]), undefined);
});
