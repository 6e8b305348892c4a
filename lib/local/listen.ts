import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { isLoopback, urlHost } from "./host.ts";

export type ListenOptions = {
  address: string;
  /** 0: any free one. */
  port: number;
  /** True: an address that other machines reach, without TLS. */
  insecure: boolean;
};

/** Throws, saying what to do, what `listen` and `refuseOpenAddress` would, so that nothing is begun in vain. */
export async function requireAddress(options: ListenOptions): Promise<void> {
  refuseOpenAddress(options);
  const server = createServer();
  await listen(server, options);
  await new Promise((resolve) => server.close(resolve));
}

/** Throws, saying what to do, where the address is open to others without TLS. */
export function refuseOpenAddress({ address, insecure }: Omit<ListenOptions, "port">): void {
  if (isLoopback(address) || insecure) return;
  throw new Error(
    `Refusing to listen on ${address}: without TLS, tokens would cross the network in clear. ` +
      "Listen on 127.0.0.1 behind a proxy that speaks TLS, or set `insecure: true` under `server` " +
      "if the network is yours.",
  );
}

/** Resolves with the port. Throws, saying what to do, where it cannot be listened on. */
export function listen(
  server: Server,
  { address, port }: Omit<ListenOptions, "insecure">,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(new Error(listenFault(error.code, address, port), { cause: error }));
    });
    server.listen({ host: address.replace(/^\[(.*)\]$/, "$1"), port }, () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function listenFault(code: string | undefined, address: string, port: number): string {
  const at = `${urlHost(address)} port ${port}`;
  if (code === "EADDRINUSE") {
    return `${at} is in use. End what listens there, or set another \`port\` under \`server\` (0: any free one).`;
  }
  if (code === "EACCES") {
    return `${at} needs privileges that this user has not. Set a \`port\` of 1024 or above under \`server\`.`;
  }
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return `${address} is not an address of this machine. Set \`address\` under \`server\` to one that is, such as 127.0.0.1.`;
  }
  return `Cannot listen on ${at} (${code}).`;
}
