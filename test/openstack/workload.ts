import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What a stack serves in some cloud: it answers 200 until it dies. */
export type Workload = { url: string; die: () => Promise<void> };

/** A small HTTP server on a port of its own. */
export async function workload(): Promise<Workload> {
  const server = createServer((_, response) => response.end("well"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/health`,
    die: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
