import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { ACCOUNT } from "./answers.ts";

/** What SST keeps of a region that it has prepared; a version this high has nothing left to prepare. */
const bootstrap = {
  version: 1000,
  asset: "sst-asset-offline",
  state: "sst-state-offline",
  assetEcrRegistryId: ACCOUNT,
  assetEcrUrl: `${ACCOUNT}.dkr.ecr.offline.amazonaws.com/sst-asset`,
  appsyncHttp: "",
  appsyncRealtime: "",
};

const identity = `<GetCallerIdentityResponse><GetCallerIdentityResult>
<Arn>arn:aws:iam::${ACCOUNT}:user/offline</Arn><UserId>OFFLINE</UserId><Account>${ACCOUNT}</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>`;

type Answer = { status: number; type?: string; body?: string | Buffer };

/**
 * The few calls to AWS that the command line makes itself, on a loopback port: parameters (SSM), state
 * files (S3), who am I (STS). It remembers for one command: every deployment is a first one.
 */
export async function offlineAws(): Promise<{ url: string; close: () => void }> {
  const parameters = new Map([["/sst/bootstrap", JSON.stringify(bootstrap)]]);
  const objects = new Map<string, Buffer>();

  async function answer(request: IncomingMessage): Promise<Answer> {
    const body = await buffer(request);
    const target = request.headers["x-amz-target"];
    if (typeof target === "string") return parameter(target, JSON.parse(body.toString()));
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://offline");
    if (request.method === "POST" && pathname === "/") return xml(200, identity);
    if (searchParams.has("list-type")) return xml(200, "<ListBucketResult/>");
    return object(request.method, pathname, body);
  }

  function parameter(target: string, { Name, Value }: { Name: string; Value?: string }): Answer {
    if (target.endsWith(".PutParameter")) {
      parameters.set(Name, Value ?? "");
      return json(200, { Version: 1 });
    }
    if (!target.endsWith(".GetParameter")) return json(400, { __type: "UnknownOperation" });
    const known = parameters.get(Name);
    if (known === undefined) return json(400, { __type: "ParameterNotFound" });
    return json(200, { Parameter: { Name, Type: "String", Value: known } });
  }

  function object(method: string | undefined, key: string, body: Buffer): Answer {
    if (method === "PUT") objects.set(key, body);
    if (method === "DELETE") objects.delete(key);
    if (method === "PUT" || method === "DELETE") return { status: 200 };
    const known = objects.get(key);
    if (known === undefined) return xml(404, "<Error><Code>NoSuchKey</Code></Error>");
    return { status: 200, body: known };
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (made) => send(request, response, made),
      (error) => response.destroy(error),
    );
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const { status, type = "application/octet-stream", body = "" } = answer;
  response.writeHead(status, {
    etag: '"offline"',
    "content-type": type,
    "content-length": Buffer.byteLength(body),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

function json(status: number, body: unknown): Answer {
  return { status, type: "application/x-amz-json-1.1", body: JSON.stringify(body) };
}

function xml(status: number, body: string): Answer {
  return { status, type: "application/xml", body };
}
