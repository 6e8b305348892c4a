import type { CloudName, VantageName } from "../cloud/schema.ts";
import type { Event } from "../event/schema.ts";
import type { StackName } from "../stack/schema.ts";
import type { Key } from "./item.ts";

/** The partitions that hold one item of each stack, cloud or vantage. */
export const partitions = {
  stack: "STACK",
  cloud: "CLOUD",
  verdict: "VERDICT",
  status: "STATUS",
  vantage: "VANTAGE",
} as const;

/** Where each item lives: DESIGN section 4's table, and nowhere else. */
export const keys = {
  stack: (name: StackName): Key => ({ pk: partitions.stack, sk: name }),
  cloud: (cloud: CloudName): Key => ({ pk: partitions.cloud, sk: cloud }),
  verdict: (cloud: CloudName): Key => ({ pk: partitions.verdict, sk: cloud }),
  status: (name: StackName): Key => ({ pk: partitions.status, sk: name }),
  vantage: (vantage: VantageName): Key => ({ pk: partitions.vantage, sk: vantage }),
  share: (name: StackName, cloud: CloudName): Key => ({ pk: ofStack(name), sk: `SHARE#${cloud}` }),
  wake: (name: StackName): Key => ({ pk: ofStack(name), sk: "WAKE" }),
  /** `name` is Heat's word, which has the same rule as a StackName. */
  seen: (cloud: CloudName, name: string): Key => ({ pk: ofCloud(cloud), sk: `SEEN#${name}` }),
  /** What the witness of a stack in a cloud last said. */
  witness: (cloud: CloudName, name: string): Key => ({ pk: ofCloud(cloud), sk: `WITNESS#${name}` }),
  vote: (cloud: CloudName, vantage: VantageName): Key => ({
    pk: ofCloud(cloud),
    sk: `VOTE#${vantage}`,
  }),
  /** An event lives with its subject: the stack, or else the cloud, or the vantage. */
  event: ({ id, stack_name, cloud, vantage }: Event): Key => {
    if (stack_name !== undefined) return { pk: ofStack(stack_name), sk: `EVENT#${id}` };
    if (cloud !== undefined) return { pk: ofCloud(cloud), sk: `EVENT#${id}` };
    if (vantage !== undefined) return { pk: `VANTAGE#${vantage}`, sk: `EVENT#${id}` };
    throw new TypeError(`event ${id} has no subject`);
  },
};

/** The partition of what belongs to a stack. */
export function ofStack(name: StackName): string {
  return `STACK#${name}`;
}

/** The partition of what belongs to a cloud. */
export function ofCloud(cloud: CloudName): string {
  return `CLOUD#${cloud}`;
}
