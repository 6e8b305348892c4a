import type { HeatStackRef } from "../cloud/client.ts";
import type { Outcome } from "../cloud/faults.ts";
import type { HeatStack, HeatStackDetail, HeatStackList } from "../cloud/schema.ts";
import { bodyOf, isHeatMissing, refusal, stackRefusal } from "./answers.ts";
import { EventList, ShownStack, StackList } from "./heat-schema.ts";
import { type Answer, type HttpClient, whereOf } from "./http.ts";
import { type Keystone, type LoginWish, loginPaused } from "./keystone.ts";
import type { Session } from "./login.ts";

/** What the calls below need: one cloud's connections, its Keystone, and the deadline of each call. */
export type HeatService = { http: HttpClient; keystone: Keystone; deadlineMs: number };

/**
 * The stacks of the project, newest first. `complete`: these are all. A later page that fails, and a
 * marker that vanished (Heat then gives the first page again), leave it incomplete. One deadline covers
 * all pages.
 */
export async function listStacks(
  service: HeatService,
  { limit, pages, login }: { limit: number; pages: "first" | "all"; login: LoginWish },
): Promise<Outcome<HeatStackList & { complete: boolean }>> {
  const deadline = AbortSignal.timeout(service.deadlineMs);
  const first = await listPage(service, { limit: String(limit) }, login, deadline);
  if (!first.ok) return first;
  const { project_id } = first.value;
  const stacks = new Map(first.value.stacks.map((stack) => [stack.heat_stack_id, stack]));
  let { marker } = first.value;
  let isRead = pages === "all";
  while (marker !== undefined && isRead) {
    const page = await listPage(service, { limit: String(limit), marker }, login, deadline);
    isRead = page.ok && page.value.stacks.every((stack) => !stacks.has(stack.heat_stack_id));
    if (!page.ok || !isRead) break;
    for (const stack of page.value.stacks) stacks.set(stack.heat_stack_id, stack);
    marker = page.value.marker;
  }
  const complete = marker === undefined;
  return { ok: true, value: { project_id, stacks: [...stacks.values()], complete } };
}

/** The stack of exactly this name, if the project has one that is not deleted. */
export async function findStack(
  service: HeatService,
  stackName: string,
): Promise<Outcome<{ project_id: string; stack?: HeatStack }>> {
  const deadline = AbortSignal.timeout(service.deadlineMs);
  const page = await listPage(service, { name: stackName }, "considerately", deadline);
  if (!page.ok) return page;
  // A database may compare names without their case.
  const stack = page.value.stacks.find(({ stack_name }) => stack_name === stackName);
  return { ok: true, value: { project_id: page.value.project_id, ...(stack ? { stack } : {}) } };
}

/** One stack in full, without its outputs, which can cost the engine seconds. Heat's own 404: undefined. */
export async function showStack(
  service: HeatService,
  ref: HeatStackRef,
): Promise<Outcome<HeatStackDetail | undefined>> {
  const asked = await askStack(service, ref, {
    method: "GET",
    query: { resolve_outputs: "false" },
  });
  if (!asked.ok) return asked;
  const { answer, where, session } = asked.value;
  if (isHeatMissing(answer)) return { ok: true, value: undefined };
  if (answer.status !== 200)
    return { ok: false, fault: stackRefusal(where, answer, session.token) };
  const body = bodyOf(where, answer, ShownStack);
  if (!body.ok) return body;
  return { ok: true, value: { ...body.value.stack, project_id: session.projectId } };
}

/** Heat's time of the stack's newest event; undefined where there is none, or no such stack. */
export async function newestEvent(
  service: HeatService,
  ref: HeatStackRef,
): Promise<Outcome<string | undefined>> {
  const query = { sort_dir: "desc", limit: "1" };
  const asked = await askStack(service, ref, { method: "GET", path: "/events", query });
  if (!asked.ok) return asked;
  const { answer, where, session } = asked.value;
  if (isHeatMissing(answer)) return { ok: true, value: undefined };
  if (answer.status !== 200)
    return { ok: false, fault: stackRefusal(where, answer, session.token) };
  const body = bodyOf(where, answer, EventList);
  return body.ok ? { ok: true, value: body.value.events[0]?.event_time } : body;
}

/** PATCH keeps the template and every other parameter. The body of a 202 says nothing, and is not read. */
export async function patchCount(
  service: HeatService,
  ref: HeatStackRef,
  parameter: string,
  count: number,
): Promise<Outcome<void>> {
  const body = { parameters: { [parameter]: String(count) } };
  const asked = await askStack(service, ref, { method: "PATCH", body });
  if (!asked.ok) return asked;
  const { answer, where, session } = asked.value;
  if (answer.status === 202) return { ok: true, value: undefined };
  return { ok: false, fault: stackRefusal(where, answer, session.token) };
}

type Call = {
  method: "GET" | "PATCH";
  path?: string;
  query?: Record<string, string>;
  body?: unknown;
};
type Asked = { answer: Answer; where: string; session: Session };

async function listPage(
  service: HeatService,
  query: Record<string, string>,
  login: LoginWish,
  deadline: AbortSignal,
): Promise<Outcome<HeatStackList & { marker?: string }>> {
  const asked = await ask(service, { method: "GET", path: "/stacks", query }, login, deadline);
  if (!asked.ok) return asked;
  const { answer, where, session } = asked.value;
  if (answer.status !== 200) return { ok: false, fault: refusal(where, answer) };
  const body = bodyOf(where, answer, StackList);
  return body.ok ? { ok: true, value: { ...body.value, project_id: session.projectId } } : body;
}

function askStack(service: HeatService, ref: HeatStackRef, call: Call): Promise<Outcome<Asked>> {
  const [name, id] = [ref.stack_name, ref.heat_stack_id].map(encodeURIComponent);
  const path = `/stacks/${name}/${id}${call.path ?? ""}`;
  const deadline = AbortSignal.timeout(service.deadlineMs);
  return ask(service, { ...call, path }, "considerately", deadline);
}

/**
 * One call with a token; any answer but 401 is ok here. After a 401 to a cached token it is made once
 * more with a fresh one: what answered 401 was not carried out.
 */
async function ask(
  { http, keystone }: HeatService,
  { method, path = "", query = {}, body }: Call,
  login: LoginWish,
  deadline: AbortSignal,
): Promise<Outcome<Asked>> {
  for (;;) {
    const session = await keystone.session(login, deadline);
    if (!session.ok) return session;
    const { token, heatUrl, isFresh } = session.value;
    const where = whereOf(method, heatUrl + path);
    const search = new URLSearchParams(query).toString();
    const url = heatUrl + path + (search && `?${search}`);
    const answered = await http.send({ method, url, token, body }, deadline);
    if (!answered.ok) return answered;
    const answer = answered.value;
    if (answer.status !== 401)
      return { ok: true, value: { answer, where, session: session.value } };
    keystone.forget(session.value);
    if (login === "no") return { ok: false, fault: loginPaused };
    if (isFresh) return { ok: false, fault: refusal(where, answer) };
  }
}
