import { setTimeout as pause } from "node:timers/promises";
import type { CloudName, CloudOrders, Verdict } from "../../cloud/schema.ts";
import { ControlError } from "../../error.ts";
import type { Event } from "../../event/schema.ts";
import { entriesOf } from "../../stack/schema.ts";
import { cloudViews } from "../../stack/view.ts";
import type { CloudSummary } from "../clouds.ts";
import type { Handlers } from "../contract.ts";
import type { ApiDeps } from "../deps.ts";
import { othersThan } from "./drain.ts";
import { shareDetail } from "./show.ts";
import { type Known, knownIn, skyOf, summaryOf } from "./sky.ts";
import { stampAfter } from "./stamp.ts";

type CloudHandlers = Pick<Handlers, "listClouds" | "getCloud" | "patchCloud">;
type Orders = Pick<CloudOrders, "drained" | "confirmed" | "refuted">;

/** Verdicts, and what people say of clouds. */
export function cloudHandlers(deps: ApiDeps): CloudHandlers {
  return {
    listClouds: async () => {
      const sky = await skyOf(deps);
      return { reply: { clouds: sky.clouds.map((known) => summaryOf(deps, sky, known)) } };
    },
    getCloud: async ({ params: { cloud }, query }) => {
      const sky = await skyOf(deps);
      const known = knownIn(sky, cloud);
      const { shares, next } = await sharesIn(deps, known, query);
      const summary = summaryOf(deps, sky, known);
      return { reply: { ...summary, shares, ...(next === undefined ? {} : { next }) } };
    },
    patchCloud: async ({ params: { cloud }, body, who }) => {
      const votes = body.suspicion === undefined ? [] : await deps.listVotes(cloud);
      const edit = (verdict: Verdict, orders: Orders): Orders => {
        const drained = body.drained ?? orders.drained;
        if (body.suspicion === undefined) return { ...orders, drained };
        if (verdict.verdict !== "suspected") {
          const now = verdict.verdict === "unknown" ? "not judged yet" : verdict.verdict;
          throw new ControlError("cloud.conflict", `${cloud} is not suspected; it is ${now}.`);
        }
        const isAnswered = orders[body.suspicion]?.since === verdict.since;
        // Misses that were counted before it count no more.
        const at = stampAfter(
          deps.now(),
          votes.map((vote) => vote.at),
        );
        const answer = { since: verdict.since, at };
        if (isAnswered) return { ...orders, drained };
        return { drained, [body.suspicion]: answer };
      };
      return { reply: await order(deps, { cloud, who, edit }) };
    },
  };
}

type Page = { limit: number; marker?: string | undefined };

/** One page of the stacks that weigh a cloud, with their shares there. */
async function sharesIn(deps: ApiDeps, { verdict, orders }: Known, page: Page) {
  const { cloud } = verdict;
  const { stacks, next } = await weighing(deps, cloud, page);
  const places = stacks.map(({ stack_name }) => ({ stack_name, cloud }));
  const [shares, seen] = await Promise.all([deps.readShares(places), deps.readSeenAt(places)]);
  const shareOf = new Map(shares.map((share) => [share.stack_name, share]));
  const seenOf = new Map(seen.map((reading) => [reading.stack_name, reading]));
  const details = stacks.flatMap((stack) => {
    const share = shareOf.get(stack.stack_name);
    const reading = seenOf.get(stack.stack_name);
    const view = {
      stack: {
        ...stack,
        weights: Object.fromEntries(entriesOf(stack.weights).filter(([name]) => name === cloud)),
      },
      shares: share ? [share] : [],
      verdicts: new Map([[cloud, verdict]]),
      orders: new Map(orders ? [[cloud, orders]] : []),
      seen: new Map(reading ? [[cloud, reading]] : []),
    };
    const own = cloudViews(view, new Map(), deps.settings).get(cloud);
    return own ? [shareDetail(stack, own)] : [];
  });
  return { shares: details, next };
}

async function weighing(deps: ApiDeps, cloud: CloudName, { limit, marker }: Page) {
  const found = [];
  let after = marker;
  do {
    const { stacks, next } = await deps.listStacks({ limit: 1000, marker: after });
    found.push(...stacks.filter(({ weights }) => Object.hasOwn(weights, cloud)));
    after = next;
  } while (after !== undefined && found.length <= limit);
  const stacks = found.slice(0, limit);
  return { stacks, next: found.length > limit ? stacks.at(-1)?.stack_name : undefined };
}

type Order = {
  cloud: CloudName;
  who: string;
  edit: (verdict: Verdict, orders: Orders) => Orders;
};

/** Writes what people say of a cloud, with its event, unless it changes nothing; who lost a race reads again. */
async function order(deps: ApiDeps, { cloud, who, edit }: Order): Promise<CloudSummary> {
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const sky = await skyOf(deps);
    const { verdict, orders } = knownIn(sky, cloud);
    const {
      cloud: _,
      at: previousAt,
      ...before
    } = orders ?? { drained: false, cloud, at: undefined };
    const said = edit(verdict, before);
    const message = orderText(cloud, before, said);
    if (message === undefined) return summaryOf(deps, sky, { cloud, verdict, orders });
    // It tells these orders from those before, so it must move even within one millisecond.
    const at = stampAfter(deps.now(), [previousAt]);
    const next = { ...said, cloud, at };
    const isDrain = said.drained && !before.drained;
    const others = isDrain ? await othersThan(deps, cloud) : undefined;
    const event: Event = {
      id: deps.newId(),
      at,
      type: "cloud.ordered",
      cloud,
      message,
      changes: [],
      cause: `asked for by ${who}`,
    };
    if (await deps.saveOrders(next, previousAt, [event], others)) {
      return summaryOf(deps, sky, { cloud, verdict, orders: next });
    }
    await pause(Math.random() * 10 * 2 ** attempt);
  }
  throw new ControlError(
    "cloud.conflict",
    `${cloud} is being changed by others all the time. Try again.`,
  );
}

/** What was ordered, in one sentence; undefined: nothing new. */
function orderText(cloud: CloudName, before: Orders, said: Orders): string | undefined {
  const isNew = (kind: "confirmed" | "refuted") =>
    said[kind] && said[kind].since !== before[kind]?.since;
  const parts = [
    ...(said.drained === before.drained
      ? []
      : [said.drained ? "is drained" : "is no longer drained"]),
    ...(isNew("confirmed")
      ? [`is lost: its suspicion since ${said.confirmed?.since} was confirmed`]
      : []),
    ...(isNew("refuted")
      ? [`is there: its suspicion since ${said.refuted?.since} was refuted`]
      : []),
  ];
  return parts.length === 0 ? undefined : `${cloud} ${parts.join(", and ")}`;
}
