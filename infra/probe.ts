import { vpc } from "./network.ts";
import { prober } from "./prober.ts";
import { table } from "./table.ts";

/** The probe at home: votes, judges, observes, and wakes the stacks that are overdue. */
export const { probe, unprobedMinutes } = prober("", {
  ...(vpc === undefined ? {} : { vpc }),
  grants: [
    {
      actions: [
        "dynamodb:Query",
        "dynamodb:BatchGetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:ConditionCheckItem",
      ],
      resources: [table.arn],
    },
  ],
});
