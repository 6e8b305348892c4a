import { base, isExposed, isSameAddress } from "../address.ts";
import { advisedClient } from "../advice.ts";
import { command } from "../command.ts";
import type { Config } from "../config.ts";
import { Failure, usage } from "../failure.ts";
import { loginFile, removeLogin, saveLogin } from "../login.ts";

const TIMEOUT_MS = 15_000;

export const loginCommand = command({
  name: "login",
  summary: "Send the other commands to a deployment from now on, with a token that is kept",
  details:
    "The token is that of HEAT_SPREADER_TOKEN; without it, it is asked for and not shown, or read from\n" +
    "stdin where that is no terminal (< token.txt). It is no argument: what stands on a command line can\n" +
    "be seen by others. It is tried first, then kept with the address, in a file of its own that only\n" +
    "this user can read. HEAT_SPREADER_URL and a remote backend in heat-spreader.yaml go before a login.",
  arguments: { url: { name: "URL", summary: "Its address, as the deploy printed it" } },
  options: {},
  examples: ["login https://heat-spreader.example.com"],
  run: async ({ environment, terminal, config }, given) => {
    const url = addressOf(given.url);
    const settings = await config();
    requireEffect(settings, url);
    const named = environment.HEAT_SPREADER_TOKEN?.trim();
    const token = named || (await terminal.askSecret(`Token for ${url}: `));
    if (token === "") throw noToken();
    const { name, role } = await advisedClient({
      url,
      urlFrom: "argument",
      token,
      tokenFrom: named ? "environment" : "stdin",
      timeoutMs: TIMEOUT_MS,
      path: settings.path,
    }).getWhoami();
    if (role === "vantage") throw onlyVotes(name);
    saveLogin(settings, { url, token });
    terminal.print(`Logged in to ${url} as ${name}, with the role ${role}.`);
    terminal.note(`Other commands go there from now on. The token is in ${loginFile(settings)}.`);
    const other = environment.HEAT_SPREADER_URL;
    if (other && !isSameAddress(base(other), url)) {
      terminal.note(
        "But HEAT_SPREADER_URL names another address, which goes first while it is set.",
      );
    }
  },
});

export const logoutCommand = command({
  name: "logout",
  summary: "Forget the deployment that `login` named, and its token",
  details:
    "The token still lets in whoever has it, until its entry is taken out of the secret ApiTokens and\n" +
    "that is deployed.",
  arguments: {},
  options: {},
  examples: ["logout"],
  run: async ({ terminal, config }) => {
    const isGone = removeLogin(await config());
    terminal.print(isGone ? "Logged out." : "You were not logged in.");
  },
});

/** Not repeated in what is thrown: it may hold a password. */
function addressOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url?.protocol === "https:" || url?.protocol === "http:";
  if (url === undefined || !isHttp || url.username !== "" || url.password !== "") {
    throw usage(
      "login needs the whole address, such as https://heat-spreader.example.com, without user or password.",
    );
  }
  if (isExposed(url.href)) {
    throw usage(
      "Plain HTTP to another machine would send the token in clear. Give the https:// address.",
    );
  }
  return base(`${url.origin}${url.pathname}`);
}

/** A login that the file would go before is refused, before anybody types a token in vain. */
function requireEffect({ backend, backendIsFirst, path }: Config, url: string): void {
  const isSame = backend.type === "remote" && isSameAddress(base(backend.url), url);
  if (!backendIsFirst || (isSame && backend.token === undefined)) return;
  throw new Failure(
    `${path}: its \`backend\` goes before a login. Take it out, or write url and token there.`,
  );
}

function onlyVotes(name: string): Failure {
  return new Failure(
    `The token ${name} only votes, so nothing was kept. Log in with one of the role reader or operator; ` +
      "`heat-spreader vantage` takes this one.",
  );
}

function noToken(): Failure {
  return new Failure(
    "No token was given. Type it when asked, put it on stdin, or set HEAT_SPREADER_TOKEN.",
  );
}
