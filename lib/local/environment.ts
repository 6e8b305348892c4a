import { createHash } from "node:crypto";

type Environment = Record<string, string | undefined>;

/**
 * Region and credentials for the SDK: any will do for the embedded database, another DynamoDB gets
 * the user's own. Undefined values are to be unset: they would lead the SDK elsewhere.
 */
export function sdkEnvironment(own: Environment, isEmbedded: boolean): Environment {
  const anybody = { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };
  const AWS_REGION = own.AWS_REGION ?? "us-east-1";
  if (isEmbedded) {
    return {
      AWS_REGION,
      ...anybody,
      AWS_SESSION_TOKEN: undefined,
      AWS_PROFILE: undefined,
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: undefined,
    };
  }
  const hasOwn = own.AWS_ACCESS_KEY_ID !== undefined || own.AWS_PROFILE !== undefined;
  return { AWS_REGION, ...(hasOwn ? {} : anybody) };
}

/** There is only one. */
export const BUS_NAME = "local";

/** What the functions find in their environment, which the infrastructure writes there elsewhere. */
export function functionEnvironment(
  own: Environment,
  options: {
    tableName: string;
    dynamodb: string;
    eventbridge: string;
    /** An operator's; only its hash is handed on. */
    token: string;
    clouds: string[] | undefined;
  },
): Environment {
  const { tableName, dynamodb, eventbridge, token, clouds } = options;
  const hash = createHash("sha256").update(token).digest("hex");
  return {
    TABLE_NAME: tableName,
    BUS_NAME,
    VANTAGE: "home",
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    AWS_ENDPOINT_URL_EVENTBRIDGE: eventbridge,
    API_TOKENS: [own.API_TOKENS, `local:operator:${hash}`].filter(Boolean).join(","),
    ...(clouds === undefined ? {} : { CLOUDS: clouds.join(",") }),
  };
}

/** Sets what has a value, and unsets what has none. */
export function assign(environment: Environment, values: Environment): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete environment[name];
    else environment[name] = value;
  }
}
