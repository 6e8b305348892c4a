import { checked } from "./check.ts";
import { settings as written } from "./settings.ts";

/** The settings of this deployment, as sst.config.ts found them right. */
export const settings = checked(written, $app.stage);

/** True where nothing may get lost: production, unless the settings say otherwise. */
export const isProtected = settings.protectedStages.includes($app.stage);

/** A name of this stage's own, for what SST does not name. */
export function named(name: string): string {
  return `${$app.name}-${$app.stage}-${name}`;
}
