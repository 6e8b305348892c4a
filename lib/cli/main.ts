import { version } from "../version.ts";
import { commands } from "./commands.ts";
import { config, type Environment } from "./config.ts";
import { connection, whereabouts as find } from "./connection.ts";
import type { Context } from "./context.ts";
import { type ExitCode, Failure } from "./failure.ts";
import { help } from "./help.ts";
import { parse } from "./parse.ts";
import { plain, type Terminal } from "./terminal.ts";

/**
 * The whole command line: does what `argv` (without node and script) asks, and resolves to the exit
 * code. Expected failures are printed as one message; with HEAT_SPREADER_LOG_LEVEL=DEBUG also where
 * they came from.
 */
export async function main(
  argv: readonly string[],
  { environment, terminal }: { environment: Environment; terminal: Terminal },
): Promise<ExitCode> {
  const context = contextOf(environment, terminal);
  try {
    const asked = parse(commands, argv);
    if ("version" in asked) terminal.print(version);
    if ("help" in asked) terminal.print(help(commands, asked.help));
    if ("command" in asked) return (await asked.command.run(context, asked.given)) ?? 0;
    return 0;
  } catch (error) {
    terminal.note(messageOf(error));
    const isDebugging = environment.HEAT_SPREADER_LOG_LEVEL?.toUpperCase() === "DEBUG";
    if (isDebugging || !isExpected(error)) terminal.note(stackOf(error));
    return error instanceof Failure ? error.exitCode : 1;
  }
}

function contextOf(environment: Environment, terminal: Terminal): Context {
  const read = once(() => config(environment));
  const whereabouts = async (more: Environment) => {
    const [settings, { findRuntime }, { databaseAt }, { readLogin }] = await Promise.all([
      read(),
      import("../local/token.ts"),
      import("../local/signpost.ts"),
      import("./login.ts"),
    ]);
    const local = { login: readLogin(settings), findRuntime, databaseAt };
    return find(settings, { ...environment, ...more }, local);
  };
  const connect = once(async () => connection(await whereabouts({})));
  return { environment, terminal, config: read, whereabouts, connection: connect };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** What throws plain Errors (reading clouds.yaml, starting the runtime) throws sentences; all else is a bug. */
function isExpected(error: unknown): boolean {
  return error instanceof Error && (error instanceof Failure || error.constructor === Error);
}

function messageOf(error: unknown): string {
  if (error instanceof Error)
    return plain(isExpected(error) ? error.message : `A bug: ${error.message}`);
  return `A bug: ${String(error)}`;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? plain(error.stack ?? "") : "";
}
