import * as z from "zod";
import { isLoopback } from "../local/host.ts";
import { map, text, yesOrNo } from "./settings.ts";

/** As HTTP has it; without line breaks, which would end the header. */
const headerValue = text.regex(/^[\t\x20-\x7e]+$/, "it has characters that no header may have");
const Header = z.strictObject(
  {
    name: text.regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "it is no name of a header"),
    value: headerValue,
  },
  map,
);

const Webhook = z
  .strictObject(
    {
      url: text,
      token: headerValue.optional(),
      header: Header.optional(),
      insecure: yesOrNo.optional(),
    },
    map,
  )
  .superRefine(({ url, token, header, insecure }, context) => {
    const fault = (path: string[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    // The url is not repeated: it may hold a secret.
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed?.protocol !== "https:" && parsed?.protocol !== "http:") {
      return fault(["url"], "it must be like https://alerts.example/heat-spreader");
    }
    if (parsed.username !== "" || parsed.password !== "") {
      fault(["url"], "it holds a user or password: give them in `token`, or in `header`");
    }
    if (parsed.protocol === "http:" && !isLoopback(parsed.hostname) && !insecure) {
      fault(
        ["url"],
        "over http everybody on the way reads the events and the token: use https, or set `insecure: true` beside it",
      );
    }
    if (token !== undefined && header?.name.toLowerCase() === "authorization") {
      fault(["header"], "`token` is sent as Authorization already: leave one of them out");
    }
  });

/** Where events are sent. */
export const Notifications = z.strictObject({ webhook: Webhook.optional() }, map);

/** The settings there are, by where they stand. */
export const knownNotifications = {
  notifications: Object.keys(Notifications.shape),
  "notifications.webhook": Object.keys(Webhook.shape),
  "notifications.webhook.header": Object.keys(Header.shape),
};

/** What `heat-spreader run` sends events with. */
export function webhookTarget({ webhook }: z.infer<typeof Notifications> = {}) {
  if (webhook === undefined) return undefined;
  const { url, token, header } = webhook;
  return {
    url,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(header === undefined ? {} : { [header.name.toLowerCase()]: header.value }),
    },
  };
}
