import { ApiError, type Client, type ClientOptions, client } from "../api/client.ts";
import { isLoopback } from "./address.ts";
import { Failure } from "./failure.ts";

/** Where calls go and with which token, and who said so: what can be done about a failure depends on it. */
export type Target = {
  url: string;
  urlFrom: "argument" | "environment" | "file" | "login" | "runtime";
  token: string | undefined;
  tokenFrom: "stdin" | "environment" | "file" | "login" | "runtime" | undefined;
  timeoutMs: number;
  /** Of heat-spreader.yaml. */
  path: string;
};

/** The API's client, whose errors also say what a person at the command line can do. */
export function advisedClient(target: Target): Client {
  const { url, token, timeoutMs } = target;
  const made = advised({ url, token, timeoutMs }, target);
  const calls = Object.entries(made).map(([name, call]) => [
    name,
    async (...input: never[]) => {
      try {
        return await (call as (...input: never[]) => Promise<unknown>)(...input);
      } catch (error) {
        throw failure(error, target);
      }
    },
  ]);
  return Object.fromEntries(calls) as Client; // the same keys
}

function advised(options: ClientOptions, target: Target): Client {
  try {
    return client(options);
  } catch (error) {
    throw failure(error, target);
  }
}

/** As it is, unless the API or the way to it is what failed. */
function failure(error: unknown, target: Target): unknown {
  if (!(error instanceof ApiError)) return error;
  const { code } = error;
  const options = { cause: error, code };
  if (["request.unauthorized", "http.401"].includes(code)) {
    return new Failure(unauthorized(target), options);
  }
  const detail = error.detail.replace(/\.?$/, ".").replace(/^the /, "The ");
  const fields = error.fields
    .filter(({ message }) => !error.detail.includes(message))
    .map(
      ({ pointer, message }) =>
        `\n  ${pointer.replace(/^\//, "").replaceAll("/", ".")}: ${message}`,
    );
  const known = remedies(target);
  const remedy = Object.hasOwn(known, code) ? ` ${known[code]}` : "";
  return new Failure(`${detail}${remedy}${fields.join("")}`, options);
}

/** By the code of an error; `http.*` is what a gateway says by itself. */
function remedies(target: Target): Record<string, string> {
  const { url } = target;
  const source = sourceOf(target);
  const path = `Check ${source}: the path of a custom domain belongs to it, and nothing else.`;
  const isHere = URL.canParse(url) && isLoopback(new URL(url).hostname);
  return {
    "connection.failed": isHere
      ? "Start it with `heat-spreader run`, or set HEAT_SPREADER_URL to where it runs."
      : `Check ${source}, and the network of this machine.`,
    "connection.timeout": `Is it very busy? Otherwise check ${source}.`,
    "request.forbidden": "Log in with an operator's token, or set HEAT_SPREADER_TOKEN to one.",
    "request.not_found": path,
    "http.403": path,
    "http.404": path,
    "http.429": "Too many calls at once: try again in some seconds.",
    "http.500": "The log of its Api function says why.",
    "http.503": "The log of its Api function says why; if that is silent, try again.",
    "stack.missing": "`heat-spreader list` shows the stacks.",
  };
}

/** Who is to be asked about the address. */
function sourceOf({ urlFrom, path }: Target): string {
  const sources: Record<Target["urlFrom"], string> = {
    argument: "the address",
    environment: "HEAT_SPREADER_URL",
    file: `backend in ${path}`,
    login: "the address of your login",
    runtime: "that runtime",
  };
  return sources[urlFrom];
}

/** One sentence on the token that was refused, and one on what to do. */
function unauthorized({ url, tokenFrom, path }: Target): string {
  const login = `heat-spreader login ${url}`;
  if (tokenFrom === undefined) {
    return `${url} needs a token. Log in with \`${login}\`, or set HEAT_SPREADER_TOKEN.`;
  }
  const said: Record<typeof tokenFrom, string> = {
    stdin: `${url} does not know that token; nothing was kept. Its entry must be in ApiTokens, and deployed since.`,
    environment: `HEAT_SPREADER_TOKEN holds a token that ${url} does not know. Correct it, or unset it and log in with \`${login}\`.`,
    file: `backend.token in ${path} is a token that ${url} does not know. Correct it, or set HEAT_SPREADER_TOKEN.`,
    login: `${url} does not know the token of your login (any more). Log in again with \`${login}\`.`,
    runtime: `${url} was started with a token of its own. Set HEAT_SPREADER_TOKEN to that one.`,
  };
  return said[tokenFrom];
}
