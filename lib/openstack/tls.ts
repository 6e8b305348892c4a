import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { Tls } from "./pool.ts";

/** The PEM text that a setting names, or undefined where its file cannot be read. */
export type ReadPem = (setting: string) => string | undefined;

type TlsEntry = {
  cacert?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  verify?: boolean | undefined;
  insecure?: boolean | undefined;
};

/**
 * TLS as openstacksdk takes it from an entry (config/cloud_region.py get_requests_verify_args):
 * `insecure` goes before `verify`, `verify: false` before cacert, and cacert replaces the CAs we know.
 */
export function tlsOf(
  { cacert, cert, key, verify = true, insecure = false }: TlsEntry,
  readPem: ReadPem,
  problem: (says: string) => void,
): Tls {
  const pem = (name: string, setting: string | undefined) => {
    const text = setting === undefined ? undefined : readPem(setting);
    if (setting !== undefined && text === undefined) problem(`${name} cannot be read`);
    return text;
  };
  const isVerified = verify && !insecure;
  const ca = isVerified ? pem("cacert", cacert) : undefined;
  const certificate = pem("cert", cert);
  // Without a key of its own the certificate's file holds it.
  const privateKey = certificate === undefined ? undefined : key ? pem("key", key) : certificate;
  const tls: Tls = {
    verify: isVerified,
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(privateKey === undefined ? {} : { key: privateKey }),
  };
  try {
    createSecureContext(tls);
    // A CA that is none is passed over in silence, and would make every certificate an unknown one.
    if (ca !== undefined) new X509Certificate(ca);
  } catch {
    problem("cacert, cert or key is not PEM, or cert and key do not belong together");
  }
  return tls;
}
