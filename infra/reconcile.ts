import { eventSourcePatterns } from "../lib/table/definition.ts";
import { bus } from "./bus.ts";
import { environment } from "./environment.ts";
import { lambda } from "./function.ts";
import { deadLetters } from "./letters.ts";
import { vpc } from "./network.ts";
import { cloudsYaml } from "./secrets.ts";
import { table } from "./table.ts";

const { streamArn } = table.nodes.table;

/** Records of the stream that reconcile gave up on: what they named is looked at again all the same. */
export const unreconciledRecords = deadLetters("UnreconciledRecords");

/** Allocates, pushes, and announces what happened. */
export const reconcile = lambda("Reconcile", {
  handler: "functions/reconcile.handler",
  timeout: "60 seconds",
  environment,
  secrets: [cloudsYaml],
  ...(vpc === undefined ? {} : { vpc }),
  grants: [
    {
      actions: [
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:ConditionCheckItem",
      ],
      resources: [table.arn],
    },
    { actions: ["events:PutEvents"], resources: [bus.arn] },
    // Lambda reads the stream, and writes down what it gave up on, in this role: all four are what it
    // asks for when the mapping is made.
    {
      actions: [
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
      ],
      resources: [streamArn],
    },
    { actions: ["sqs:SendMessage"], resources: [unreconciledRecords.arn] },
  ],
});

/** Much as lib/local/stream.ts has it: a bad record is found by halving its batch, and waits an hour at most. */
table.subscribe("Reconcile", reconcile.arn, {
  filters: eventSourcePatterns().map((pattern) => JSON.parse(pattern)),
  transform: {
    eventSourceMapping: {
      batchSize: 100,
      // What is declared should be under way at once; while a batch runs, the next one gathers.
      maximumBatchingWindowInSeconds: 0,
      // A new table has four shards: eight runs at most, of the ten that a new account may have at once.
      parallelizationFactor: 2,
      bisectBatchOnFunctionError: true,
      maximumRetryAttempts: 10,
      maximumRecordAgeInSeconds: 3600,
      functionResponseTypes: ["ReportBatchItemFailures"],
      destinationConfig: { onFailure: { destinationArn: unreconciledRecords.arn } },
    },
  },
});
