import type { Inputs } from "./planned.ts";

/** How Pulumi marks a value that is not plain JSON, and the mark of a secret (sdk/nodejs/runtime/rpc.ts). */
const MARK = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** A value as Pulumi sends a secret one. */
export function secret(value: unknown): Inputs {
  return { [MARK]: SECRET, value };
}

/** Plain values out of Pulumi's wire form, and the paths of those that are marked secret. */
export function plainOf(wire: Inputs): { plain: Inputs; secrets: string[] } {
  const secrets: string[] = [];
  return { plain: walk(wire, "") as Inputs, secrets };

  function walk(value: unknown, at: string): unknown {
    if (Array.isArray(value)) return value.map((one, index) => walk(one, `${at}[${index}]`));
    if (typeof value !== "object" || value === null) return value;
    const { [MARK]: mark, ...rest } = value as Inputs;
    if (mark === SECRET) {
      secrets.push(at);
      return walk(rest.value, at);
    }
    if (mark !== undefined) return rest; // a file or an archive: its path and hash
    const entries = Object.entries(rest);
    return Object.fromEntries(
      entries.map(([key, one]) => [key, walk(one, at === "" ? key : `${at}.${key}`)]),
    );
  }
}
