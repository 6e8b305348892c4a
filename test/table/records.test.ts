import assert from "node:assert/strict";
import { test } from "node:test";
import type { DynamoDBRecord } from "aws-lambda";
import { eventSourcePatterns } from "../../lib/table/definition.ts";
import { marshalMap } from "../../lib/table/marshal.ts";
import { passesFilter, type Subject, subjectOf } from "../../lib/table/records.ts";

const event = {
  id: "01K0000000000000000000000A",
  at: "2026-05-10T12:00:00.000Z",
  type: "stack.declared",
  stack_name: "web",
  message: "m",
  changes: [{ cloud: "athens", from: 1, to: 2 }],
  cause: "c",
};
const longest = `a${"b".repeat(254)}`;

const items: [string, string, boolean, unknown][] = [
  ["STACK", "web", true, { stack: "web" }],
  ["STACK", "constructor", true, { stack: "constructor" }],
  ["STACK", longest, true, { stack: longest }],
  ["STACK", "STACK", true, { stack: "STACK" }],
  ["STACK#web", "WAKE", true, { stack: "web" }],
  ["STACK#web", "SHARE#athens", false, undefined],
  ["STACK#web", "SHARE#WAKE", false, undefined],
  ["STACK#web", "EVENT#01", true, { event }],
  ["STATUS", "web", false, undefined],
  ["VERDICT", "athens", true, { cloud: "athens" }],
  ["VERDICT", "WAKE", true, { cloud: "WAKE" }],
  ["CLOUD", "athens", true, { cloud: "athens" }],
  ["CLOUD#athens", "SEEN#web", true, { stack: "web" }],
  ["CLOUD#athens", "WITNESS#web", true, { stack: "web" }],
  ["CLOUD#athens", "VOTE#home", false, undefined],
  ["CLOUD#athens", "EVENT#01", true, { event }],
  ["VANTAGE#office", "EVENT#01", true, { event }],
  ["VANTAGE", "home", false, undefined],
  ["STACK", "not a name", true, undefined],
  ["OTHER", "thing", false, undefined],
];

function recordOf(pk: string, sk: string, eventName: "INSERT" | "MODIFY" | "REMOVE") {
  const image = eventName === "REMOVE" ? {} : { NewImage: marshalMap({ ...event, pk, sk }) };
  const record = { eventName, dynamodb: { Keys: marshalMap({ pk, sk }), ...image } };
  return record as DynamoDBRecord; // Lambda's type is a looser spelling of the same attributes
}

for (const [pk, sk, passes, subject] of items) {
  test(`a record of ${pk} / ${sk.slice(0, 20)} ${passes ? "passes" : "is filtered out"} and names its subject`, () => {
    assert.equal(passesFilter({ pk, sk }), passes);
    assert.equal(passesByPattern({ pk, sk }), passes, "AWS's pattern says the same");
    assert.deepEqual(subjectOf(recordOf(pk, sk, "INSERT")), subject as Subject | undefined);
    // A fact is announced when it comes; a name stands for whatever happened to its item.
    const later = sk.startsWith("EVENT#") ? undefined : subject;
    for (const change of ["MODIFY", "REMOVE"] as const) {
      assert.deepEqual(subjectOf(recordOf(pk, sk, change)), later);
    }
  });
}

test("a record without keys names nothing", () => {
  assert.equal(subjectOf({}), undefined);
  assert.equal(
    subjectOf({ eventName: "INSERT", dynamodb: { Keys: { pk: { S: "STACK" } } } }),
    undefined,
  );
});

test("the event source takes the four patterns", () => {
  assert.deepEqual(eventSourcePatterns(), [
    '{"dynamodb":{"Keys":{"pk":{"S":["STACK","CLOUD","VERDICT"]}}}}',
    '{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"STACK#"}]},"sk":{"S":["WAKE"]}}}}',
    '{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"CLOUD#"}]},"sk":{"S":[{"prefix":"SEEN#"},{"prefix":"WITNESS#"}]}}}}',
    '{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"STACK#"},{"prefix":"CLOUD#"},{"prefix":"VANTAGE#"}]},"sk":{"S":[{"prefix":"EVENT#"}]}}}}',
  ]);
});

/** Lambda's pattern language, as far as the patterns use it. */
function passesByPattern(keys: { pk: string; sk: string }): boolean {
  return eventSourcePatterns().some((text) => {
    const pattern: Record<"pk" | "sk", { S: (string | { prefix: string })[] } | undefined> =
      JSON.parse(text).dynamodb.Keys;
    return (["pk", "sk"] as const).every((key) => {
      const match = pattern[key]?.S;
      if (match === undefined) return true;
      return match.some((one) =>
        typeof one === "string" ? one === keys[key] : keys[key].startsWith(one.prefix),
      );
    });
  });
}
