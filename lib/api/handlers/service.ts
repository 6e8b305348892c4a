import type { Handlers } from "../contract.ts";
import { docsHeaders, docsPage } from "../docs.ts";
import { openapi } from "../openapi.ts";

type ServiceHandlers = Pick<Handlers, "getOpenapi" | "getDocs" | "getHealth" | "getWhoami">;

/** The API about itself. Its document is made at the first request: most invocations never need it. */
export function serviceHandlers(): ServiceHandlers {
  let document: ReturnType<typeof openapi> | undefined;
  let page: string | undefined;
  const own = () => {
    document ??= openapi();
    return document;
  };
  return {
    getOpenapi: async () => ({ reply: own() }),
    getDocs: async () => {
      page ??= docsPage(own());
      return { reply: page, headers: docsHeaders };
    },
    getHealth: async () => ({ reply: { status: "ok" } }),
    getWhoami: async ({ who, role }) => ({ reply: { name: who, role } }),
  };
}
