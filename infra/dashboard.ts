import { api, gateway } from "./api.ts";
import { probe, unprobedMinutes } from "./probe.ts";
import { reconcile, unreconciledRecords } from "./reconcile.ts";
import { named, settings } from "./stage.ts";
import { table } from "./table.ts";
import { undeliveredEvents } from "./webhook.ts";

type Metric = (string | $util.Output<string> | { stat: string })[];

const queues = [unprobedMinutes, unreconciledRecords, undeliveredEvents];
const functions = [probe, reconcile, api];
const ofFunctions = (metric: string, stat: string): Metric[] =>
  functions.map(({ name }) => ["AWS/Lambda", metric, "FunctionName", name, { stat }]);
const ofApi = (metric: string, stat: string): Metric => [
  ...["AWS/ApiGateway", metric, "ApiId", gateway.nodes.api.id],
  { stat },
];
const ofTable = (metric: string): Metric => [
  ...["AWS/DynamoDB", metric, "TableName", table.name],
  { stat: "Sum" },
];
const letters = (queue: sst.aws.Queue): Metric => [
  ...["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.nodes.queue.name],
  { stat: "Maximum" },
];

const graphs: Record<string, Metric[]> = {
  "Runs a minute": ofFunctions("Invocations", "Sum"),
  "Errors and throttles": [...ofFunctions("Errors", "Sum"), ...ofFunctions("Throttles", "Sum")],
  "Slowest run (ms)": ofFunctions("Duration", "Maximum"),
  "Reconcile behind (ms)": [
    ["AWS/Lambda", "IteratorAge", "FunctionName", reconcile.name, { stat: "Maximum" }],
  ],
  "Dead letters": queues.flatMap((queue) => (queue === undefined ? [] : [letters(queue)])),
  "Requests, refused and failed": ["Count", "4xx", "5xx"].map((metric) => ofApi(metric, "Sum")),
  "Answer takes (ms)": [ofApi("Latency", "p50"), ofApi("Latency", "p99")],
  "Table, units a minute": [
    ofTable("ConsumedReadCapacityUnits"),
    ofTable("ConsumedWriteCapacityUnits"),
  ],
};

/** Everything at a glance, two graphs a row. */
export const dashboard = new aws.cloudwatch.Dashboard("Dashboard", {
  dashboardName: named("overview"),
  dashboardBody: $jsonStringify({
    widgets: Object.entries(graphs).map(([title, metrics], index) => ({
      type: "metric",
      x: (index % 2) * 12,
      y: Math.floor(index / 2) * 6,
      width: 12,
      height: 6,
      properties: { title, metrics, region: settings.region, period: 60, view: "timeSeries" },
    })),
  }),
});
