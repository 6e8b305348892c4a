import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { announced, SOURCE } from "./envelope.ts";
import type { Event } from "./schema.ts";

/** EventBridge takes at most so many entries a call. */
const ENTRIES_PER_CALL = 10;

export type Bus = {
  /** Announces facts, and answers with the ids of those that the bus refused. Throws when it cannot be reached. */
  announce: (events: Event[]) => Promise<string[]>;
};

/** The event bus on which facts are announced: the event is the detail, its type the detail-type. */
export function bus(options: { busName: string; client?: EventBridgeClient }): Bus {
  const { busName, client = new EventBridgeClient({}) } = options;
  async function announceChunk(events: Event[]): Promise<string[]> {
    const reply = await client.send(
      new PutEventsCommand({
        Entries: events.map((event) => ({
          EventBusName: busName,
          Source: SOURCE,
          DetailType: event.type,
          Detail: JSON.stringify(announced(event)),
          Time: new Date(event.at),
        })),
      }),
    );
    const entries = reply.Entries ?? [];
    return events.flatMap((event, index) => (entries[index]?.EventId ? [] : [event.id]));
  }
  return {
    announce: async (events) => {
      const chunks: Event[][] = [];
      for (let from = 0; from < events.length; from += ENTRIES_PER_CALL) {
        chunks.push(events.slice(from, from + ENTRIES_PER_CALL));
      }
      const refused: string[] = [];
      for (const chunk of chunks) refused.push(...(await announceChunk(chunk)));
      return refused;
    },
  };
}
