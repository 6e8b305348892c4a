import { type Witness, WitnessInput } from "../../stack/witness.ts";
import { command } from "../command.ts";
import { Failure, usage } from "../failure.ts";
import { cloudName, httpStatus, parsed, stackName } from "../given.ts";
import { shown } from "../quoted.ts";
import { declarationColumns } from "../stack-view.ts";
import { changed, changeOptions } from "./change.ts";

const STACK = { name: "STACK", summary: "The stack" } as const;

export const witnessSetCommand = command({
  name: "witness set",
  summary: "Name where to ask whether the workload in a cloud answers",
  details:
    "While a cloud's Heat is silent its witness is asked too, and the share stays there as long as the\n" +
    "workload answers. It is asked without credentials; a redirect is not followed. A cloud has one\n" +
    "witness a stack; a second one replaces it. The cloud needs a weight first, and a witness goes with\n" +
    "it. A URL and an address are kept as they are asked.",
  arguments: {
    stack: STACK,
    cloud: { name: "CLOUD", summary: "The cloud whose workload it is of" },
  },
  options: {
    url: { value: "URL", summary: "An http or https URL, asked with GET" },
    status: { value: "N", summary: "The status that says that it answers; 200 unless said" },
    tcp: { value: "HOST:PORT", summary: "An address instead, where a connection is enough" },
    ...changeOptions,
  },
  columns: declarationColumns,
  examples: [
    "witness set web athens --url https://athens.example.org/health",
    "witness set web oslo --tcp oslo.example.org:443",
  ],
  run: async (context, given) => {
    const stack_name = stackName(given.stack);
    const body = { witnesses: { [cloudName(given.cloud)]: witnessOf(given) } };
    return changed(context, given, async () =>
      (await context.connection()).client.patchStack({ stack_name, body }),
    );
  },
});

export const witnessRemoveCommand = command({
  name: "witness remove",
  summary: "Go by Heat alone in a cloud again",
  arguments: { stack: STACK, cloud: { name: "CLOUD", summary: "The cloud" } },
  options: changeOptions,
  columns: declarationColumns,
  examples: ["witness remove web athens"],
  run: async (context, given) => {
    const stack_name = stackName(given.stack);
    const cloud = cloudName(given.cloud);
    return changed(context, given, async () => {
      const { client } = await context.connection();
      const { witnesses = {} } = await client.getStack({ stack_name });
      // A merge takes away what is not there without a word; a person has mistyped a name.
      if (!Object.hasOwn(witnesses, cloud)) {
        throw new Failure(`${stack_name} has no witness for ${cloud}.`);
      }
      return client.patchStack({ stack_name, body: { witnesses: { [cloud]: null } } });
    });
  },
});

type WitnessGiven = Record<"url" | "status" | "tcp", string | undefined>;

function witnessOf({ url, status, tcp }: WitnessGiven): Witness {
  if ((url === undefined) === (tcp === undefined)) {
    throw usage("witness set needs --url URL or --tcp HOST:PORT, and only one of them.");
  }
  if (tcp !== undefined && status !== undefined) {
    throw usage("--status goes with --url; a TCP connection has none.");
  }
  const written = url === undefined ? `--tcp ${shown(tcp ?? "")}` : "--url";
  const expected = status === undefined ? {} : { status: httpStatus(status) };
  // A URL is not repeated: there may be a password in it.
  return parsed(WitnessInput, url === undefined ? { tcp } : { url, ...expected }, written, "");
}
