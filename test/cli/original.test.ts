import assert from "node:assert/strict";
import { test } from "node:test";
import { originalList, originalStack } from "../../lib/cli/original.ts";
import { StackName, Weights } from "../../lib/stack/schema.ts";

const stack = (weights: Record<string, number>, count_parameter = "count") => ({
  stack_name: StackName.parse("web"),
  count: 10,
  count_parameter,
  weights: Weights.parse(weights),
});

/** What `repr` says of these in Python 3. */
const floats: [value: number, python: string][] = [
  [0, "0.0"],
  [1, "1.0"],
  [0.5, "0.5"],
  [0.1, "0.1"],
  [1 / 3, "0.3333333333333333"],
  [0.0001, "0.0001"],
  [0.00001, "1e-05"],
  [0.000012345, "1.2345e-05"],
  [1e-7, "1e-07"],
  [1.5e-9, "1.5e-09"],
];

for (const [value, python] of floats) {
  test(`the weight ${value} is ${python}, as Python writes it`, () => {
    assert.equal(
      originalStack(stack({ athens: value })),
      `{"stack_name": "web", "count": 10, "count_parameter": "count", "weights": {"athens": ${python}}}`,
    );
  });
}

test("letters beyond ASCII and quotes are escaped, as json.dumps does", () => {
  assert.equal(
    originalStack(stack({}, 'größe"\u{1f600}')),
    '{"stack_name": "web", "count": 10, "count_parameter": "gr\\u00f6\\u00dfe\\"\\ud83d\\ude00", "weights": {}}',
  );
});

test("clouds come by name, also with names that objects have", () => {
  assert.match(
    originalStack(stack({ toString: 0.25, constructor: 0.5, athens: 0.25 })),
    /"weights": \{"athens": 0\.25, "constructor": 0\.5, "toString": 0\.25\}/,
  );
});

test("a list is an object with one key", () => {
  assert.equal(originalList([]), '{"stacks": []}');
  const one = originalStack(stack({}));
  assert.equal(originalList([stack({}), stack({})]), `{"stacks": [${one}, ${one}]}`);
});
