import { appendFile, readFile } from "node:fs/promises";
import type { DynamoDBRecord } from "aws-lambda";
import { filesOf, type Place } from "./files.ts";

/** A record of the stream that was given up on: its stack is found again by the tick. */
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
