import * as z from "zod";

/** Kinds of settings in heat-spreader.yaml, each with what to say of a value that is none. */

export const text = z
  .string({ error: ({ input }) => (input === undefined ? "it is missing" : "it must be text") })
  .min(1, "it is empty");

const portFault = "a port is a whole number from 0 to 65535";
export const port = z.int(portFault).min(0, portFault).max(65_535, portFault);

export const seconds = z
  .number("it must be a number of seconds")
  .positive("it must be more than 0 seconds")
  .max(86_400, "it must be at most 86400 seconds");

export const yesOrNo = z.boolean("it must be true or false");

const nameFault = "it must be a host name alone, such as heat.example.org";
export const hostName = z.string(nameFault).regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i, nameFault);

/** Of a map; unknown keys are told by the configuration. */
export const map = {
  error: (issue: { code?: string }) =>
    issue.code === "invalid_type" ? "it must be a map of settings" : undefined,
};
