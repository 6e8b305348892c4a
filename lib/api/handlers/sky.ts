import { outlookOf } from "../../cloud/outlook.ts";
import type { CloudName, CloudOrders, Vantage, Verdict, Vote } from "../../cloud/schema.ts";
import { isFresh } from "../../cloud/vote.ts";
import { ControlError } from "../../error.ts";
import type { CloudSummary } from "../clouds.ts";
import type { ApiDeps } from "../deps.ts";
import { unknownText } from "./weights.ts";

export type Known = { cloud: CloudName; verdict: Verdict; orders?: CloudOrders | undefined };

/** Every cloud that the deployment knows, with what people said of it, who votes, and what. */
export type Sky = { clouds: Known[]; vantages: Vantage[]; votes: Vote[] };

export async function skyOf(
  deps: Pick<ApiDeps, "listVerdicts" | "listOrders" | "listVantages" | "readVotes">,
): Promise<Sky> {
  const [verdicts, orders, vantages] = await Promise.all([
    deps.listVerdicts(),
    deps.listOrders(),
    deps.listVantages(),
  ]);
  const orderOf = new Map(orders.map((order) => [order.cloud, order]));
  const clouds = verdicts.map((verdict) => {
    const { cloud } = verdict;
    return { cloud, verdict, orders: orderOf.get(cloud) };
  });
  const votes = await deps.readVotes(
    clouds.map(({ cloud }) => cloud),
    vantages.map(({ vantage }) => vantage),
  );
  return { clouds, vantages, votes };
}

/** One of them. Throws 404, naming those there are. */
export function knownIn({ clouds }: Pick<Sky, "clouds">, cloud: CloudName): Known {
  const known = clouds.find((one) => one.cloud === cloud);
  if (known !== undefined) return known;
  const names = new Set(clouds.map((one) => one.cloud));
  throw new ControlError("cloud.missing", `${cloud}: ${unknownText(names)}.`);
}

/** Throws 404 unless the deployment knows the cloud. */
export async function requireCloud(
  deps: Pick<ApiDeps, "listVerdicts">,
  cloud: CloudName,
): Promise<void> {
  const verdicts = await deps.listVerdicts();
  knownIn({ clouds: verdicts.map((verdict) => ({ cloud: verdict.cloud, verdict })) }, cloud);
}

/** A cloud as the API shows it, with what is to be expected of it. */
export function summaryOf(
  deps: Pick<ApiDeps, "now" | "judging">,
  { clouds, vantages, votes: cast }: Sky,
  { cloud, verdict, orders }: Known,
): CloudSummary {
  const votes = cast.filter((vote) => vote.cloud === cloud).sort((a, b) => (a.at < b.at ? 1 : -1));
  const latency_ms = votes.find((vote) => vote.latency_ms !== undefined)?.latency_ms;
  const now = deps.now().toISOString();
  const known = clouds.map((one) => (one.cloud === cloud ? { cloud, verdict, orders } : one));
  const names = vantages.map(({ vantage }) => vantage);
  const settings = { ...deps.judging, vantages: names };
  return {
    ...verdict,
    drained: orders?.drained === true,
    ...(orders?.confirmed ? { confirmed: orders.confirmed } : {}),
    ...(orders?.refuted ? { refuted: orders.refuted } : {}),
    ...(latency_ms === undefined ? {} : { latency_ms }),
    votes: votes.map((vote) => ({ ...vote, fresh: isFresh(vote.at, now) })),
    outlook: outlookOf(cloud, known, cast, now, settings),
  };
}
