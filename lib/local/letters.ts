import { appendFile, readFile } from "node:fs/promises";
import type { DynamoDBRecord } from "aws-lambda";
import type { Event } from "../event/schema.ts";
import { keys } from "../table/keys.ts";
import { filesOf, type Place } from "./files.ts";

/**
 * A record of the stream that was given up on: its stack is found again by the tick. Or one that
 * names an event which a webhook did not take.
 */
export type DeadLetter = {
  at: string;
  /** Why the last attempt failed. */
  reason: string;
  attempts: number;
  record: DynamoDBRecord;
};

/**
 * Keeps a record that was given up on in a file beside the database (mode 0600), one JSON object a
 * line, so that they can be listed while the runtime is down.
 */
export async function bury(place: Place, letter: DeadLetter): Promise<void> {
  const line = `${JSON.stringify(letter)}\n`;
  await appendFile(filesOf(place).letters, line, { mode: 0o600, flush: true });
}

/** Keeps the name of an event that was given up on; the event itself is in the table. */
export function buryEvent(
  place: Place,
  event: Event,
  { attempts, reason }: { attempts: number; reason: string },
): Promise<void> {
  const { pk, sk } = keys.event(event);
  const Keys = { pk: { S: pk }, sk: { S: sk } };
  const record = { eventName: "INSERT" as const, dynamodb: { Keys } };
  return bury(place, { at: new Date().toISOString(), reason, attempts, record });
}

/** The dead letters of a runtime, oldest first. A line cut short by a crash is left out. */
export async function deadLetters(place: Place): Promise<DeadLetter[]> {
  const text = await readFile(filesOf(place).letters, "utf8").catch((error) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  return text.split("\n").flatMap((line) => {
    try {
      return line === "" ? [] : [JSON.parse(line) as DeadLetter];
    } catch {
      return [];
    }
  });
}
