import { ControlError } from "../../error.ts";
import type { Handlers } from "../contract.ts";
import type { ApiDeps } from "../deps.ts";
import { requireCloud } from "./clouds.ts";

type EventHandlers = Pick<Handlers, "listEvents" | "listStackEvents" | "listCloudEvents">;

/** Histories, newest first. */
export function eventHandlers(deps: ApiDeps): EventHandlers {
  return {
    listEvents: async ({ query }) => ({
      reply: await deps.listEvents({ ...query, now: deps.now() }),
    }),
    /** A deleted stack has a history as long as its tombstone stands. */
    listStackEvents: async ({ params: { stack_name }, query }) => {
      const [stack, reply] = await Promise.all([
        deps.readStack(stack_name),
        deps.listStackEvents(stack_name, query),
      ]);
      if (stack !== undefined) return { reply };
      throw new ControlError("stack.missing", `There is no stack ${stack_name}.`);
    },
    listCloudEvents: async ({ params: { cloud }, query }) => {
      const [, reply] = await Promise.all([
        requireCloud(deps, cloud),
        deps.listCloudEvents(cloud, query),
      ]);
      return { reply };
    },
  };
}
