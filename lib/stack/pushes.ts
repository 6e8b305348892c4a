import type { CloudName, Seen, Time, VerdictKind } from "../cloud/schema.ts";
import { heatState, isConfirmedAfter, refusesUpdates } from "../cloud/seen.ts";
import { tieOrder } from "./allocation.ts";
import type { HoldReason, Policy, Push, StackName } from "./schema.ts";

/** One share as the order of pushes sees it. */
export type ShareView = {
  cloud: CloudName;
  desired: number;
  verdict: VerdictKind;
  /** Usable: of the declared parameter, and read since the cloud's last return. */
  seen?: Seen | undefined;
  push?: Push | undefined;
  /** A push that has not ended: nothing more goes there, and the lower number counts. */
  isOpen: boolean;
  isBlocked: boolean;
  /** A returned cloud whose share waits for a person: left as it is, and not counted. */
  awaitsRelease: boolean;
  /** The same number of the same generation is not pushed again before this. */
  retryAt?: Time | undefined;
};

export type PushInput = {
  stack_name: StackName;
  generation: number;
  order: Policy["order"];
  paused: boolean;
  /** Weights have never summed to 1, and are not meant to stay so: nothing is scaled down. */
  incomplete: boolean;
  shares: ShareView[];
  /** The total of the generation last fully in place; none yet: the new one's. */
  oldTotal: number | undefined;
  now: Time;
};

export type NextPush = { cloud: CloudName; count: number };
export type Hold = { cloud: CloudName; reason: HoldReason; until?: Time };

/**
 * The pushes that may go now, and what is held and why (DESIGN 3.5). Scale-ups go at once. A
 * scale-down goes as far as the surplus allows, the largest first, ties by hash: what is confirmed in
 * place in reachable clouds never falls below the lower of the old and the new total.
 */
export function nextPushes(input: PushInput): { pushes: NextPush[]; holds: Hold[] } {
  const held = (reason: HoldReason) => (share: ShareView) => ({ cloud: share.cloud, reason });
  const waiting = input.shares.filter((share) => isWanted(share));
  const here = waiting.filter((share) => share.verdict === "reachable" && !share.awaitsRelease);
  const elsewhere = waiting.flatMap((share) => standingHold(share));
  if (input.paused) return { pushes: [], holds: [...elsewhere, ...here.map(held("paused"))] };
  const free = here.filter((share) => !share.isBlocked && !share.isOpen && !isBusy(share));
  const ups = free.filter((share) => !isDown(share));
  const downs = inOrder(input, free.filter(isDown));
  const settled = input.incomplete
    ? { pushes: [], holds: downs.map(held("incomplete")) }
    : scaleDowns(input, downs);
  return rested(input, {
    pushes: [...ups.map(({ cloud, desired }) => ({ cloud, count: desired })), ...settled.pushes],
    holds: [...elsewhere, ...settled.holds],
  });
}

/**
 * What is confirmed to run in one share. While a push is open, and as long as no COMPLETE was read
 * since it, no more than it asks for: an update of somebody else may have followed it and failed.
 */
export function placeOf({
  seen,
  push,
  isOpen,
}: Pick<ShareView, "seen" | "push" | "isOpen">): number {
  if (!seen) return 0;
  const isUnconfirmed =
    push !== undefined && seen.complete_at !== undefined && !isConfirmedAfter(seen, push);
  if (!push || !(isOpen || isUnconfirmed)) return seen.in_place;
  const asked = push.answered?.outcome === "refused" ? seen.in_place : push.count;
  return Math.min(seen.in_place, asked, push.at_least ?? asked);
}

/** Whether Heat does not yet run what is desired, so that a push is owed. */
export function isWanted(share: ShareView): boolean {
  const { seen, desired, push, isOpen } = share;
  if (!seen || seen.missing) return false;
  if (isOpen) return push?.count !== desired;
  return seen.count !== desired || seen.stuck !== undefined || hasFailed(seen) || isHollow(share);
}

/** Heat's parameter says so, but an update to it failed, or one after it, and a check or a resume came after that. */
function isHollow(share: Pick<ShareView, "seen" | "push" | "isOpen">): boolean {
  const { heat_status, count } = share.seen ?? {};
  return (
    heat_status !== undefined && heatState(heat_status) === "complete" && placeOf(share) !== count
  );
}

/** An update of somebody's is under way; a second one would overtake it and fail. */
export function isBusy({ seen }: ShareView): boolean {
  const status = seen?.heat_status;
  if (!status || seen.stuck) return false;
  return heatState(status) === "in_progress" || refusesUpdates(status);
}

/** The last action failed, so that less may run than the parameter says. */
export function hasFailed(seen: Seen): boolean {
  return seen.heat_status !== undefined && heatState(seen.heat_status) === "failed";
}

/** What may be taken away: as many as Heat last said, though of fewer it is certain that they run. */
function claimOf({ seen }: ShareView): number {
  return seen?.in_place ?? 0;
}

function isDown(share: ShareView): boolean {
  return share.desired < claimOf(share);
}

function standingHold({ cloud, verdict, awaitsRelease }: ShareView): Hold[] {
  if (awaitsRelease) return [{ cloud, reason: "release" }];
  if (verdict === "suspected") return [{ cloud, reason: "suspicion" }];
  return verdict === "unknown" ? [{ cloud, reason: "unknown" }] : [];
}

function inOrder({ stack_name }: PushInput, downs: ShareView[]): ShareView[] {
  const ties = tieOrder(
    stack_name,
    downs.map(({ cloud }) => cloud),
  );
  const size = (share: ShareView) => claimOf(share) - share.desired;
  return [...downs].sort(
    (a, b) => size(b) - size(a) || ties.indexOf(a.cloud) - ties.indexOf(b.cloud),
  );
}

function scaleDowns(input: PushInput, downs: ShareView[]): { pushes: NextPush[]; holds: Hold[] } {
  const pushes: NextPush[] = [];
  const holds: Hold[] = [];
  let surplus = input.order === "at_once" ? Number.POSITIVE_INFINITY : surplusOf(input);
  for (const share of downs) {
    const { cloud, desired, seen } = share;
    const [place, claim] = [placeOf(share), claimOf(share)];
    // Too few surely run: what perhaps runs here may be what is lacking, and asked for again it surely does.
    const count = surplus < 0 ? claim : Math.max(desired, place - surplus);
    if (count > desired) holds.push({ cloud, reason: "order" });
    if (count === claim && place === claim && seen?.stuck === undefined) continue;
    if (!restsUntil(input, share, count)) surplus -= Math.max(0, place - count);
    pushes.push({ cloud, count });
  }
  return { pushes, holds };
}

/** So many more surely run than must; fewer: below 0. */
function surplusOf({ shares, oldTotal }: PushInput): number {
  const total = shares.reduce((sum, { desired }) => sum + desired, 0);
  // Two clouds.yaml entries may lead to one heat stack: what runs in it counts once.
  const places = new Map<string, number>();
  for (const share of shares) {
    if (share.verdict !== "reachable" || share.awaitsRelease) continue;
    const id = share.seen?.heat_stack_id ?? share.cloud;
    places.set(id, Math.min(placeOf(share), places.get(id) ?? Number.POSITIVE_INFINITY));
  }
  const place = [...places.values()].reduce((sum, one) => sum + one, 0);
  return place - Math.min(oldTotal ?? total, total);
}

function restsUntil(
  { generation, now }: PushInput,
  share: ShareView,
  count: number,
): Time | undefined {
  const { push, retryAt } = share;
  const isSame = push?.generation === generation && push.count === count;
  return isSame && retryAt !== undefined && retryAt > now ? retryAt : undefined;
}

function rested(input: PushInput, decided: { pushes: NextPush[]; holds: Hold[] }) {
  const shares = new Map(input.shares.map((share) => [share.cloud, share]));
  const pushes: NextPush[] = [];
  const holds = [...decided.holds];
  for (const push of decided.pushes) {
    const share = shares.get(push.cloud);
    const until = share && restsUntil(input, share, push.count);
    if (until) holds.push({ cloud: push.cloud, reason: "retry", until });
    else pushes.push(push);
  }
  return { pushes, holds };
}
