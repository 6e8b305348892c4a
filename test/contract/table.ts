import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import type { Condition, Item, Table } from "../../lib/table/item.ts";

/** What the stores rely on, whatever table it is. Each test has a partition of its own. */
export function tableContract(open: () => Promise<Table>): void {
  const fresh = async () => ({ table: await open(), pk: `TEST#${randomUUID()}` });

  test("an item comes back as it was put, without what was undefined", async () => {
    const { table, pk } = await fresh();
    const values = {
      text: "grüße 🏛",
      empty: "",
      zero: 0,
      fraction: 0.1,
      tiny: 1e-9,
      large: 2 ** 53 - 1,
      no: false,
      none: null,
      list: [1, "two", { three: [] }],
      map: { constructor: 1, toString: "x", "a.b": { deep: true } },
      emptyMap: {},
    };
    assert.equal(await table.write({ put: { pk, sk: "a", ...values, gone: undefined } }), true);
    assert.deepEqual(await table.get({ pk, sk: "a" }), { pk, sk: "a", ...values });
  });

  test("any JSON object comes back equal", async () => {
    const { table, pk } = await fresh();
    const value = fc.jsonValue({ maxDepth: 3 }).filter(isKept);
    await fc.assert(
      fc.asyncProperty(value, async (any) => {
        await table.write({ put: { pk, sk: "any", any } });
        assert.deepEqual(await table.get({ pk, sk: "any" }), { pk, sk: "any", any });
      }),
      { numRuns: 50 },
    );
  });

  test("what JSON does not have is refused, and nothing is written", async () => {
    const { table, pk } = await fresh();
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1n, () => 1]) {
      await assert.rejects(table.write({ put: { pk, sk: "bad", value } }), TypeError);
    }
    assert.equal(await table.get({ pk, sk: "bad" }), undefined);
  });

  test("a missing item is undefined, and left out of many", async () => {
    const { table, pk } = await fresh();
    await table.write({ put: { pk, sk: "a" } });
    assert.equal(await table.get({ pk, sk: "b" }), undefined);
    const keys = ["b", "a", "a", "c"].map((sk) => ({ pk, sk }));
    assert.deepEqual(await table.getMany(keys), [{ pk, sk: "a" }]);
    assert.deepEqual(await table.getMany([]), []);
  });

  test("more than a batch of items is read in one call", async () => {
    const { table, pk } = await fresh();
    const keys = Array.from({ length: 250 }, (_, i) => ({ pk, sk: `s${i}` }));
    await Promise.all(keys.map((key) => table.write({ put: { ...key, long: "x".repeat(500) } })));
    assert.equal((await table.getMany(keys)).length, 250);
  });

  const written: Item = { pk: "", sk: "a", version: 3, read_at: "2026-01-02", push: { id: "p1" } };
  const conditions: [string, Condition, boolean][] = [
    ["exists", { exists: true }, true],
    ["does not exist", { exists: false }, false],
    ["a number is equal", { equals: { version: 3 } }, true],
    ["a number differs", { equals: { version: 4 } }, false],
    ["a text is not a number", { equals: { version: "3" } }, false],
    ["a nested path is equal", { equals: { "push.id": "p1" } }, true],
    ["a nested path differs", { equals: { "push.id": "p2" } }, false],
    ["a nested path should be absent", { equals: { "push.id": undefined } }, false],
    ["an attribute is absent", { equals: { other: undefined } }, true],
    ["a path into nothing is absent", { equals: { "other.id": undefined } }, true],
    ["all of several hold", { equals: { version: 3, "push.id": "p1", x: undefined } }, true],
    ["one of several does not", { equals: { version: 3, "push.id": undefined } }, false],
    ["lacks what a tombstone has", { absentOrHas: "deleted_at" }, false],
    ["has what a tombstone has", { absentOrHas: "read_at" }, true],
  ];
  for (const [name, when, isMet] of conditions) {
    test(`condition on an item: ${name}`, async () => {
      const { table, pk } = await fresh();
      const key = { pk, sk: "a" };
      const before = { ...written, pk };
      for (const write of [
        { put: { ...key, new: true }, when },
        { update: key, set: { new: true }, when },
        { remove: key, when },
      ]) {
        await table.write({ put: before });
        assert.equal(await table.write(write), isMet);
        const after = await table.get(key);
        if (isMet) assert.notDeepEqual(after, before);
        else assert.deepEqual(after, before);
      }
      await table.write({ put: before });
      assert.equal(await table.write({ check: key, when }), isMet);
      assert.equal(await table.transact([{ check: key, when }]), isMet);
    });
  }

  const onNothing: [string, Condition, boolean][] = [
    ["exists", { exists: true }, false],
    ["does not exist", { exists: false }, true],
    ["equal", { equals: { version: 3 } }, false],
    ["absent", { equals: { "push.id": undefined } }, true],
    ["gone or a tombstone", { absentOrHas: "deleted_at" }, true],
  ];
  for (const [name, when, isMet] of onNothing) {
    test(`condition without an item: ${name}`, async () => {
      const { table, pk } = await fresh();
      assert.equal(await table.write({ put: { pk, sk: "a" }, when }), isMet);
      assert.equal(await table.write({ update: { pk, sk: "b" }, set: { x: 1 }, when }), isMet);
      assert.equal(await table.transact([{ check: { pk, sk: "c" }, when }]), isMet);
      const there = isMet ? ["a", "b"] : [];
      assert.deepEqual(
        (await table.query({ pk })).map(({ sk }) => sk),
        there,
      );
    });
  }

  test("an update sets, removes and reaches into maps, and leaves the rest", async () => {
    const { table, pk } = await fresh();
    const key = { pk, sk: "a" };
    await table.write({ put: { ...key, keep: 1, drop: 2, push: { id: "p", count: 3 } } });
    const set = { drop: undefined, never: undefined, fresh: "x", "push.answered": { at: "now" } };
    assert.equal(await table.write({ update: key, set }), true);
    const push = { id: "p", count: 3, answered: { at: "now" } };
    assert.deepEqual(await table.get(key), { ...key, keep: 1, fresh: "x", push });
    await table.write({ update: key, set: { push: undefined, status: "reserved word" } });
    assert.deepEqual(await table.get(key), {
      ...key,
      keep: 1,
      fresh: "x",
      status: "reserved word",
    });
  });

  test("removing what is not there is no failure", async () => {
    const { table, pk } = await fresh();
    assert.equal(await table.write({ remove: { pk, sk: "a" } }), true);
  });

  test("a query is in order of bytes, either way, from any point, to any length", async () => {
    const { table, pk } = await fresh();
    const names = ["A", "B", "a", "a.b", "a_b", "b", "ü", "🏛"];
    const all = names.map((name) => `EVENT#${name}`);
    const others = ["EVENT", "EVENU#a", "SHARE#a", "WAKE"];
    await Promise.all([...all, ...others].map((sk) => table.write({ put: { pk, sk } })));
    const found = async (query: object) =>
      (await table.query({ pk, ...query })).map(({ sk }) => sk);
    const prefix = "EVENT#";
    const reversed = all.toReversed();
    assert.deepEqual(await found({}), ["EVENT", ...all, ...others.slice(1)]);
    assert.deepEqual(await found({ prefix }), all);
    assert.deepEqual(await found({ prefix, descending: true }), reversed);
    assert.deepEqual(await found({ prefix, limit: 3 }), all.slice(0, 3));
    assert.deepEqual(await found({ prefix, limit: 3, descending: true }), reversed.slice(0, 3));
    for (const [i, after] of all.entries()) {
      const rest = all.slice(i + 1);
      assert.deepEqual(await found({ prefix, after }), rest);
      assert.deepEqual(await found({ prefix, after, limit: 2 }), rest.slice(0, 2));
      const before = all.slice(0, i).toReversed();
      assert.deepEqual(await found({ prefix, after, descending: true }), before);
      const some = { prefix, after, descending: true, limit: 2 };
      assert.deepEqual(await found(some), before.slice(0, 2));
    }
    assert.deepEqual(
      await found({ prefix, after: "EVENT#aa" }),
      all.slice(5).filter((n) => n > "EVENT#aa"),
    );
    assert.deepEqual(await found({ prefix, after: "A" }), all);
    assert.deepEqual(await found({ prefix, after: "Z" }), []);
    assert.deepEqual(await found({ prefix, after: "A", descending: true }), []);
    assert.deepEqual(await found({ prefix, after: "Z", descending: true }), reversed);
    assert.deepEqual(await found({ after: "EVENU#a" }), ["SHARE#a", "WAKE"]);
    assert.deepEqual(await found({ after: "EVENT#A", descending: true }), ["EVENT"]);
    assert.deepEqual(await found({ limit: 0 }), []);
  });

  test("a query gives everything, however many pages that takes", async () => {
    const { table, pk } = await fresh();
    const text = "x".repeat(100_000);
    const keys = Array.from({ length: 25 }, (_, i) => ({
      pk,
      sk: `s${String(i).padStart(2, "0")}`,
    }));
    await Promise.all(keys.map((key) => table.write({ put: { ...key, text } })));
    assert.equal((await table.query({ pk })).length, 25);
    assert.equal((await table.query({ pk, limit: 20 })).length, 20);
    assert.equal((await table.query({ pk, after: "s04", limit: 15 })).length, 15);
  });

  test("the index finds events by day, newest first", async () => {
    const { table, pk } = await fresh();
    const day = `9${Math.random()}`;
    const put = (sk: string, on: string | undefined) =>
      table.write({ put: { pk, sk, ...(on === undefined ? {} : { day: on }) } });
    await Promise.all([put("EVENT#1", day), put("EVENT#2", day), put("EVENT#3", `${day}1`)]);
    await Promise.all([put("EVENT#4", undefined), put("EVENT#0", day)]);
    const find = async () =>
      (await table.query({ pk: day, index: true, descending: true })).map(({ sk }) => sk);
    // Eventually consistent.
    for (let i = 0; i < 50 && (await find()).length < 3; i++) await wait(100);
    assert.deepEqual(await find(), ["EVENT#2", "EVENT#1", "EVENT#0"]);
  });

  test("a transaction writes all or nothing", async () => {
    const { table, pk } = await fresh();
    await table.write({ put: { pk, sk: "check", uid: "u" } });
    await table.write({ put: { pk, sk: "old" } });
    const writes = (uid: string) => [
      { put: { pk, sk: "put" }, when: { exists: false } },
      { update: { pk, sk: "update" }, set: { n: 1 } },
      { remove: { pk, sk: "old" }, when: { exists: true } },
      { check: { pk, sk: "check" }, when: { equals: { uid } } },
    ];
    const names = async () => (await table.query({ pk })).map(({ sk }) => sk);
    assert.equal(await table.transact(writes("other")), false);
    assert.deepEqual(await names(), ["check", "old"]);
    assert.equal(await table.transact(writes("u")), true);
    assert.deepEqual(await names(), ["check", "put", "update"]);
    assert.equal(await table.transact([]), true);
  });

  test("a transaction takes a hundred items", async () => {
    const { table, pk } = await fresh();
    const puts = Array.from({ length: 100 }, (_, i) => ({ put: { pk, sk: `s${i}` } }));
    assert.equal(await table.transact(puts), true);
    assert.equal((await table.query({ pk })).length, 100);
  });

  test("what is no lost race throws", async () => {
    const { table, pk } = await fresh();
    const put = { put: { pk, sk: "twice" } };
    await assert.rejects(table.transact([put, put]));
    await assert.rejects(
      table.transact(Array.from({ length: 101 }, (_, i) => ({ put: { pk, sk: `s${i}` } }))),
    );
    await assert.rejects(table.write({ update: put.put, set: { "no.map": 1 } }));
    assert.deepEqual(await table.query({ pk }), []);
  });

  test("of many who count on one version, one wins each round", async () => {
    const { table, pk } = await fresh();
    const key = { pk, sk: "STATUS" };
    await table.write({ put: { ...key, version: 0 } });
    for (let version = 0; version < 5; version++) {
      const when = { equals: { version } };
      const tries = Array.from({ length: 8 }, (_, lane) => {
        const put = { put: { ...key, version: version + 1, lane }, when };
        return lane % 2 === 0
          ? table.write(put)
          : table.transact([put, { put: { pk, sk: `${lane}` } }]);
      });
      const wins = (await Promise.all(tries)).filter((won) => won);
      // Two transactions may be in each other's way, and then neither wins.
      assert.ok(wins.length <= 1);
      if (wins.length === 0) await table.write({ put: { ...key, version: version + 1 }, when });
      assert.equal((await table.get(key))?.version, version + 1);
    }
  });
}

/** Without -0, which JSON turns into 0, numbers beyond DynamoDB's 1e-130 to 1e125, and `__proto__`. */
function isKept(value: unknown): boolean {
  if (typeof value === "number") {
    return value === 0 ? !Object.is(value, -0) : Math.abs(Math.log10(Math.abs(value))) < 120;
  }
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([key, each]) => key !== "__proto__" && isKept(each));
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
