import { version } from "../../version.ts";
import { command } from "../command.ts";

export const versionCommand = command({
  name: "version",
  summary: "Print the version",
  arguments: {},
  options: {},
  examples: ["version"],
  run: async ({ terminal }) => terminal.print(version),
});
