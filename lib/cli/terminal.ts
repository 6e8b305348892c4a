import { stripVTControlCharacters } from "node:util";
import { type Input, secret } from "./secret.ts";

/** What we need of process.stdout and process.stderr. */
export type Stream = {
  write: (text: string) => unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
};

const colours = { red: 31, green: 32, yellow: 33, bold: 1, faint: 2 } as const;
export type Colour = keyof typeof colours;

/** Where results (stdout) and remarks (stderr) go, and where answers come from. */
export type Terminal = {
  /** Lines of the result, to stdout. */
  print: (text: string) => void;
  /** A remark for a person, to stderr. */
  note: (text: string) => void;
  /** How a wait goes, on stderr: on a terminal one line that changes, otherwise a line whenever it changes. */
  progress: (text: string) => void;
  /** Takes the line of `progress` away. */
  endProgress: () => void;
  /** On a terminal replaces what the last `redraw` showed; false: it is not one, and nothing was shown. */
  redraw: (text: string) => boolean;
  /** Colours text where stdout is a terminal and NO_COLOR is not set. */
  paint: (colour: Colour, text: string) => string;
  /** Asks for what must not be seen; where nobody can be asked, it is all of stdin. Empty: none. */
  askSecret: (question: string) => Promise<string>;
  /** Width to fit into; undefined: not a terminal, no limit. */
  columns: number | undefined;
  /** Whether a person is reading stdout. */
  isTerminal: boolean;
};

/** A stream is a terminal when it says so and TERM is not `dumb`; only then escape codes are sent. */
export function terminal(
  { stdin, stdout, stderr }: { stdin?: () => Input; stdout: Stream; stderr: Stream },
  environment: Record<string, string | undefined>,
): Terminal {
  const understands = environment.TERM !== "dumb";
  const isTerminal = stdout.isTTY === true && understands;
  const isColoured = isTerminal && (environment.NO_COLOR ?? "") === "";
  const canMove = stderr.isTTY === true && understands;
  let shown = "";
  let drawn = 0;
  const endProgress = () => {
    if (canMove && shown !== "") stderr.write("\r\u001b[K");
    shown = "";
  };
  return {
    print: (text) => {
      endProgress();
      stdout.write(`${text}\n`);
    },
    note: (text) => {
      endProgress();
      stderr.write(`${text}\n`);
    },
    progress: (text) => {
      if (text === shown) return;
      shown = text;
      const cut = text.slice(0, (stderr.columns ?? 80) - 1);
      stderr.write(canMove ? `\r\u001b[K${cut}` : `${text}\n`);
    },
    endProgress,
    redraw: (text) => {
      if (!isTerminal) return false;
      // What is taller than the screen cannot be gone back over.
      const isTall = drawn >= (stdout.rows ?? 24);
      const back = isTall ? "\u001b[H\u001b[2J" : drawn > 0 ? `\u001b[${drawn}A\u001b[J` : "";
      stdout.write(`${back}${text}\n`);
      drawn = height(text, stdout.columns ?? 80);
      return true;
    },
    paint: (colour, text) => (isColoured ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text),
    askSecret: (question) =>
      secret(question, { stdin: stdin?.(), write: (text) => stderr.write(text) }),
    columns: isTerminal ? (stdout.columns ?? 80) : undefined,
    isTerminal,
  };
}

/** Lines on the screen: long ones take several. */
function height(text: string, columns: number): number {
  const lines = stripVTControlCharacters(text).split("\n");
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
}

/** Text from outside, without control characters: a heat stack's reason must not steer a terminal. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, " ");
}
