import { command } from "../command.ts";
import { usage } from "../failure.ts";
import { formatOf, formatOptions } from "../format.ts";
import { cloudName, stackName, weight, weights } from "../given.ts";
import { leftText } from "../ledger-view.ts";
import { declarationColumns, printDeclaration } from "../stack-view.ts";
import { changed, changeOptions } from "./change.ts";

const STACK = { name: "STACK", summary: "The stack" } as const;

export const weightSetCommand = command({
  name: "weight set",
  summary: "Set the weights of clouds, one or several at once",
  details:
    "A weight is a cloud's part of the count, from 0 to 1; 0 makes it a standby that gets instances\n" +
    "only while another cloud is lost. All weights of a stack sum to 1 at most. Set several at once when\n" +
    "the sum would pass 1 on the way. Clouds that are not named keep theirs.",
  arguments: {
    stack: STACK,
    clouds: { name: "CLOUD=WEIGHT", many: true, summary: "A cloud of clouds.yaml and its weight" },
  },
  options: {
    weight: { value: "W", summary: "The weight, where one CLOUD is named without its own" },
    ...changeOptions,
  },
  columns: declarationColumns,
  examples: [
    "weight set web athens=0.6 manchester=0.2 stockholm=0.2",
    "weight set web athens --weight 0.5",
    "weight set web athens=0 --wait",
  ],
  run: async (context, given) => {
    const stack_name = stackName(given.stack);
    if (given.weight !== undefined) {
      const [cloud = "", ...more] = given.clouds;
      if (more.length > 0 || cloud.includes("=")) {
        throw usage(
          "--weight goes with one CLOUD alone. For several write CLOUD=WEIGHT CLOUD=WEIGHT.",
        );
      }
      const one = { stack_name, cloud: cloudName(cloud) };
      const body = { weight: weight(given.weight, `--weight ${given.weight || '""'}`) };
      return changed(context, given, async () =>
        (await context.connection()).client.putWeight({ ...one, body }),
      );
    }
    const body = { weights: weights(given.clouds) };
    return changed(context, given, async () =>
      (await context.connection()).client.patchStack({ stack_name, body }),
    );
  },
});

export const weightRemoveCommand = command({
  name: "weight remove",
  summary: "Let go of a cloud; its heat stack keeps what it has",
  details: "Set its weight to 0 first to empty it. The witness there, if there is one, goes too.",
  arguments: { stack: STACK, cloud: { name: "CLOUD", summary: "The cloud to let go of" } },
  options: formatOptions,
  columns: declarationColumns,
  examples: ["weight remove web athens"],
  run: async (context, given) => {
    const place = { stack_name: stackName(given.stack), cloud: cloudName(given.cloud) };
    const stack = await (await context.connection()).client.deleteWeight(place);
    printDeclaration(context, given, stack);
    if (formatOf(given) !== "table") return;
    for (const left of stack.left_running) {
      context.terminal.note(
        `The heat stack in ${left.cloud} stays as it is, at ${leftText(left)}.`,
      );
    }
  },
});
