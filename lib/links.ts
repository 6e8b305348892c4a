import { Resource } from "sst";

/**
 * The secrets that SST linked to this function, by the names of its settings. They lie encrypted
 * beside its code; there is no file to look for, so what is not linked is there, and empty.
 */
export const linked = {
  CLOUDS_YAML: "CloudsYaml" in Resource ? Resource.CloudsYaml.value : "",
  API_TOKENS: "ApiTokens" in Resource ? Resource.ApiTokens.value : "",
};
