import { definition } from "../lib/table/definition.ts";
import { isProtected } from "./stage.ts";

const { hashKey, rangeKey, index, ttl, stream } = definition;
const streams = { NEW_AND_OLD_IMAGES: "new-and-old-images" } as const;

/** The one table: on demand, with its stream, expiry, and recovery to any moment of the last 35 days. */
export const table = new sst.aws.Dynamo("Table", {
  fields: Object.fromEntries(
    [hashKey, rangeKey, index.hashKey, index.rangeKey].map((key) => [key, "string" as const]),
  ),
  primaryIndex: { hashKey, rangeKey },
  globalIndexes: {
    [index.name]: { hashKey: index.hashKey, rangeKey: index.rangeKey, projection: "all" },
  },
  stream: streams[stream],
  ttl,
  deletionProtection: isProtected,
});
