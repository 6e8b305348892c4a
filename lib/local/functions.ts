import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  DynamoDBBatchResponse,
  DynamoDBStreamEvent,
} from "aws-lambda";
import { type Handler, invoker } from "./invoke.ts";

export type Functions = {
  probe: (event: { time: string }) => Promise<unknown>;
  reconcile: (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse | undefined>;
  api: (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>;
};

/** As long as each may run where it is deployed. */
const timeoutMs = { probe: 90_000, reconcile: 60_000, api: 20_000 };

/**
 * The very handlers that are deployed. They read the environment when they are loaded, and keep
 * their clients: so there is one runtime a process, and its environment is set before.
 */
export async function functions(options: {
  /** Called after every run: it may have written. */
  afterRun: () => void;
  /** True: the probe is to end, though its minute is not over, and a reconcile begins no further stack. */
  isEnding: () => boolean;
}): Promise<Functions> {
  const { afterRun, isEnding } = options;
  const [probe, reconcile, api] = await Promise.all([
    import("../../functions/probe.ts"),
    import("../../functions/reconcile.ts"),
    import("../../functions/api.ts"),
  ]);
  const told =
    <E, R>(invoke: (event: E) => Promise<R>) =>
    (event: E) =>
      invoke(event).finally(afterRun);
  return {
    probe: told(
      invoker(probe.handler as Handler<{ time: string }, unknown>, {
        name: "probe",
        timeoutMs: timeoutMs.probe,
        isOver: isEnding,
      }),
    ),
    reconcile: told(
      invoker(reconcile.handler as Handler<DynamoDBStreamEvent, DynamoDBBatchResponse>, {
        name: "reconcile",
        timeoutMs: timeoutMs.reconcile,
        isOver: isEnding,
      }),
    ),
    api: told(
      // Payload 2.0 whole: the handler names the parts of it that it reads.
      invoker(
        api.handler as unknown as Handler<
          APIGatewayProxyEventV2,
          APIGatewayProxyStructuredResultV2
        >,
        {
          name: "api",
          timeoutMs: timeoutMs.api,
        },
      ),
    ),
  };
}
