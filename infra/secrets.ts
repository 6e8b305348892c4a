import { tokenEntries } from "../lib/api/auth.ts";
import { cloudsProblems } from "../lib/openstack/problems.ts";
import { settings } from "./stage.ts";

/** The clouds with their credentials: what clouds.yaml holds. Without a value it is refused below. */
export const cloudsYaml = new sst.Secret("CloudsYaml", "");

/** Who may call the API: `name:role:sha256`, one a line. Where an OIDC issuer says who may, there are none. */
export const apiTokens = new sst.Secret("ApiTokens", "");

/** What the webhook knows us by, where there is one. */
export const webhookToken =
  settings.webhook === undefined ? undefined : new sst.Secret("WebhookToken", "");

// Before anything is made. What is said tells a person what to do, and quotes none of them.
const problems = [
  ...ofClouds(await textOf(cloudsYaml)),
  ...ofTokens(await textOf(apiTokens)),
  ...(webhookToken === undefined ? [] : ofWebhook(await textOf(webhookToken))),
];
if (problems.length > 0) throw new $util.RunError(problems.join("\n"));

function ofClouds(text: string): string[] {
  const set = `\`npx sst secret set CloudsYaml --stage ${$app.stage} < clouds.yaml\``;
  if (text === "") return [`The secret CloudsYaml has no value yet: ${set} sets it.`];
  const found = cloudsProblems(text, settings.clouds);
  return found.length === 0 ? [] : [...found, `Mend that in clouds.yaml; ${set} sets it anew.`];
}

function ofTokens(text: string): string[] {
  if (settings.oidc !== undefined) return [];
  const help = `\`npx heat-spreader token new NAME\` makes a token and its entry, and \`npx sst secret set ApiTokens --stage ${$app.stage} ENTRY\` sets it.`;
  try {
    if (tokenEntries(text).length > 0) return [];
    return [`The secret ApiTokens has no value yet, so nobody would get in: ${help}`];
  } catch (error) {
    return [`${error instanceof Error ? error.message : "ApiTokens cannot be read."} ${help}`];
  }
}

function ofWebhook(text: string): string[] {
  const set = `\`npx sst secret set WebhookToken --stage ${$app.stage} < token.txt\` sets it.`;
  if (text === "") return [`The secret WebhookToken has no value yet: ${set}`];
  // EventBridge takes 512 letters of a header's value, "Bearer " among them.
  if (/^[!-~]{1,505}$/.test(text)) return [];
  return [`The secret WebhookToken is no token: take 1 to 505 letters without spaces. ${set}`];
}

function textOf({ value }: sst.Secret): Promise<string> {
  return new Promise((resolve) => value.apply(resolve));
}
