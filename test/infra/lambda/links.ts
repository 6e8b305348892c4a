import { createCipheriv } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Planned } from "../engine/planned.ts";
import { linksOf } from "../find.ts";
import { unzip } from "./zip.ts";

/**
 * The files of a function's package, as a deployment after `sst secret set` of these makes it: the
 * links that SST enciphers into it have the new values. A secret that is not linked to the function
 * does not get in.
 */
export async function packageWith(
  zip: string,
  planned: Planned,
  secrets: Record<string, string>,
): Promise<Map<string, Buffer>> {
  const { SST_KEY, SST_KEY_FILE } = planned.inputs.environment.variables;
  const links = Object.entries(await linksOf(zip, planned)).map(([name, link]) =>
    Object.hasOwn(secrets, name) ? [name, { ...link, value: secrets[name] }] : [name, link],
  );
  const cipher = createCipheriv("aes-256-gcm", Buffer.from(SST_KEY, "base64"), Buffer.alloc(12));
  const enciphered = [cipher.update(JSON.stringify(Object.fromEntries(links))), cipher.final()];
  const sealed = Buffer.concat([...enciphered, cipher.getAuthTag()]);
  return new Map([...unzip(await readFile(zip)), [SST_KEY_FILE, sealed]]);
}
