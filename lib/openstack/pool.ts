import buildConnector from "undici/lib/core/connect.js";
import Pool from "undici/lib/dispatcher/pool.js";
import { guardedLookup } from "./addresses.ts";

/** PEM texts, already read. `verify: false` takes any certificate. */
export type Tls = { ca?: string; cert?: string; key?: string; verify: boolean };

/**
 * The connections of one origin. `tlsAlerts` are what the server said against our side of TLS after
 * the handshake, where TLS 1.3 puts its word on client certificates: undici tells the request only that
 * the other side closed, and a certificate of ours that expired must not look like an outage.
 */
export type OriginPool = { pool: Pool; tlsAlerts: () => { count: number; last?: Error } };

const CONNECTIONS = 16;

/** Up to 16 connections with this TLS; `deadlineMs` frees the socket of a connect that never comes. */
export function originPool(origin: string, tls: Tls, deadlineMs: number): OriginPool {
  const alerts: { count: number; last?: Error } = { count: 0 };
  const connect = buildConnector({
    allowH2: false,
    timeout: deadlineMs,
    lookup: guardedLookup(),
    // Node's 250 ms for each address of a name gives up on clouds that are merely far away.
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: Math.max(10, Math.min(1000, Math.floor(deadlineMs / 4))),
    rejectUnauthorized: tls.verify,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
  });
  const pool = new Pool(origin, {
    connections: CONNECTIONS,
    pipelining: 1,
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    // Whatever the server offers: a Lambda that was frozen must not find connections long dead.
    keepAliveMaxTimeout: 4000,
    connect: (options, callback) =>
      connect(options, (...connected) => {
        connected[1]?.on("error", (error: NodeJS.ErrnoException) => {
          if (!error.code?.startsWith("ERR_SSL_")) return;
          alerts.count++;
          alerts.last = error;
        });
        callback(...connected);
      }),
  });
  return { pool, tlsAlerts: () => ({ ...alerts }) };
}
