import { parseArgs } from "node:util";
import { chosen } from "./columns.ts";
import type { Argument, Command, Option } from "./command.ts";
import { usage } from "./failure.ts";
import { quoted } from "./quoted.ts";
import { suggestion } from "./suggestion.ts";

/** What a command line asks for: a command with what it was given, or help on a level. */
export type Asked =
  | { command: Command; given: Record<string, never> }
  | { help: string }
  | { version: true };

/**
 * Reads a command line by the table of commands. Throws a usage Failure that names what is wrong,
 * what was perhaps meant, and where the help is.
 */
export function parse(commands: readonly Command[], argv: readonly string[]): Asked {
  const [first, second] = argv;
  if (first === undefined || first === "--help" || first === "-h") return { help: "" };
  if (first === "--version") return { version: true };
  if (first === "help") return { help: level(commands, argv.slice(1)) };
  if (first.startsWith("-")) throw usage(`There is no option ${first} here. ${see("")}`);
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  // `vantage --url ...` is a command of its own, beside `vantage list`.
  const isAlone = second?.startsWith("-") && commands.some((one) => one.name === first);
  const isGroup = group.length > 0 && second !== undefined && !isAlone;
  const name = isGroup ? `${first} ${second}` : first;
  const command = commands.find((one) => one.name === name);
  if (command) return ofCommand(command, argv.slice(name === first ? 1 : 2));
  if (group.length === 0) throw usage(unknown(commands, first));
  if (second === undefined || second === "--help" || second === "-h") return { help: first };
  throw usage(unknown(group, name));
}

/** The level that `help weight set` asks about. */
function level(commands: readonly Command[], words: readonly string[]): string {
  const name = words.join(" ");
  if (name === "" || commands.some((one) => `${one.name} `.startsWith(`${name} `))) return name;
  throw usage(unknown(commands, name));
}

function unknown(commands: readonly Command[], name: string): string {
  const firstWords = commands.map((one) => one.name.split(" ")[0] ?? "");
  const known = [...new Set([...commands.map((one) => one.name), ...firstWords])];
  const group = name.includes(" ") ? (name.split(" ")[0] ?? "") : "";
  return `There is no command ${quoted(name)}.${suggestion(name, known)} ${see(group)}`;
}

function ofCommand(command: Command, argv: string[]): Asked {
  const options = { ...command.options, help: { summary: "", short: "h" } satisfies Option };
  const { tokens } = parseArgs({
    args: argv,
    // Not strict: `--count -1` is a bad count, not a bad option, and only we can say so.
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      Object.entries<Option>(options).map(([name, { value, short }]) => [
        name,
        { type: value === undefined ? "boolean" : "string", ...(short ? { short } : {}) },
      ]),
    ),
  });
  if (tokens.some((token) => token.kind === "option" && token.name === "help")) {
    return { help: command.name };
  }
  const words: string[] = [];
  const values = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const value = optionValue(command, token);
    values.set(token.name, [...(values.get(token.name) ?? []), value]);
  }
  const given = { ...argumentsGiven(command, words), ...optionsGiven(command, values) };
  chosen({ column: values.get("column") ?? [] }, command.columns ?? []);
  return { command, given: given as Record<string, never> }; // typed by command()
}

type OptionToken = {
  name: string;
  rawName: string;
  value?: string | undefined;
  inlineValue?: boolean | undefined;
};

function optionValue(command: Command, token: OptionToken): string {
  const { name, rawName, value, inlineValue } = token;
  const known = Object.keys(command.options);
  const option = Object.hasOwn(command.options, name) ? command.options[name] : undefined;
  if (option === undefined) {
    const meant = suggestion(
      rawName,
      known.map((one) => `--${one}`),
    );
    throw usage(`${command.name} has no option ${quoted(rawName)}.${meant} ${see(command.name)}`);
  }
  if (option.value === undefined) {
    if (value === undefined) return "";
    throw usage(`${rawName} is a switch and takes no value. ${see(command.name)}`);
  }
  const isAnotherOption = !inlineValue && known.some((one) => value === `--${one}`);
  if (value === undefined || isAnotherOption) {
    throw usage(`${rawName} needs a value: ${rawName} ${option.value}. ${see(command.name)}`);
  }
  if (option.choices && !option.choices.includes(value)) {
    const meant = suggestion(value, option.choices);
    throw usage(`${rawName} is one of ${option.choices.join(", ")}, not ${quoted(value)}.${meant}`);
  }
  return value;
}

function argumentsGiven(command: Command, words: string[]): Record<string, unknown> {
  const rest = [...words];
  const given = Object.entries<Argument>(command.arguments).map(([key, argument]) => {
    const taken = argument.many ? rest.splice(0) : rest.splice(0, 1);
    if (taken.length === 0 && !argument.optional) {
      throw usage(
        `${command.name} needs ${argument.name}: ${lowerFirst(argument.summary)}. ${see(command.name)}`,
      );
    }
    return [key, argument.many ? taken : taken[0]];
  });
  const [tooMuch] = rest;
  if (tooMuch === undefined) return Object.fromEntries(given);
  throw usage(
    `${command.name} does not know what to do with ${quoted(tooMuch)}. ${see(command.name)}`,
  );
}

function optionsGiven(command: Command, values: Map<string, string[]>): Record<string, unknown> {
  const given = Object.entries<Option>(command.options).map(([name, option]) => {
    const all = values.get(name) ?? [];
    if (option.required && all.length === 0) {
      throw usage(
        `${command.name} needs --${name} ${option.value}: ${lowerFirst(option.summary)}. ${see(command.name)}`,
      );
    }
    if (option.value === undefined) return [name, all.length > 0];
    return [name, option.many ? all : all.at(-1)];
  });
  return Object.fromEntries(given);
}

function see(level: string): string {
  return `See heat-spreader ${level === "" ? "" : `${level} `}--help.`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
