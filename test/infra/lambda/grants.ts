import type { Plan, Planned } from "../engine/planned.ts";
import { roleOf, type Statement, statementsOf } from "../find.ts";

/** One action that a role asks for. */
export type Call = {
  role: string;
  action: string;
  resource: string;
  /** The partitions that it touches, where they are known without IAM's own parser. */
  leadingKeys?: string[];
};

/** One action that a role may take on a resource, which may have stars. */
export type Grant = Omit<Call, "leadingKeys"> & {
  /** Only on these partitions. */
  leadingKeys?: string[];
};

/**
 * What the policies written for a function's role let it do, one entry for each action on each
 * resource. Throws for what it cannot judge: a denial, or another condition than that of the two
 * probes, on the leading keys of items.
 */
export function grantsOf(plan: Plan, { inputs }: Planned): Grant[] {
  const role = roleOf(plan, inputs.role);
  return statementsOf(plan, role).flatMap((statement) => {
    const { Effect, Action, Resource } = statement;
    if (Effect !== "Allow") throw new Error(`${role.id}: not judged here: ${Effect}`);
    const keys = leadingKeysOf(statement);
    return Action.flatMap((action) =>
      Resource.map((resource) => ({
        ...{ role: role.id, action, resource },
        ...(keys === undefined ? {} : { leadingKeys: keys }),
      })),
    );
  });
}

/** What Lambda itself does in a function's role: it writes the log, and reads the stream for reconcile. */
export const lambdasOwn: ReadonlySet<string> = new Set([
  "logs:CreateLogStream",
  "logs:PutLogEvents",
  "dynamodb:DescribeStream",
  "dynamodb:GetRecords",
  "dynamodb:GetShardIterator",
  "dynamodb:ListStreams",
  "sqs:SendMessage",
]);

/** Whether IAM lets the call through by this grant. */
export function covers(grant: Grant, call: Call): boolean {
  if (grant.role !== call.role || grant.action !== call.action) return false;
  if (!isLike(call.resource, grant.resource)) return false;
  if (grant.leadingKeys === undefined) return true;
  const { leadingKeys } = grant;
  if (call.leadingKeys === undefined) throw new Error(`unknown keys: ${JSON.stringify(call)}`);
  return call.leadingKeys.every((key) => leadingKeys.some((pattern) => isLike(key, pattern)));
}

function leadingKeysOf({ Condition }: Statement): string[] | undefined {
  if (Condition === undefined) return undefined;
  const { "ForAllValues:StringLike": like, ...others } = Condition as Record<string, unknown>;
  const { "dynamodb:LeadingKeys": keys, ...more } = (like ?? {}) as Record<string, unknown>;
  if (keys === undefined || Object.keys({ ...others, ...more }).length > 0) {
    throw new Error(`not judged here: ${JSON.stringify(Condition)}`);
  }
  return [keys].flat() as string[];
}

/** IAM's own patterns: a star is any text, a question mark any one letter. */
function isLike(value: string, pattern: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s").test(value);
}
