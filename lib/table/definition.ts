/**
 * The one table, as plain data: the infrastructure and the embedded runtime both build from this,
 * and nothing else says what its keys, its index or its stream filter are.
 */
export const definition = {
  hashKey: "pk",
  rangeKey: "sk",
  /** Epoch seconds; DynamoDB removes what is past it. */
  ttl: "expires_at",
  stream: "NEW_AND_OLD_IMAGES",
  /** Events by day, newest first by ULID. No decision reads it. */
  index: { name: "events_by_day", hashKey: "day", rangeKey: "sk" },
} as const;

/** A stream filter in Lambda's pattern language; keys only, any of the four lets a record through. */
export type KeyPattern = { pk: KeyMatch; sk?: KeyMatch };
export type KeyMatch = (string | { prefix: string })[];

export const streamFilter: readonly KeyPattern[] = [
  { pk: ["STACK", "CLOUD", "VERDICT"] },
  { pk: [{ prefix: "STACK#" }], sk: ["WAKE"] },
  { pk: [{ prefix: "CLOUD#" }], sk: [{ prefix: "SEEN#" }, { prefix: "WITNESS#" }] },
  {
    pk: [{ prefix: "STACK#" }, { prefix: "CLOUD#" }, { prefix: "VANTAGE#" }],
    sk: [{ prefix: "EVENT#" }],
  },
];

/** The stream filter as Lambda's event source wants it: one JSON pattern for each of the four. */
export function eventSourcePatterns(): string[] {
  const attribute = (match: KeyMatch) => ({ S: match });
  return streamFilter.map(({ pk, sk }) =>
    JSON.stringify({
      dynamodb: {
        Keys: {
          [definition.hashKey]: attribute(pk),
          ...(sk === undefined ? {} : { [definition.rangeKey]: attribute(sk) }),
        },
      },
    }),
  );
}
