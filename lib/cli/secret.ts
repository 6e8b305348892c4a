import { createInterface } from "node:readline";
import { Writable } from "node:stream";

/** What we need of process.stdin. */
export type Input = NodeJS.ReadableStream & { isTTY?: boolean };

/** A token has some 43 characters, one of an OIDC issuer a few thousand. */
const MOST = 64 * 1024;

/**
 * A secret: on a terminal asked for, and not shown while it is typed; otherwise all that comes in.
 * Empty: there was none. Ctrl-C is what it is elsewhere.
 */
export async function secret(
  question: string,
  { stdin, write }: { stdin: Input | undefined; write: (text: string) => void },
): Promise<string> {
  if (stdin === undefined) return "";
  return stdin.isTTY === true ? typed(question, stdin, write) : whole(stdin);
}

async function whole(stdin: Input): Promise<string> {
  let text = "";
  for await (const chunk of stdin) {
    text += chunk;
    if (text.length > MOST) break;
  }
  return text.trim();
}

/** One line. readline's own echo goes nowhere. */
function typed(question: string, stdin: Input, write: (text: string) => void): Promise<string> {
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output, terminal: true, historySize: 0 });
  // Only now: from here on the terminal itself shows nothing either.
  write(question);
  return new Promise((resolve) => {
    lines.once("line", (line) => {
      resolve(line.trim());
      lines.close();
    });
    lines.once("close", () => {
      write("\n");
      resolve("");
    });
    lines.once("SIGINT", () => {
      write("\n");
      process.kill(process.pid, "SIGINT");
    });
  });
}
