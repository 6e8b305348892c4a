import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Witness, WitnessInput, witnessText } from "../../lib/stack/witness.ts";

const port = fc.integer({ min: 1, max: 65_535 });
const host = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.ipV6().map((address) => `[${address}]`),
);
const named = fc.oneof(
  fc.record({ url: fc.webUrl({ withQueryParameters: true }), status: fc.constantFrom(200, 302) }),
  fc.record({ tcp: fc.tuple(host, port).map(([name, number]) => `${name}:${number}`) }),
);

test("what was taken is the same however often it is read and named again", () => {
  fc.assert(
    fc.property(named, (given) => {
      const taken = WitnessInput.safeParse(given);
      if (!taken.success) return;
      assert.deepEqual(WitnessInput.parse(taken.data), taken.data);
      assert.deepEqual(Witness.parse(taken.data), taken.data);
      assert.doesNotMatch(witnessText(taken.data), /\?/);
    }),
  );
});
