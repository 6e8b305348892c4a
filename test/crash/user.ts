import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { ApiError, type Client } from "../../lib/api/client.ts";
import { CloudName } from "../../lib/cloud/schema.ts";
import { StackName, Weights } from "../../lib/stack/schema.ts";

type Wish = { count: number; weights: Weights };
/** What a user was told, or may hope for; without a wish the stack is deleted. */
export type Belief = { generation: number; wish: Wish | undefined };

export type User = {
  stack_name: StackName;
  /** What the API has acknowledged. */
  believed: () => Belief;
  /** How many writes were acknowledged, and how many were left unanswered or refused for now. */
  tally: { acknowledged: number; unanswered: number };
  /** One write of many kinds; false: nobody knows whether it was carried out. Throws what else is refused. */
  write: (api: Client) => Promise<boolean>;
  /** Reads back: must be what was acknowledged last, or else the unanswered write after it. */
  verify: (api: Client) => Promise<void>;
};

const clouds = ["athens", "manchester", "stockholm"].map((name) => CloudName.parse(name));
const someWeights = [
  [0.6, 0.2, 0.2],
  [0.33, 0.56, 0.11],
  [1, 0, 0],
  [0, 0.5, 0.5],
].map((weights) => Weights.parse(Object.fromEntries(clouds.map((name, i) => [name, weights[i]]))));

/** Somebody who writes one stack, one call after the other, and remembers every answer. */
export function user(name: string, random: () => number): User {
  const stack_name = StackName.parse(name);
  const choose = (most: number) => Math.floor(random() * most);
  const of = <T>(values: readonly T[]): T => values[choose(values.length)] as T;
  const tally = { acknowledged: 0, unanswered: 0 };
  let acknowledged: Belief = { generation: 0, wish: undefined };
  let hoped: Belief | undefined;
  /** Acknowledged since the last look. */
  const unproved = new Set<number>();

  function next(api: Client): {
    wish: Wish | undefined;
    call: () => Promise<{ generation: number } | undefined>;
  } {
    const { wish } = acknowledged;
    const count = choose(30);
    const weights = of(someWeights);
    const kind = wish === undefined ? 0 : choose(20);
    if (wish === undefined || kind < 3) {
      const body = { count, weights, count_parameter: "count" };
      return { wish: { count, weights }, call: () => api.putStack({ stack_name, body }) };
    }
    if (kind < 10) {
      const body = { count };
      return { wish: { ...wish, count }, call: () => api.patchStack({ stack_name, body }) };
    }
    if (kind < 14) {
      const body = { weights };
      return { wish: { ...wish, weights }, call: () => api.patchStack({ stack_name, body }) };
    }
    const cloud = of(clouds);
    if (kind < 18) {
      const body = { weight: (wish.weights[cloud] ?? 0) / 2 };
      return {
        wish: { ...wish, weights: { ...wish.weights, [cloud]: body.weight } },
        call: () => api.putWeight({ stack_name, cloud, body }),
      };
    }
    return { wish: undefined, call: () => api.deleteStack({ stack_name }).then(() => undefined) };
  }

  return {
    stack_name,
    tally,
    believed: () => acknowledged,
    write: async (api) => {
      const { wish, call } = next(api);
      const isSame = isDeepStrictEqual(wish, acknowledged.wish);
      const wanted = { generation: acknowledged.generation + (isSame ? 0 : 1), wish };
      hoped = wanted;
      try {
        const answer = await call();
        assert.equal(answer?.generation ?? wanted.generation, wanted.generation, name);
      } catch (error) {
        const isUnknown = error instanceof ApiError && (error.status === 0 || error.status === 503);
        if (!isUnknown) throw error;
        tally.unanswered += 1;
        return false;
      }
      acknowledged = wanted;
      hoped = undefined;
      tally.acknowledged += 1;
      unproved.add(wanted.generation);
      return true;
    },
    verify: async (api) => {
      const found = await read(api, stack_name);
      const isThat = ({ generation, wish }: Belief) =>
        isDeepStrictEqual(found, wish && { generation, ...wish });
      const real = [hoped, acknowledged].find((one) => one !== undefined && isThat(one));
      const told = JSON.stringify({ found, acknowledged, hoped });
      assert.ok(real !== undefined, `${name} is not what was acknowledged: ${told}`);
      acknowledged = real;
      hoped = undefined;
      if (unproved.size === 0) return;
      const { events } = await api.listStackEvents({ stack_name, query: { limit: 1000 } });
      const explained = new Set(
        events.filter(({ type }) => /declared|deleted/.test(type)).map((event) => event.generation),
      );
      const silent = [...unproved].filter((generation) => !explained.has(generation));
      assert.deepEqual(silent, [], `${name}: generations without an event`);
      unproved.clear();
    },
  };
}

async function read(api: Client, stack_name: StackName) {
  try {
    const { generation, count, weights } = await api.getStack({ stack_name });
    return { generation, count, weights };
  } catch (error) {
    if (error instanceof ApiError && error.code === "stack.missing") return undefined;
    throw error;
  }
}
