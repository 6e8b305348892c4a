import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { tokens } from "../support/api.ts";
import { cliAndApi, emptyHome, run, writeConfig } from "../support/cli.ts";

describe("finding and reaching Heat Spreader", { concurrency: 4 }, () => {
  test("none runs: where it looked, and what to do", async (t) => {
    const home = await emptyHome(t);
    const { code, stdout, stderr } = await run(["list", "--json"], { home });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.ok(stderr.includes(`${home}/.local/state/heat-spreader/heat-spreader.db`));
    assert.match(stderr, /Start it with `heat-spreader run`.*or set HEAT_SPREADER_URL/);
  });

  test("nothing listens at the url: which url, and what to do", async (t) => {
    const port = await unusedPort();
    const environment = { HEAT_SPREADER_URL: `http://127.0.0.1:${port}` };
    const { code, stderr } = await run(["list"], { home: await emptyHome(t), environment });
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`http://127.0.0.1:${port} cannot be reached: nothing listens`));
    assert.match(stderr, /Start it with `heat-spreader run`, or set HEAT_SPREADER_URL/);
  });

  test("no token, a wrong one, and one that may not", async (t) => {
    const { cli, home, url } = await cliAndApi(t);
    const asked = (environment: Record<string, string>, ...args: string[]) =>
      run(args, { home, environment: { HEAT_SPREADER_URL: url, ...environment } });
    const none = await asked({}, "list");
    assert.equal(none.code, 1);
    assert.match(
      none.stderr,
      /needs a token. Log in with .heat-spreader login http.*or set HEAT_SPREADER_TOKEN/,
    );
    const wrong = await asked({ HEAT_SPREADER_TOKEN: "wrong-secret" }, "list");
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /HEAT_SPREADER_TOKEN holds a token that http.* does not know/);
    assert.ok(!wrong.stderr.includes("wrong-secret"));
    await cli("add", "web", "--count", "1", "--parameter", "n");
    const reader = await asked({ HEAT_SPREADER_TOKEN: tokens.reader }, "delete", "web");
    assert.equal(reader.code, 1);
    assert.match(reader.stderr, /needs the role operator.*HEAT_SPREADER_TOKEN/);
  });

  test("a url and token in the file, and a url with the /v1 of the documentation", async (t) => {
    const { home, url } = await cliAndApi(t);
    const yaml = `backend: { type: remote, url: '${url}/v1', token: ${tokens.operator} }`;
    const environment = { HEAT_SPREADER_CONFIG_FILE: await writeConfig(home, yaml) };
    assert.equal((await run(["list", "--json"], { home, environment })).stdout, '{"stacks": []}\n');
  });

  test("a wrong token in the file is told by its place", async (t) => {
    const { home, url } = await cliAndApi(t);
    const path = await writeConfig(home, `backend: { type: remote, url: '${url}', token: stale }`);
    const environment = { HEAT_SPREADER_CONFIG_FILE: path };
    const { code, stderr } = await run(["list"], { home, environment });
    assert.equal(code, 1);
    assert.ok(stderr.startsWith(`backend.token in ${path} is a token that ${url} does not know.`));
  });

  test("a token is not sent in clear to another machine, unless host and port say so", async (t) => {
    const home = await emptyHome(t);
    const asked = (environment: Record<string, string>) => run(["list"], { home, environment });
    const named = await asked({ HEAT_SPREADER_URL: "http://hs.example", HEAT_SPREADER_TOKEN: "x" });
    assert.equal(named.code, 1);
    assert.match(named.stderr, /plain HTTP to another machine, .* Use https:/);
    const yaml = "backend: { type: remote, url: 'http://hs.example', token: x }";
    const path = await writeConfig(home, yaml);
    const filed = await asked({ HEAT_SPREADER_CONFIG_FILE: path });
    assert.equal(filed.code, 1);
    assert.match(filed.stderr, /backend.url: plain HTTP to another machine .* use https:/);
    await writeConfig(home, "backend: { type: remote, host: hs.invalid, token: x }");
    const meant = await asked({ HEAT_SPREADER_CONFIG_FILE: path });
    assert.match(meant.stderr, /http:\/\/hs.invalid:8080 cannot be reached/);
  });

  test("the path of a custom domain belongs to the address", async (t) => {
    const paths: (string | undefined)[] = [];
    const url = await serve(t, (request) => paths.push(request.url));
    const environment = { HEAT_SPREADER_URL: `${url}/heat/v1/`, HEAT_SPREADER_TOKEN: "x" };
    await run(["list"], { home: await emptyHome(t), environment });
    assert.deepEqual(paths, ["/heat/v1/stacks?limit=1000"]);
  });

  for (const [status, message, said] of [
    [401, "Unauthorized", /HEAT_SPREADER_TOKEN holds a token/],
    [403, "Forbidden", /Forbidden. Check HEAT_SPREADER_URL: the path/],
    [404, "Not Found", /Not Found. Check HEAT_SPREADER_URL: the path/],
    [429, "Too Many Requests", /Too Many Requests. .* try again/],
    [500, "Internal Server Error", /Internal Server Error. The log of its Api function/],
  ] as const) {
    test(`what API Gateway says by itself: ${status} ${message}`, async (t) => {
      const body = { status, text: JSON.stringify({ message }) };
      const url = await serve(t, () => {}, body);
      const environment = { HEAT_SPREADER_URL: url, HEAT_SPREADER_TOKEN: "x" };
      const { code, stderr } = await run(["list"], { home: await emptyHome(t), environment });
      assert.equal(code, 1);
      assert.match(stderr, said);
    });
  }

  test("the original's client file, with the port in the environment", async (t) => {
    const { home, url } = await cliAndApi(t);
    const environment = {
      HEAT_SPREADER_CONFIG_FILE: await writeConfig(
        home,
        "backend:\n  type: remote\n  host: localhost\n  port: 0\n",
      ),
      HEAT_SPREADER_BACKEND_REMOTE_PORT: new URL(url).port,
      HEAT_SPREADER_TOKEN: tokens.operator,
    };
    assert.equal((await run(["list", "--json"], { home, environment })).stdout, '{"stacks": []}\n');
  });

  test("the file's token goes to no other url than the file's", async (t) => {
    const seen: (string | undefined)[] = [];
    const url = await serve(t, ({ headers }) => seen.push(headers.authorization));
    const home = await emptyHome(t);
    const yaml = "backend: { type: remote, url: 'https://hs.example', token: secret-of-the-file }";
    const environment = {
      HEAT_SPREADER_CONFIG_FILE: await writeConfig(home, yaml),
      HEAT_SPREADER_URL: url,
    };
    await run(["list"], { home, environment });
    assert.deepEqual(seen, [undefined]);
  });

  test("something else answers at the url", async (t) => {
    const url = await serve(t, () => {});
    const environment = { HEAT_SPREADER_URL: url, HEAT_SPREADER_TOKEN: "x" };
    const { code, stderr } = await run(["list"], { home: await emptyHome(t), environment });
    assert.equal(code, 1);
    assert.match(stderr, /is not a Heat Spreader API/);
  });

  test("a url that is none", async (t) => {
    const environment = { HEAT_SPREADER_URL: "127.0.0.1:8080" };
    const { code, stderr } = await run(["list"], { home: await emptyHome(t), environment });
    assert.equal(code, 1);
    assert.match(stderr, /must be like http:\/\/127.0.0.1:8080/);
  });
});

async function serve(
  t: TestContext,
  see: (request: IncomingMessage) => void,
  { status, text } = { status: 200, text: "<html>Welcome to nginx</html>" },
): Promise<string> {
  const server = createServer((request, response) => {
    see(request);
    response.writeHead(status).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
