import { SOURCE } from "../lib/event/envelope.ts";
import { alarm, type Watched } from "./alarm.ts";
import { api, gateway } from "./api.ts";
import { bus } from "./bus.ts";
import { probe, unprobedMinutes } from "./probe.ts";
import type { Prober } from "./prober.ts";
import { reconcile, unreconciledRecords } from "./reconcile.ts";
import { named } from "./stage.ts";
import { topic } from "./topic.ts";
import { vantages } from "./vantages.ts";
import { undeliveredEvents } from "./webhook.ts";

const home = topic("Alarms", ["events"]);

watchProbe("Probe", home, { probe, unprobedMinutes, consequence: "nobody notices a lost cloud" });
watchFunction("Reconcile", home, reconcile);
watchFunction("Api", home, api);
alarm("UnreconciledRecords", home, letters(unreconciledRecords));
if (undeliveredEvents !== undefined) {
  alarm("UndeliveredEvents", home, letters(undeliveredEvents));
}
alarm("ReconcileBehind", home, {
  says: "Reconcile is more than a minute behind what was written: pushes come late.",
  ...ofFunction(reconcile, "IteratorAge"),
  statistic: "Maximum",
  minutes: 1,
  inARow: 5,
  above: 60_000,
});
alarm("ApiFails", home, {
  says: "The API answered with errors of its own (5xx).",
  namespace: "AWS/ApiGateway",
  metric: "5xx",
  dimensions: { ApiId: gateway.nodes.api.id },
  statistic: "Sum",
  minutes: 5,
  above: 0,
});
for (const { place, provider, ...there } of vantages) {
  const consequence =
    "it votes no more, and where fewer than a majority are left, no new outage is found";
  watchProbe(
    `Probe${place}`,
    topic(`Alarms${place}`, [], { provider }),
    { ...there, consequence },
    { provider },
  );
}

/** What asks for a person, as the event itself says. Its own sentence is in the mail. */
const rule = new aws.cloudwatch.EventRule("CloudTrouble", {
  name: named("CloudTrouble"),
  description: "An event is an alarm: somebody should look now.",
  eventBusName: bus.name,
  eventPattern: JSON.stringify({ source: [SOURCE], detail: { alarm: [true] } }),
});
new aws.cloudwatch.EventTarget("CloudTroubleAlarms", {
  rule: rule.name,
  eventBusName: bus.name,
  targetId: "Alarms",
  arn: home.arn,
  inputTransformer: {
    inputPaths: { type: "$.detail-type", at: "$.detail.at", message: "$.detail.message" },
    // Without quotation marks of its own: AWS adds them, and minds those in the sentence.
    inputTemplate: '{"at": <at>, "type": <type>, "message": <message>}',
  },
});

function watchProbe(
  name: string,
  to: sst.aws.SnsTopic,
  { probe, unprobedMinutes, consequence }: Prober & { consequence: string },
  opts?: $util.CustomResourceOptions,
): void {
  watchFunction(name, to, probe, opts);
  alarm(`${name}UnprobedMinutes`, to, letters(unprobedMinutes), opts);
  alarm(
    `${name}Silent`,
    to,
    {
      says: `The probe has not run for five minutes: ${consequence}.`,
      ...ofFunction(probe, "Invocations"),
      statistic: "Sum",
      minutes: 5,
      below: 1,
    },
    opts,
  );
}

function watchFunction(
  name: string,
  to: sst.aws.SnsTopic,
  watched: sst.aws.Function,
  opts?: $util.CustomResourceOptions,
): void {
  const often = { statistic: "Sum", minutes: 5, above: 0 } as const;
  const errors = { says: `${name} ended with an error: its log says which.`, ...often };
  const throttles = {
    says: `AWS held ${name} back: the account's quota of concurrent runs is used up.`,
    ...often,
    inARow: 3,
  };
  alarm(`${name}Errors`, to, { ...ofFunction(watched, "Errors"), ...errors }, opts);
  alarm(`${name}Throttled`, to, { ...ofFunction(watched, "Throttles"), ...throttles }, opts);
}

function ofFunction({ name }: sst.aws.Function, metric: string) {
  return { namespace: "AWS/Lambda", metric, dimensions: { FunctionName: name } } as const;
}

function letters(queue: sst.aws.Queue): Watched {
  return {
    says: "Something could not be delivered, and lies in the queue of dead letters.",
    namespace: "AWS/SQS",
    metric: "ApproximateNumberOfMessagesVisible",
    dimensions: { QueueName: queue.nodes.queue.name },
    statistic: "Maximum",
    minutes: 1,
    above: 0,
  };
}
