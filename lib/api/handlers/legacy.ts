import { ControlError } from "../../error.ts";
import { Policy, type Stack, StackName } from "../../stack/schema.ts";
import type { Handlers } from "../contract.ts";
import type { ApiDeps } from "../deps.ts";
import type { LegacyStack } from "../endpoints/legacy.ts";
import { change, type Draft, declared, draftOf, reweighed } from "./change.ts";
import { tombstone } from "./stacks.ts";
import { knownClouds, requireKnown } from "./weights.ts";

type LegacyHandlers = Pick<Handlers, "legacyList" | "legacyGet" | "legacyPut" | "legacyDelete">;

/** The original's two paths, in its four keys. Whoever wrote last wins, as it was there. */
export function legacyHandlers(deps: ApiDeps): LegacyHandlers {
  return {
    legacyList: async () => {
      const stacks: LegacyStack[] = [];
      let marker: string | undefined;
      do {
        const page = await deps.listStacks({ limit: 1000, marker });
        stacks.push(...page.stacks.map(fourKeys));
        marker = page.next;
      } while (marker !== undefined);
      return { reply: { stacks } };
    },
    legacyGet: async ({ params }) => {
      const stack = declared(await deps.readStack(nameOf(params.stack_name)));
      if (stack === undefined) throw missing(params.stack_name);
      return { reply: fourKeys(stack) };
    },
    legacyPut: async ({ params, body, who }) => {
      const { stack_name, ...rest } = body;
      if (stack_name !== params.stack_name) {
        const detail = `The body is about ${stack_name}, the path about ${params.stack_name}; a stack cannot be renamed.`;
        throw new ControlError("stack.conflict", detail);
      }
      const known = await knownClouds(deps);
      const edit = (current: Stack | undefined): Draft => {
        requireKnown(known, current?.weights ?? {}, body.weights);
        const draft = { ...(current ? draftOf(current) : undeclared), ...rest };
        return reweighed(draft, rest.weights);
      };
      const { stack } = await change(deps, { stack_name, precondition: {}, who, edit });
      return { reply: fourKeys(stack) };
    },
    legacyDelete: async ({ params, who }) => {
      const stack_name = nameOf(params.stack_name);
      if (!declared(await deps.readStack(stack_name))) throw missing(stack_name);
      await change(deps, { stack_name, precondition: {}, who, edit: tombstone(deps, stack_name) });
      return { reply: undefined };
    },
  };
}

/** What the original did not know. */
const undeclared = { policy: Policy.parse({}), paused: false, partial: false };

/** A name that no stack can have is one that is not found. */
function nameOf(name: string): StackName {
  const parsed = StackName.safeParse(name);
  if (parsed.success) return parsed.data;
  throw missing(name);
}

function missing(name: string): ControlError {
  return new ControlError("stack.missing", `Multicloud stack not found: ${name}`);
}

function fourKeys({ stack_name, count, count_parameter, weights }: Stack): LegacyStack {
  return { stack_name, count, count_parameter, weights };
}
