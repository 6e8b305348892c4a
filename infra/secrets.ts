import { settings } from "./stage.ts";

/** The clouds with their credentials: what clouds.yaml holds. */
export const cloudsYaml = new sst.Secret("CloudsYaml");

/** Who may call the API: `name:role:sha256`, one a line. Not needed where an OIDC issuer says who may. */
export const apiTokens = new sst.Secret("ApiTokens", settings.oidc === undefined ? undefined : "");
