import fc from "fast-check";

/** What the document's schemas are made of. */
export type Schema = { [keyword: string]: unknown };

/** JSON as it is written, which a value of JavaScript cannot always say: `1e400`, `01`, a key twice. */
export type Written = { written: string };

/** Legal or not: what code that indexes objects, compares text or counts is most easily wrong about. */
export const oddNames = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "then",
  "toJSON",
  "length",
  "",
  " ",
  ".",
  "..",
  "-",
  "a/b",
  "a b",
  "a".repeat(63),
  "a".repeat(64),
  "a".repeat(255),
  "a".repeat(256),
  "a".repeat(4000),
  "athens\u0000",
  "athens\n",
  "ATHENS",
  "ａｔｈｅｎｓ",
  "İ",
  "é",
  "e\u0301",
  "\u202eathens",
  "\ufeffathens",
  "😀",
  "\ud800",
  "%00",
  "%2e%2e",
  "{{x}}",
  "'; drop table stacks; --",
  "STACK#web",
  "EVENT#",
  "null",
  "undefined",
  "-1",
  "0",
];

const oddNumbers = [
  "0",
  "-0",
  "-1",
  "1",
  "0.5",
  "1.0000005",
  "1.000002",
  "1e-9",
  "4e-10",
  "1e-130",
  "1e-131",
  "5e-324",
  "1e-400",
  "1e400",
  "-1e400",
  "1e6",
  "1000001",
  "9007199254740993",
  "123456789012345678901234567890123456789012345",
  "0.1234567890123456789012345678901234567890123",
  "1.5",
  "01",
  "+1",
  ".5",
  "1.",
  "0x10",
  "NaN",
  "Infinity",
  "1_000",
];

const oddTexts = ["", "null", "true", "1", "0.5", "NaN", "1e9", " 5 ", "0x10", "\u0000", "\ud800"];

const deep = fc
  .tuple(fc.constantFrom("[]", '{"a":}'), fc.constantFrom(3, 100, 5_000, 12_000))
  .map(([pair, depth]): Written => {
    const [open, close] = [pair.slice(0, -1), pair.slice(-1)];
    return { written: `${open.repeat(depth)}1${close.repeat(depth)}` };
  });

/** What may stand where another value is expected. */
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...oddNumbers).map((written): Written => ({ written })) },
  { weight: 2, arbitrary: fc.constantFrom(...oddTexts, ...oddNames) },
  { weight: 2, arbitrary: fc.constantFrom(null, true, false, [], {}, [null], { a: 1 }) },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
  { weight: 1, arbitrary: deep },
);

/** Names that there are, by the component of the document that they conform to. */
export type Known = Record<string, readonly string[]>;

/** Values that a schema of the document describes, names mostly those that are known. */
export function valuesOf(
  schema: Schema,
  components: Record<string, Schema>,
  known: Known,
): fc.Arbitrary<unknown> {
  const of = (inner: unknown) => valuesOf(inner as Schema, components, known);
  const { $ref, anyOf, enum: options, type } = schema;
  if (typeof $ref === "string") {
    const name = $ref.split("/").at(-1) ?? "";
    const any = of(components[name]);
    const names = known[name];
    return names === undefined
      ? any
      : fc.oneof(
          { weight: 9, arbitrary: fc.constantFrom<unknown>(...names) },
          { weight: 1, arbitrary: any },
        );
  }
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map(of));
  if (Array.isArray(options)) return fc.constantFrom(...options);
  if (type === "boolean") return fc.boolean();
  if (type === "null") return fc.constant(null);
  if (type === "integer") return integers(schema);
  if (type === "number") return numbers(schema);
  if (type === "string") return texts(schema);
  if (type === "array") return fc.array(of(schema.items), { maxLength: 4 });
  return objects(schema, of);
}

function integers({ minimum = 0, maximum = 1_000_000 }: Schema): fc.Arbitrary<number> {
  const [min, max] = [Number(minimum), Number(maximum)];
  return fc.oneof(fc.integer({ min, max: Math.min(max, min + 30) }), fc.constantFrom(min, max));
}

function numbers({ minimum = 0, maximum = 1 }: Schema): fc.Arbitrary<number> {
  const [min, max] = [Number(minimum), Number(maximum)];
  const hundredths = fc.integer({ min: 0, max: 50 }).map((n) => min + ((max - min) * n) / 100);
  return fc.oneof(hundredths, fc.double({ min, max, noNaN: true }), fc.constantFrom(min, max));
}

function texts({ pattern, maxLength = 300 }: Schema): fc.Arbitrary<string> {
  const fits = (text: string) => text.length <= Number(maxLength);
  if (typeof pattern !== "string") return fc.string({ maxLength: 20 }).filter(fits);
  return fc
    .stringMatching(new RegExp(pattern.replaceAll(/\\p\{Cc\}/g, "\\x00-\\x1f")))
    .filter(fits);
}

function objects(schema: Schema, of: (inner: unknown) => fc.Arbitrary<unknown>) {
  const { properties = {}, required = [], propertyNames, additionalProperties } = schema;
  if (propertyNames !== undefined) {
    return fc.dictionary(of(propertyNames) as fc.Arbitrary<string>, of(additionalProperties), {
      maxKeys: 4,
      noNullPrototype: true,
    });
  }
  const fields = Object.entries(properties as Record<string, unknown>);
  return fc.record(Object.fromEntries(fields.map(([name, inner]) => [name, of(inner)])), {
    requiredKeys: required as string[],
    noNullPrototype: true,
  });
}

/** The value, with something at some place of it replaced, added, taken away or renamed. */
export function broken(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== "object" || value === null) return oddValue;
  const entries = Object.entries(value);
  const isList = Array.isArray(value);
  const rebuilt = (changed: [string, unknown][]) =>
    isList ? changed.map(([, each]) => each) : Object.fromEntries(changed);
  const added = fc
    .tuple(fc.constantFrom("token", "uid", "generation", "schema", ...oddNames), oddValue)
    .map(([name, odd]) => ({ ...value, [name]: odd }));
  if (entries.length === 0) return fc.oneof(oddValue, added);
  const at = fc.nat(entries.length - 1);
  const inner = at.chain((index) =>
    broken(entries[index]?.[1]).map((odd) =>
      rebuilt(entries.map(([name, each], i) => [name, i === index ? odd : each])),
    ),
  );
  const fewer = at.map((index) => rebuilt(entries.filter((_, i) => i !== index)));
  const renamed = fc
    .tuple(at, fc.constantFrom(...oddNames))
    .map(([index, name]) =>
      rebuilt(entries.map(([was, each], i) => [i === index ? name : was, each])),
    );
  const many = fc.constantFrom(46, 200, 1_500).map((most): unknown => {
    const [, sample] = entries[0] ?? [];
    return isList
      ? Array.from({ length: most }, () => sample)
      : Object.fromEntries(Array.from({ length: most }, (_, i) => [`c${i}`, sample]));
  });
  return fc.oneof(
    { weight: 6, arbitrary: inner },
    { weight: 1, arbitrary: oddValue },
    { weight: 1, arbitrary: fewer },
    { weight: 1, arbitrary: isList ? oddValue : renamed },
    { weight: 1, arbitrary: isList ? oddValue : added },
    { weight: 1, arbitrary: many },
  );
}

/** The value as JSON; `twice` writes every key of the outermost object two times. */
export function jsonText(value: unknown, twice = false): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if ("written" in value && typeof value.written === "string") return value.written;
  if (Array.isArray(value)) return `[${value.map((each) => jsonText(each)).join(",")}]`;
  const fields = Object.entries(value).map(
    ([key, each]) => `${JSON.stringify(key)}:${jsonText(each)}`,
  );
  return `{${[...fields, ...(twice ? fields : [])].join(",")}}`;
}
