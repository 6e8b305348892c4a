import { monotonicFactory } from "ulid";
import { app } from "../lib/api/app.ts";
import { tokenEntries } from "../lib/api/auth.ts";
import { allHandlers } from "../lib/api/handlers/all.ts";
import { config } from "../lib/config.ts";
import { log } from "../lib/log.ts";
import { cloudTable } from "../lib/table/clouds.ts";
import { dynamo } from "../lib/table/dynamo.ts";
import { eventTable } from "../lib/table/events.ts";
import { stackTable } from "../lib/table/stacks.ts";

const settings = config();
const table = dynamo({ tableName: settings.tableName });

/** The HTTP API: writes declarations, and shows where they stand. It has no cloud's credentials. */
export const handler = app({
  handlers: allHandlers({
    ...cloudTable(table),
    ...stackTable(table),
    ...eventTable(table),
    now: () => new Date(),
    newId: monotonicFactory(),
    settings: settings.reconcile,
    judging: settings.judging,
    witness: settings.witness,
  }),
  tokens: tokenEntries(settings.apiTokens),
  roleClaim: settings.roleClaim,
  log: log(settings.log),
});
