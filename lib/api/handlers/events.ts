import { ControlError } from "../../error.ts";
import { explanation, followedBy, isVerdict, restsOn } from "../../event/explanation.ts";
import type { Event } from "../../event/schema.ts";
import type { Handlers } from "../contract.ts";
import type { ApiDeps } from "../deps.ts";
import { requireCloud } from "./sky.ts";

type EventHandlers = Pick<
  Handlers,
  "listEvents" | "listStackEvents" | "listCloudEvents" | "showEvent"
>;

/** Evidence is up to some tens of KB an event: more of them would not fit one answer. */
const MOST_WITH_EVIDENCE = 50;
/** Among so many later events those are looked for that an event brought about. */
const LATER = 200;

/** Histories, newest first, and each event with its story. */
export function eventHandlers(deps: ApiDeps): EventHandlers {
  return {
    listEvents: async ({ query }) => ({
      reply: shown(query, await deps.listEvents({ ...page(query), now: deps.now() })),
    }),
    /** A deleted stack has a history as long as its tombstone stands. */
    listStackEvents: async ({ params: { stack_name }, query }) => {
      const [stack, reply] = await Promise.all([
        deps.readStack(stack_name),
        deps.listStackEvents(stack_name, page(query)),
      ]);
      if (stack !== undefined) return { reply: shown(query, reply) };
      throw new ControlError("stack.missing", `There is no stack ${stack_name}.`);
    },
    listCloudEvents: async ({ params: { cloud }, query }) => {
      const [, reply] = await Promise.all([
        requireCloud(deps, cloud),
        deps.listCloudEvents(cloud, page(query)),
      ]);
      return { reply: shown(query, reply) };
    },
    showEvent: async ({ params: { id } }) => {
      const event = await deps.readEvent(id);
      if (event === undefined) {
        const detail = `There is no event ${id}; they are kept for 30 days.`;
        throw new ControlError("event.missing", detail);
      }
      const [later, behind] = await Promise.all([
        deps.listLaterEvents(id, { limit: LATER }),
        verdictsBehind(deps, event),
      ]);
      const story = explanation(event, followedBy(event, later), behind);
      return { reply: { ...event, explanation: story } };
    },
  };
}

/** The events of the verdicts that a reallocation rests on, as far as they are still kept. */
async function verdictsBehind(deps: ApiDeps, event: Event): Promise<Event[]> {
  const found = await Promise.all(
    restsOn(event).map(async ({ cloud, since }) => {
      const { events } = await deps.listCloudEvents(cloud, { since, limit: LATER });
      return events.find(({ type, at }) => isVerdict(type) && at === since);
    }),
  );
  return found.filter((one) => one !== undefined);
}

type Asked = { evidence: "true" | "false"; limit: number };

function page<Q extends Asked>({ evidence, ...query }: Q): Omit<Q, "evidence"> {
  if (evidence === "false") return query;
  return { ...query, limit: Math.min(query.limit, MOST_WITH_EVIDENCE) };
}

/** What a decision rested on is long: it is left out unless asked for. */
function shown<P extends { events: Event[] }>({ evidence }: Asked, found: P): P {
  if (evidence === "true") return found;
  return { ...found, events: found.events.map(({ evidence: _, ...event }) => event) };
}
