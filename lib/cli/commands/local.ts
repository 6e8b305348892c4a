import type { DemoVerb } from "../../local/demo/control.ts";
import { command } from "../command.ts";
import { formatOptions, printList } from "../format.ts";

const demoVerbs: { verb: DemoVerb; summary: string }[] = [
  { verb: "down", summary: "Make a cloud of the running demo refuse every connection" },
  { verb: "up", summary: "Bring a cloud of the running demo back" },
  {
    verb: "freeze",
    summary: "Make a cloud of the running demo accept connections and never answer",
  },
];

export const demoCommands = demoVerbs.map(({ verb, summary }) =>
  command({
    name: `demo ${verb}`,
    summary,
    arguments: { cloud: { name: "CLOUD", summary: "athens, manchester or stockholm" } },
    options: {},
    examples: [`demo ${verb} stockholm`],
    run: async (context, given) => {
      const { stateDirectory } = await context.config();
      const { demoControl } = await import("../../local/demo/control.ts");
      context.terminal.print(await demoControl({ stateDirectory }, verb, given.cloud));
    },
  }),
);

const columns = ["at", "attempts", "item", "reason"];

export const deadLettersCommand = command({
  name: "dead-letters",
  summary: "List what the runtime on this machine has given up on",
  details:
    "A record of the table's stream is given up on after many failures. Nothing is lost with it: its\n" +
    "stack is looked at again by the next tick. But something is wrong, and the reason says what. An\n" +
    "event that the webhook did not take for a day is here too; `heat-spreader explain ID` tells it.",
  arguments: {},
  options: formatOptions,
  columns,
  examples: ["dead-letters", "dead-letters -f json"],
  run: async (context, given) => {
    const { backend, stateDirectory } = await context.config();
    const { deadLetters } = await import("../../local/letters.ts");
    const database = backend.type === "sqlite" ? backend.database : ":memory:";
    const letters = await deadLetters({ database, stateDirectory });
    printList(context, given, {
      columns,
      rows: letters.map(({ at, attempts, reason, record }) => {
        const keys = record.dynamodb?.Keys;
        return { at, attempts, item: `${keys?.pk?.S} / ${keys?.sk?.S}`, reason };
      }),
      empty: "There are no dead letters.",
    });
  },
});
