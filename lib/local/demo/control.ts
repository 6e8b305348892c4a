import { randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import * as z from "zod";
import type { SimulatedCloud } from "./cloud.ts";

export const demoVerbs = ["down", "freeze", "up"] as const;
export type DemoVerb = (typeof demoVerbs)[number];

const done: Record<DemoVerb, string> = {
  down: "refuses every connection now",
  freeze: "accepts connections and answers nothing now",
  up: "answers again",
};

const Address = z.object({ url: z.url(), token: z.string() });

/** Lets another shell of this user take the demo's clouds down and up, by a file of the state directory. */
export async function demoControlServer(options: {
  stateDirectory: string;
  clouds: readonly SimulatedCloud[];
}): Promise<{ stop: () => Promise<void> }> {
  const { stateDirectory, clouds } = options;
  const token = randomBytes(32).toString("base64url");
  const expected = Buffer.from(`Bearer ${token}`);
  const server = createServer(async (request, response) => {
    const given = Buffer.from(request.headers.authorization ?? "");
    const isOurs = given.length === expected.length && timingSafeEqual(given, expected);
    const [, name, verb] = /^\/([^/]+)\/(\w+)$/.exec(request.url ?? "") ?? [];
    const cloud = clouds.find((each) => each.name === name);
    const known = demoVerbs.find((each) => each === verb);
    if (!isOurs || request.method !== "POST") return void response.writeHead(401).end();
    if (!cloud || !known) {
      return void response.writeHead(404).end(clouds.map((each) => each.name).join(", "));
    }
    await cloud[known]();
    response.end(`${cloud.name} ${done[known]}.`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const path = fileIn(stateDirectory);
  const address = { url: `http://127.0.0.1:${port}`, token };
  rmSync(path, { force: true });
  writeFileSync(path, `${JSON.stringify(address)}\n`, { mode: 0o600, flag: "wx" });
  return {
    stop: async () => {
      rmSync(path, { force: true });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Takes a cloud of the running demo down, freezes it, or brings it back. Answers one sentence; throws
 * one where no demo runs, or it has no such cloud.
 */
export async function demoControl(
  options: { stateDirectory: string },
  verb: DemoVerb,
  cloud: string,
): Promise<string> {
  const address = Address.safeParse(addressIn(options.stateDirectory));
  if (!address.success) throw new Error(notRunning);
  const { url, token } = address.data;
  const response = await fetch(`${url}/${encodeURIComponent(cloud)}/${verb}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000),
  }).catch((cause) => {
    throw new Error(notRunning, { cause });
  });
  const text = await response.text();
  if (response.status === 404) {
    throw new Error(`The demo has no cloud ${JSON.stringify(cloud)}. It has: ${text}.`);
  }
  if (!response.ok) throw new Error(notRunning);
  return text;
}

const notRunning = "No demo is running. Start it in another shell: `heat-spreader run --demo`.";

function addressIn(stateDirectory: string): unknown {
  try {
    return JSON.parse(readFileSync(fileIn(stateDirectory), "utf8"));
  } catch {
    return undefined;
  }
}

function fileIn(stateDirectory: string): string {
  return join(stateDirectory, "demo.json");
}
