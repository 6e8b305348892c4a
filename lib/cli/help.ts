import type { Argument, Command, Option } from "./command.ts";

const about = `Keeps one service's Heat stacks right in several OpenStack clouds: a total count, and a weight for
each cloud. When a cloud is lost, its share moves to the others.`;

const settings = `Settings are read from ~/.config/openstack/heat-spreader.yaml, or HEAT_SPREADER_CONFIG_FILE.
Commands go to the Heat Spreader that runs here; "heat-spreader login URL" names a deployment, and
HEAT_SPREADER_URL and HEAT_SPREADER_TOKEN go before both.

"heat-spreader COMMAND --help" says more about a command, with examples.`;

const WIDTH = 100;

/** What the words of two-word commands have in common. */
const groups: Record<string, string> = {
  weight: "Set and remove weights",
  witness: "Name, per cloud, where to ask whether the workload answers",
  cloud: "Show clouds, empty them, and answer suspicions",
  vantage: "List and remove the places that probe",
  demo: "Take the demo's clouds down and bring them back",
  token: "Make tokens for the API",
};

/** The help of a level: everything (""), a group (`weight`) or a command (`weight set`). */
export function help(commands: readonly Command[], level: string): string {
  const command = commands.find(({ name }) => name === level);
  if (level === "") return ofAll(commands);
  const group = commands.filter(({ name }) => name.startsWith(`${level} `));
  if (command) return ofCommand(command, group);
  return [
    `Usage: heat-spreader ${level} COMMAND`,
    `${groups[level] ?? ""}.`,
    `Commands:\n${table(group.map((one) => [words(one), one.summary]))}`,
    examples(group.flatMap((one) => one.examples.slice(0, 1))),
  ].join("\n\n");
}

function ofAll(commands: readonly Command[]): string {
  const names = new Set(commands.map(({ name }) => name.split(" ")[0] ?? ""));
  const rows = [...names].flatMap((name) => {
    const command = commands.find((one) => one.name === name);
    const group = Object.hasOwn(groups, name) ? [[`${name} ...`, groups[name] ?? ""]] : [];
    return command ? [[words(command), command.summary], ...group] : group;
  });
  return [
    "Usage: heat-spreader COMMAND",
    about,
    `Commands:\n${table(rows)}`,
    examples([
      "run",
      "add web --count 10 --parameter count",
      "weight set web athens=0.6 manchester=0.2 stockholm=0.2",
      "show web",
    ]),
    settings,
  ].join("\n\n");
}

/** `group`: the commands whose first word it is. */
function ofCommand(command: Command, group: readonly Command[]): string {
  const options = Object.entries<Option>({
    ...command.options,
    help: { short: "h", summary: "Show this" },
  });
  const given = Object.values<Argument>(command.arguments);
  return [
    `Usage: heat-spreader ${invocation(command)}`,
    `${command.summary}.`,
    ...(command.details === undefined ? [] : [command.details]),
    ...(given.length === 0
      ? []
      : [`Arguments:\n${table(given.map(({ name, summary }) => [name, summary]))}`]),
    `Options:\n${table(options.map(([name, option]) => [flag(name, option), option.summary]))}`,
    ...(command.columns === undefined ? [] : [columns(command.columns)]),
    ...(group.length === 0
      ? []
      : [`Commands:\n${table(group.map((one) => [words(one), one.summary]))}`]),
    examples(command.examples),
  ].join("\n\n");
}

/** `add STACK --count N --parameter NAME [OPTIONS]` */
function invocation(command: Command): string {
  const required = Object.entries<Option>(command.options)
    .filter(([, option]) => option.required)
    .map(([name, { value }]) => `--${name} ${value}`);
  const isMore = Object.keys(command.options).length > required.length;
  return [words(command), ...required, ...(isMore ? ["[OPTIONS]"] : [])].join(" ");
}

/** `weight set STACK CLOUD=WEIGHT ...` */
function words(command: Command): string {
  const names = Object.values<Argument>(command.arguments).map(({ name, optional, many }) => {
    const all = many ? `${name} ...` : name;
    return optional ? `[${all}]` : all;
  });
  return [command.name, ...names].join(" ");
}

function flag(name: string, { short, value }: Option): string {
  return `${short ? `-${short}, ` : "    "}--${name}${value ? ` ${value}` : ""}`;
}

/** What -c may name. */
function columns(names: readonly string[]): string {
  return `Columns:\n${folded(names.join(", "), "  ")}`;
}

function examples(lines: readonly string[]): string {
  const title = lines.length === 1 ? "Example" : "Examples";
  return `${title}:\n${lines.map((line) => `  heat-spreader ${line}`).join("\n")}`;
}

/** Heads to the left, texts beside them, long ones on several lines. */
function table(rows: readonly string[][]): string {
  const width = Math.max(...rows.map(([head = ""]) => head.length));
  const indent = " ".repeat(width + 4);
  return rows
    .map(([head = "", text = ""]) => `  ${head.padEnd(width)}  ${folded(text, indent).trimStart()}`)
    .join("\n");
}

/** A text in lines of at most `width`, each after the indent. */
export function folded(text: string, indent: string, width = WIDTH): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    const fits = line !== undefined && indent.length + line.length + 1 + word.length <= width;
    if (fits) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => indent + line).join("\n");
}
