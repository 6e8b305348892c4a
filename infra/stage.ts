import { checked } from "./check.ts";
import { settings as written } from "./settings.ts";

/** The settings of this deployment, found right before anything else is looked at. */
export const settings = inOneSentence(() => checked(written, $app.stage));

/** True where nothing may get lost: production, unless the settings say otherwise. */
export const isProtected = settings.protectedStages.includes($app.stage);

/** A name of this stage's own, for what SST does not name. */
export function named(name: string): string {
  return `${$app.name}-${$app.stage}-${name}`;
}

/** Does it, and throws what it throws so that only the message is shown, without a stack. */
function inOneSentence<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new $util.RunError(error instanceof Error ? error.message : String(error));
  }
}
