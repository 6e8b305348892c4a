import { readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { parse, stringify } from "yaml";
import type { Lab } from "./lab.ts";

/** The way from one vantage to one cloud, its Keystone and its Heat: real sockets, that a test cuts. */
export type Path = {
  /** Resets what is under way, and what comes: so many requests in all, or any number until it is mended. */
  cut: (requests?: number) => void;
  mend: () => void;
  /** Requests reset, and connections let through, so far. */
  reset: () => number;
  passed: () => number;
  /** When a PATCH was answered with 202, of all that came this way. Milliseconds of the epoch. */
  accepted: number[];
};

/** The ways of one vantage to all its clouds. */
export type Paths = {
  /** Its own clouds.yaml, which leads through them. */
  cloudsFile: string;
  to: (cloud: string) => Path;
  all: () => Path[];
  close: () => void;
};

type Line = { near: Socket; far: Socket; isAsked: boolean; isPatch: boolean };

/** Lays them from a vantage to clouds of the lab; its clouds.yaml goes to `file`. */
export async function pathsOf(lab: Lab, clouds: string[], file: string): Promise<Paths> {
  const written = parse(await readFile(lab.cloudsFile, "utf8")) as {
    clouds: Record<string, { auth: object }>;
  };
  const laid = await Promise.all(
    clouds.map(async (cloud) => {
      const entry = written.clouds[cloud];
      if (!entry) throw new Error(`${lab.cloudsFile} has no cloud ${cloud}`);
      const { path, ports, close } = await pathTo(lab.ports(cloud));
      const own = {
        ...entry,
        auth: { ...entry.auth, auth_url: `http://127.0.0.1:${ports.keystone}/v3` },
        orchestration_endpoint_override: `http://127.0.0.1:${ports.heat}/v1/%(project_id)s`,
      };
      return { cloud, path, own, close };
    }),
  );
  const entries = Object.fromEntries(laid.map(({ cloud, own }) => [cloud, own]));
  await writeFile(file, stringify({ clouds: entries }), { mode: 0o600 });
  const paths = new Map(laid.map(({ cloud, path }) => [cloud, path]));
  return {
    cloudsFile: file,
    to: (cloud) => {
      const found = paths.get(cloud);
      if (!found) throw new Error(`there is no way to ${cloud}`);
      return found;
    },
    all: () => [...paths.values()],
    close: () => {
      for (const { close } of laid) close();
    },
  };
}

type Ports = { keystone: number; heat: number };

async function pathTo(far: Ports): Promise<{ path: Path; ports: Ports; close: () => void }> {
  const lines = new Set<Line>();
  let left = 0;
  let reset = 0;
  let passed = 0;
  const accepted: number[] = [];
  const take = (port: number) => (near: Socket) => {
    near.on("error", () => {});
    if (left > 0) {
      left -= 1;
      reset += 1;
      near.resetAndDestroy();
      return;
    }
    passed += 1;
    carry(near, port, lines, accepted);
  };
  const servers = {
    keystone: await listening(take(far.keystone)),
    heat: await listening(take(far.heat)),
  };
  const cut = (requests = Number.POSITIVE_INFINITY) => {
    const asked = [...lines].filter(({ isAsked }) => isAsked).length;
    left = Math.max(0, requests - asked);
    reset += asked;
    for (const { near } of lines) near.resetAndDestroy();
  };
  const mend = () => {
    left = 0;
  };
  return {
    path: { cut, mend, reset: () => reset, passed: () => passed, accepted },
    ports: { keystone: portOf(servers.keystone), heat: portOf(servers.heat) },
    close: () => {
      for (const server of Object.values(servers)) server.close();
      for (const { near } of lines) near.destroy();
    },
  };
}

/** Both ways, until either end is gone; then the other end is too. */
function carry(near: Socket, port: number, lines: Set<Line>, accepted: number[]): void {
  const far = connect(port, "127.0.0.1");
  // Nobody connects but to ask: what was cut off before its first byte was a request too.
  const line: Line = { near, far, isAsked: true, isPatch: false };
  lines.add(line);
  near.on("data", (chunk) => {
    line.isAsked = true;
    line.isPatch ||= chunk.toString("latin1", 0, 6) === "PATCH ";
  });
  far.on("data", (chunk) => {
    line.isAsked = false;
    if (line.isPatch && chunk.toString("latin1", 0, 12) === "HTTP/1.1 202")
      accepted.push(Date.now());
    line.isPatch = false;
  });
  far.on("error", () => near.resetAndDestroy());
  near.on("close", () => {
    lines.delete(line);
    far.destroy();
  });
  near.pipe(far).pipe(near);
}

async function listening(take: (near: Socket) => void): Promise<Server> {
  const server = createServer(take);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
