import { createHash, randomBytes } from "node:crypto";
import { Role } from "../../api/endpoint.ts";
import { HOME, VantageName } from "../../cloud/schema.ts";
import { command } from "../command.ts";
import { usage } from "../failure.ts";
import { formatOf, formatOptions, printFields } from "../format.ts";

export const tokenNewCommand = command({
  name: "token new",
  summary: "Make a token for the API, and the entry that lets it in",
  details:
    "Nothing is kept. The entry goes into API_TOKENS where `heat-spreader run` runs, or into the secret\n" +
    "ApiTokens of a deployment; either holds all entries, and counts from the next start or deploy on.\n" +
    "The token goes to whoever is to use it (heat-spreader login URL). The entry holds only a hash, from\n" +
    "which the token cannot be found.",
  arguments: { name: { name: "NAME", summary: "Whose token it is; logs and events say it" } },
  options: {
    role: {
      value: "ROLE",
      choices: Role.options,
      summary: "operator (default) may write, reader only reads, vantage only votes",
    },
    ...formatOptions,
  },
  columns: ["token", "entry"],
  examples: [
    "token new alice",
    "token new office --role vantage",
    "token new dashboard --role reader -f json",
  ],
  run: async (context, given) => {
    const { name, role = "operator" } = given;
    if (!/^[A-Za-z0-9][A-Za-z0-9_.@-]{0,62}$/.test(name)) {
      throw usage(
        `${JSON.stringify(name)} cannot name a token: 1 to 63 letters, digits, _ . @ or -, the first a letter or digit.`,
      );
    }
    if (role === "vantage" && (name === HOME || !VantageName.safeParse(name).success)) {
      throw usage(
        `${JSON.stringify(name)} cannot name a vantage: it votes under its token's name, without @, and ${HOME} is the probe's own.`,
      );
    }
    const token = randomBytes(32).toString("base64url");
    const entry = `${name}:${role}:${createHash("sha256").update(token).digest("hex")}`;
    printFields(context, given, { token, entry });
    if (formatOf(given) === "table") {
      context.terminal.note(nextCommands(entry));
    }
  },
});

function nextCommands(entry: string): string {
  return `The token is not shown again. To let it in, beside those that are in, where \`heat-spreader run\` runs:

  export API_TOKENS="$API_TOKENS ${entry}"
  heat-spreader run

or, on AWS:

  echo '${entry}' >> api-tokens.txt
  npx sst secret set ApiTokens --stage production < api-tokens.txt
  npx sst deploy --stage production`;
}
