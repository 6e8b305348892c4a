import type { Handlers } from "../contract.ts";
import { docsHeaders, docsPage } from "../docs.ts";
import { openapi } from "../openapi.ts";

/** The API about itself. Made once, at the first request: most invocations never need it. */
export function serviceHandlers(): Pick<Handlers, "getOpenapi" | "getDocs" | "getHealth"> {
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
  };
}
