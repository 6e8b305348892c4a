import { randomUUID } from "node:crypto";
import type { Context } from "aws-lambda";

export type Handler<E, R> = (event: E, context: Context) => Promise<R>;

/**
 * Calls a handler as Lambda does: each time with a context and an id of its own, and rejected once
 * `timeoutMs` is over. `isOver` true makes the remaining time 0, which is how a handler that runs
 * for its whole time is asked to end.
 */
export function invoker<E, R>(
  handler: Handler<E, R>,
  options: { name: string; timeoutMs: number; isOver?: () => boolean },
): (event: E) => Promise<R> {
  const { name, timeoutMs, isOver = () => false } = options;
  return async (event) => {
    const deadline = performance.now() + timeoutMs;
    const context = lambdaContext(name, () =>
      isOver() ? 0 : Math.max(0, Math.floor(deadline - performance.now())),
    );
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => timeout.reject(new Error(`${name} did not end within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    try {
      return await Promise.race([handler(event, context), timeout.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}

function lambdaContext(name: string, getRemainingTimeInMillis: () => number): Context {
  const ignored = () => undefined;
  return {
    callbackWaitsForEmptyEventLoop: false,
    functionName: name,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${name}`,
    memoryLimitInMB: "1024",
    awsRequestId: randomUUID(),
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: "local",
    getRemainingTimeInMillis,
    done: ignored,
    fail: ignored,
    succeed: ignored,
  };
}
