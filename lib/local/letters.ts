import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DynamoDBRecord } from "aws-lambda";

/** A record of the stream that was given up on: its stack is found again by the tick. */
export type DeadLetter = {
  at: string;
  /** Why the last attempt failed. */
  reason: string;
  attempts: number;
  record: DynamoDBRecord;
};

/**
 * Keeps a record that was given up on, in a file of the state directory (mode 0600): one JSON object
 * a line, so that they can be listed while the runtime is down.
 */
export async function bury(stateDirectory: string, letter: DeadLetter): Promise<void> {
  await appendFile(path(stateDirectory), `${JSON.stringify(letter)}\n`, {
    mode: 0o600,
    flush: true,
  });
}

/** All dead letters of a runtime, oldest first. A line cut short by a crash is left out. */
export async function deadLetters(options: { stateDirectory: string }): Promise<DeadLetter[]> {
  const text = await readFile(path(options.stateDirectory), "utf8").catch((error) => {
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

function path(stateDirectory: string): string {
  return join(stateDirectory, "dead-letters.jsonl");
}
