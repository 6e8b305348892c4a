import manifest from "../../../package.json" with { type: "json" };
import { command } from "../command.ts";

export const { version } = manifest;

export const versionCommand = command({
  name: "version",
  summary: "Print the version",
  arguments: {},
  options: {},
  examples: ["version"],
  run: async ({ terminal }) => terminal.print(version),
});
