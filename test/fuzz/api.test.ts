import assert from "node:assert/strict";
import { after, test } from "node:test";
import { inspect } from "node:util";
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from "aws-lambda";
import fc from "fast-check";
import type { ApiEvent } from "../../lib/api/app.ts";
import type { VerdictKind } from "../../lib/cloud/schema.ts";
import { httpServer } from "../../lib/local/server.ts";
import { log } from "../../lib/log.ts";
import type { Table } from "../../lib/table/item.ts";
import { sha256, testApi } from "../support/api.ts";
import { openEmbeddedTable } from "../support/embedded-table.ts";
import { memoryTable } from "../support/memory-table.ts";
import {
  type Ask,
  anyAsk,
  anyBytes,
  bytesOf,
  promised,
  type Subject,
} from "../support/requests.ts";
import { exchange, type WireAnswer } from "../support/wire.ts";

/** Requests in all; RUNS=100000 for a long run, SEED to have one again. */
const RUNS = Number(process.env.RUNS ?? 3_000);
const seed = process.env.SEED === undefined ? {} : { seed: Number(process.env.SEED) };

const tokenOf = {
  operator: "operators-token-that-no-answer-holds",
  reader: "readers-token-that-no-answer-holds",
  vantage: "vantages-token-that-no-answer-holds",
};
const apiTokens = Object.entries(tokenOf)
  .map(([role, token]) => `${role}-1:${role}:${sha256(token)}`)
  .join(",");
const subject: Subject = {
  known: {
    StackName: ["web", "web", "api", "constructor", "new"],
    CloudName: ["athens", "oslo", "manchester", "constructor", "lost", "suspected"],
  },
  tokens: Object.values(tokenOf),
};

const verdicts: Record<string, VerdictKind> = Object.fromEntries([
  ["athens", "reachable"],
  ["oslo", "reachable"],
  ["manchester", "unknown"],
  ["constructor", "reachable"],
  ["lost", "unreachable"],
  ["suspected", "suspected"],
] as const);
const declared: Record<string, Record<string, number>> = {
  web: Object.fromEntries([
    ["athens", 0.6],
    ["oslo", 0.2],
    ["constructor", 0.2],
  ]),
  api: { athens: 0.5, lost: 0.25 },
};

type World = Awaited<ReturnType<typeof world>>;

/** An API over a table of its own, with two stacks and six clouds; it watches every call. */
async function world(table: Table = memoryTable()) {
  const counted = counting(table);
  const api = testApi({ table: counted.table, apiTokens });
  const token = tokenOf.operator;
  await api.know(verdicts);
  for (const [name, weights] of Object.entries(declared)) {
    const body = { count: 10, count_parameter: "count", weights };
    const { status } = await api.call("PUT", `/v1/stacks/${name}`, { body, token });
    assert.equal(status, 201);
  }
  await api.settle("web", { athens: 6, oslo: 2, constructor: 2 });
  return { ...api, writes: counted.writes };
}

/** The same table, and how many writes it has taken. */
function counting(table: Table): { table: Table; writes: () => number } {
  let taken = 0;
  const count = (isTaken: boolean) => {
    if (isTaken) taken += 1;
    return isTaken;
  };
  return {
    table: {
      ...table,
      write: async (write) => count(await table.write(write)),
      transact: async (writes) => count(await table.transact(writes)),
    },
    writes: () => taken,
  };
}

/** One server for all worlds: requests go to the present one, one at a time, and are judged there. */
async function watchedServer() {
  let present: World | undefined;
  let last = Promise.resolve();
  let requests = 0;
  const faults: string[] = [];
  const judged = async (event: APIGatewayProxyEventV2) => {
    const api = present ?? assert.fail("no world");
    const before = api.writes();
    requests += 1;
    const context = { awsRequestId: "invocation" } as Context;
    const result = await api.handler(event as unknown as ApiEvent, context);
    const fault = eventFault(event, result, api.writes() - before);
    const reported = api.lines.filter(({ level }) => level === "ERROR").at(-1);
    if (fault !== undefined || reported) {
      faults.push(`${fault ?? ""} ${inspect(reported?.error, { breakLength: 1_000 })}`);
    }
    return result;
  };
  const invoke = (event: APIGatewayProxyEventV2) => {
    const answered = last.then(() => judged(event));
    last = answered.then(
      () => undefined,
      () => undefined,
    );
    return answered;
  };
  const server = await httpServer({
    address: "127.0.0.1",
    port: 0,
    insecure: false,
    invoke,
    log: log({ level: "ERROR", write: (line) => faults.push(JSON.stringify(line)) }),
  });
  after(async () => {
    server.cutOff();
    await server.stop();
  });
  return {
    port: server.port,
    invoke,
    enter: (next: World) => {
      present = next;
    },
    requests: () => requests,
    /** Throws for what was wrong since the last time. */
    check: () => {
      const [found, written] = [faults.splice(0), JSON.stringify(present?.lines.splice(0))];
      assert.deepEqual(found, []);
      assert.ok(!holdsToken(written), `the log holds a token: ${written}`);
    },
  };
}

const server = await watchedServer();

/** What is wrong with an answer of the handler, if anything. */
function eventFault(
  { rawPath, requestContext }: APIGatewayProxyEventV2,
  { statusCode = 0, body = "" }: APIGatewayProxyStructuredResultV2,
  writes: number,
): string | undefined {
  const { method } = requestContext.http;
  const asked = `${method} ${rawPath}: ${statusCode}`;
  const isWrite = ["PUT", "PATCH", "POST", "DELETE"].includes(method) && !rawPath.endsWith("/plan");
  if (statusCode >= 500) return `${asked}, ${body}`;
  if (writes > 0 && (statusCode >= 300 || !isWrite)) return `${asked}, and wrote ${writes}`;
  if (body.length > 300_000) return `${asked}, ${body.length} characters`;
  return undefined;
}

/** Asserts that an answer is one that the API promises. */
function assertPromised({ status, headers, body }: WireAnswer, what: string, isHead = false): void {
  const said = `${what}: ${status} ${body.slice(0, 300)}`;
  assert.ok(status >= 200 && status < 500, said);
  assert.ok(!/\n\s+at /.test(body), said);
  if (status < 400 || isHead) return;
  const type = headers.get("content-type");
  const found = JSON.parse(body);
  if (type === "application/json") {
    assert.deepEqual(Object.keys(found), ["error"], said);
    assert.equal(typeof found.error, "string", said);
    return;
  }
  assert.equal(type, "application/problem+json", said);
  assert.equal(found.status, status, said);
  for (const key of ["type", "title", "detail", "code"]) {
    assert.equal(typeof found[key], "string", said);
    assert.notEqual(found[key], "", said);
  }
}

function holdsToken(text: string): boolean {
  return subject.tokens.some((token) => text.includes(token));
}

/** Statuses that any call may get, whatever it asks for: of its host, its size, its method. */
const ofTheServer = [400, 413, 421, 431, 417];

/** With these the server may wait for a body that never comes whole. */
const framing = /^(content-length|transfer-encoding)$/;

async function send(ask: Ask): Promise<WireAnswer | undefined> {
  const what = `${ask.method} ${ask.target.slice(0, 200)} ${ask.body?.toString("utf8").slice(0, 500)}`;
  const isOpenEnded = ask.headers.some(([name]) => framing.test(name));
  const { answers, raw } = await exchange(server.port, bytesOf(ask), isOpenEnded);
  server.check();
  assert.ok(!holdsToken(raw), `${what}: a token in ${raw}`);
  const [answer] = answers;
  if (isOpenEnded && answer === undefined) return undefined;
  assert.ok(answer, `${what}: no answer`);
  assertPromised(answer, what);
  const statuses = [...promised(ask.operationId), ...ofTheServer];
  const isTwisted = answer.status === 404 || answer.status === 405;
  assert.ok(
    isTwisted || statuses.includes(answer.status),
    `${what}: ${answer.status} is not in the document`,
  );
  return answer;
}

/** The same again writes nothing: what was stored is what was sent. */
async function repeat(ask: Ask, api: World): Promise<void> {
  const headers = ask.headers.filter(([name]) => !/^if-/.test(name));
  const before = api.writes();
  const again = await send({ ...ask, headers });
  assert.ok((again?.status ?? 0) < 300, `${ask.operationId} again: ${again?.body}`);
  assert.equal(api.writes(), before, `${ask.operationId} again wrote: ${ask.body}`);
}

const repeatable = ["putStack", "patchStack", "putWeight", "patchCloud", "legacyPut"];

function anySequence(most: number) {
  return fc.array(anyAsk(subject), { minLength: 1, maxLength: most, size: "max" });
}

async function play(asks: Ask[], api: World): Promise<void> {
  for (const ask of asks) {
    const answer = await send(ask);
    const isDone = answer !== undefined && answer.status < 300;
    if (isDone && repeatable.includes(ask.operationId)) await repeat(ask, api);
  }
}

test("whatever is asked of any endpoint, the answer is promised, and nothing is written unasked", async (t) => {
  const statuses = server.requests();
  await fc.assert(
    fc.asyncProperty(anySequence(40), async (asks) => {
      const api = await world();
      server.enter(api);
      await play(asks, api);
    }),
    { numRuns: Math.ceil((RUNS * 0.7) / 20), ...seed },
  );
  t.diagnostic(`${server.requests() - statuses} requests`);
});

test("raw bytes get an answer that explains, or an end", async (t) => {
  const before = server.requests();
  let sent = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyBytes(subject), { minLength: 1, maxLength: 40, size: "max" }),
      async (all) => {
        server.enter(await world());
        for (const bytes of all) {
          sent += 1;
          const { answers, raw } = await exchange(server.port, bytes, true);
          server.check();
          assert.ok(!holdsToken(raw), raw);
          const what = bytes.toString("latin1").slice(0, 1_000);
          for (const answer of answers) assertPromised(answer, what, /\bHEAD /.test(what));
        }
      },
    ),
    { numRuns: Math.ceil((RUNS * 0.3) / 20), ...seed },
  );
  t.diagnostic(
    `${sent} connections, of which ${server.requests() - before} requests reached the API`,
  );
});

test("the real table takes what the API lets through", async (t) => {
  const { table, close } = await openEmbeddedTable();
  t.after(close);
  const api = await world(table);
  server.enter(api);
  const before = server.requests();
  await fc.assert(
    fc.asyncProperty(anySequence(10), (asks) => play(asks, api)),
    { numRuns: Math.ceil(RUNS / 100), ...seed },
  );
  t.diagnostic(`${server.requests() - before} requests`);
});
