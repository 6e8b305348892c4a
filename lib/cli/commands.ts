import type { Command } from "./command.ts";
import {
  pauseCommand,
  planCommand,
  reconcileCommand,
  releaseCommand,
  resumeCommand,
} from "./commands/actions.ts";
import { cloudOrderCommands } from "./commands/cloud-orders.ts";
import { cloudListCommand, cloudShowCommand } from "./commands/clouds.ts";
import { eventsCommand } from "./commands/events.ts";
import { explainCommand } from "./commands/explain.ts";
import { deadLettersCommand, demoCommands } from "./commands/local.ts";
import { loginCommand, logoutCommand } from "./commands/login.ts";
import {
  addCommand,
  deleteCommand,
  listCommand,
  showCommand,
  updateCommand,
} from "./commands/stacks.ts";
import { tokenNewCommand } from "./commands/token.ts";
import { vantageCommand, vantageListCommand, vantageRemoveCommand } from "./commands/vantages.ts";
import { versionCommand } from "./commands/version.ts";
import { watchCommand } from "./commands/watch.ts";
import { weightRemoveCommand, weightSetCommand } from "./commands/weights.ts";
import { witnessRemoveCommand, witnessSetCommand } from "./commands/witnesses.ts";
import { runCommand } from "./run.ts";

/** The command line as one table, in the order of the help. */
export const commands: readonly Command[] = [
  runCommand,
  addCommand,
  listCommand,
  showCommand,
  updateCommand,
  deleteCommand,
  weightSetCommand,
  weightRemoveCommand,
  witnessSetCommand,
  witnessRemoveCommand,
  planCommand,
  watchCommand,
  eventsCommand,
  explainCommand,
  pauseCommand,
  resumeCommand,
  reconcileCommand,
  releaseCommand,
  cloudListCommand,
  cloudShowCommand,
  ...cloudOrderCommands,
  vantageCommand,
  vantageListCommand,
  vantageRemoveCommand,
  ...demoCommands,
  deadLettersCommand,
  loginCommand,
  logoutCommand,
  tokenNewCommand,
  versionCommand,
];
