import type { Context } from "./context.ts";
import type { ExitCode } from "./failure.ts";

/** A word by its place. In the help: `STACK`, `[STACK]` or `CLOUD=WEIGHT ...`. */
export type Argument = { name: string; summary: string; optional?: true; many?: true };

/** `--count N`; without `value` a switch. */
export type Option = {
  summary: string;
  /** What stands for its value in the help. */
  value?: string;
  short?: string;
  required?: true;
  many?: true;
  choices?: readonly string[];
};

type ArgumentValue<A extends Argument> = A extends { many: true }
  ? string[]
  : A extends { optional: true }
    ? string | undefined
    : string;

type OptionValue<O extends Option> = O extends { value: string }
  ? O extends { many: true }
    ? string[]
    : O extends { required: true }
      ? string
      : string | undefined
  : boolean;

/** What was given: arguments and options by their key. */
export type Given<A extends Record<string, Argument>, O extends Record<string, Option>> = {
  [K in keyof A]: ArgumentValue<A[K]>;
} & { [K in keyof O]: OptionValue<O[K]> };

/** One row of the command line's table: all that parsing, help and errors need. */
export type Command = {
  /** One word, or two: `weight set`. */
  name: string;
  summary: string;
  /** What a user must know beyond the summary; paragraphs. */
  details?: string;
  arguments: Record<string, Argument>;
  options: Record<string, Option>;
  /** What `-c` may name, where the command prints as OpenStack clients do. */
  columns?: readonly string[];
  /** Without the program's name. */
  examples: readonly string[];
  run: (context: Context, given: Record<string, never>) => Promise<ExitCode | undefined>;
};

/** A command whose `run` gets what its own arguments and options say, typed. */
export function command<
  const A extends Record<string, Argument>,
  const O extends Record<string, Option>,
>(
  row: Omit<Command, "arguments" | "options" | "run"> & {
    arguments: A;
    options: O;
    // biome-ignore lint/suspicious/noConfusingVoidType: a run that says nothing has succeeded
    run: (context: Context, given: Given<A, O>) => Promise<ExitCode | void>;
  },
): Command {
  // parse.ts builds `given` from this very row, so it is what `run` declares.
  return row as unknown as Command;
}
