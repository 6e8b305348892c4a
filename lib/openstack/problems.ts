import { cloudEntries, nameProblem } from "./clouds-entries.ts";
import { type CloudsFiles, readCloudsFiles } from "./clouds-files.ts";
import { cloudSettings } from "./settings.ts";

/**
 * What is wrong with a clouds.yaml for functions that have no files beside it, a sentence each; none
 * when every cloud of `only` (empty: every one) can be called. It is never quoted.
 */
export function cloudsProblems(text: string, only: readonly string[]): string[] {
  let files: CloudsFiles;
  try {
    files = readCloudsFiles({ text, environment: {}, cwd: "", home: "" });
  } catch (error) {
    return [error instanceof Error ? error.message : "clouds.yaml cannot be read."];
  }
  const entries = cloudEntries(files);
  const names = only.length === 0 ? [...entries.keys()] : only;
  if (names.length === 0) return ["There is no cloud in clouds.yaml."];
  return names.flatMap((name) => {
    const entry = entries.get(name);
    if (entry === undefined) return [`${name} is not in clouds.yaml.`];
    const problem = nameProblem(name, files.source);
    if (problem !== undefined) return [problem];
    const settings = entry.ok ? cloudSettings(name, entry.value, inlinePem) : entry;
    return settings.ok ? [] : [settings.fault.message];
  });
}

/** The path of a file on the machine that deploys would lead nowhere. */
function inlinePem(setting: string): string | undefined {
  return setting.includes("-----BEGIN ") ? setting : undefined;
}
