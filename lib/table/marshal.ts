/** A plain JSON value as DynamoDB spells it: both the client's and the stream record's form. */
export type Attribute = {
  S?: string | undefined;
  N?: string | undefined;
  BOOL?: boolean | undefined;
  NULL?: boolean | undefined;
  M?: Record<string, Attribute> | undefined;
  L?: Attribute[] | undefined;
};

/** One value of the kinds that {@link marshal} makes, as the client's types want it. */
export type MarshalledAttribute =
  | { S: string }
  | { N: string }
  | { BOOL: boolean }
  | { NULL: true }
  | { M: Record<string, MarshalledAttribute> }
  | { L: MarshalledAttribute[] };

/** A plain value for DynamoDB. Throws on what JSON does not have: a bug of ours, better here than in the table. */
export function marshal(value: unknown): MarshalledAttribute {
  if (value === null) return { NULL: true };
  if (typeof value === "string") return { S: value };
  if (typeof value === "boolean") return { BOOL: value };
  if (typeof value === "number" && Number.isFinite(value)) return { N: String(value) };
  if (Array.isArray(value)) return { L: value.map(marshal) };
  if (typeof value === "object") return { M: marshalMap(value) };
  throw new TypeError(`DynamoDB has no place for ${String(value)} (${typeof value})`);
}

/** The attributes of an object; undefined ones are left out. */
export function marshalMap(value: object): Record<string, MarshalledAttribute> {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .map(([key, each]) => [key, marshal(each)]),
  );
}

/** The plain value of an attribute. Throws on kinds we never write (sets, binary). */
export function unmarshal(attribute: Attribute): unknown {
  if (attribute.S !== undefined) return attribute.S;
  if (attribute.N !== undefined) return Number(attribute.N);
  if (attribute.BOOL !== undefined) return attribute.BOOL;
  if (attribute.NULL !== undefined) return null;
  if (attribute.L !== undefined) return attribute.L.map(unmarshal);
  if (attribute.M !== undefined) return unmarshalMap(attribute.M);
  throw new TypeError(`an attribute of a kind we never write: ${Object.keys(attribute).join()}`);
}

/** The plain object of a map of attributes. */
export function unmarshalMap(map: Record<string, Attribute>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).map(([key, each]) => [key, unmarshal(each)]));
}
