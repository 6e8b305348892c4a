import * as z from "zod";
import { MOST_MISSES } from "../lib/cloud/vote.ts";
import { regions } from "./regions.ts";

/** SST cuts names to the 64 letters that a role's has: a longer stage would leave nothing of the app's. */
const LONGEST_STAGE = 20;
const STAGE = new RegExp(`^[a-z][a-z0-9-]{0,${LONGEST_STAGE - 1}}$`);
const stageText = `take 1 to ${LONGEST_STAGE} small letters, digits and hyphens, the first a letter`;

const Stage = z.string().regex(STAGE, stageText);
const Region = z.enum(regions, 'take a region of AWS (infra/regions.ts), such as "eu-west-1"');
const Domain = z.strictObject({
  name: z
    .string()
    .regex(
      /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
      'take a name such as "heat.example.com", in small letters, without https:// or a path',
    ),
  certificate: z
    .string()
    .regex(
      /^arn:aws:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/,
      'take the ARN of a certificate, which begins with "arn:aws:acm:"',
    )
    .optional(),
});
const Webhook = z.strictObject({
  url: z
    .url({ protocol: /^https$/, error: 'take a URL that begins with "https://"' })
    .refine(
      (url) => !/^https:\/\/[^/?#]*@/.test(url),
      "leave out user and password: the secret WebhookToken says who we are",
    ),
  header: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,128}$/, 'take the name of a header, such as "x-api-key"')
    .optional(),
});

const Settings = z
  .strictObject({
    region: Region,
    protectedStages: z.array(Stage),
    probeInterval: z
      .number("take 1 to 30 seconds")
      .min(1, "take 1 second or more")
      .max(30, "take 30 seconds or less: a vote that is older than 90 seconds says nothing"),
    misses: z
      .int(`take 2 to ${MOST_MISSES}`)
      .min(2, "take 2 or more: one lost packet is no outage")
      .max(MOST_MISSES, `take ${MOST_MISSES} or less`),
    clouds: z.array(
      z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, "take names as clouds.yaml has them"),
    ),
    vantages: z.array(Region),
    alarmEmail: z.email('take one address, such as "team@example.com"').optional(),
    domains: z.record(Stage, Domain),
    oidc: z
      .strictObject({
        issuer: z.url({ protocol: /^https$/, error: 'take a URL that begins with "https://"' }),
        audiences: z.array(z.string().min(1)).min(1, "name at least one audience"),
        roleClaim: z.string().min(1, 'name the claim that holds the role, such as "role"'),
      })
      .optional(),
    throttling: z.strictObject({
      rate: z.number().min(1, "take 1 or more").max(10_000, "take 10000 or less"),
      burst: z.int().min(1, "take 1 or more").max(5_000, "take 5000 or less"),
    }),
    network: z.union(
      [
        z.enum(["internet", "fixed-addresses"]),
        z.strictObject({
          privateSubnets: z.array(z.string().regex(/^subnet-[0-9a-f]+$/)).min(1),
          securityGroups: z.array(z.string().regex(/^sg-[0-9a-f]+$/)).min(1),
        }),
      ],
      'take "internet", "fixed-addresses" or { privateSubnets: ["subnet-..."], securityGroups: ["sg-..."] }',
    ),
    privateWitnesses: z.enum(["refuse", "allow"], 'take "refuse" or "allow"'),
    webhook: Webhook.optional(),
    tags: z.record(
      z
        .string()
        .regex(
          /^(?!aws:|sst:)[\w.:/=+@ -]{1,128}$/,
          "take a tag's name that AWS allows and does not keep for itself (aws:, sst:)",
        ),
      z.string().max(256, "take 256 letters or less"),
    ),
  })
  .check(({ value, issues }) => {
    const problem = (path: string[], message: string) =>
      issues.push({ code: "custom", input: value, path, message });
    const { region, vantages, network, domains } = value;
    if (vantages.includes(region)) problem(["vantages"], `leave out ${region}: home votes already`);
    if (new Set(vantages).size < vantages.length) problem(["vantages"], "name each region once");
    if (vantages.length > 0 && network !== "internet") {
      problem(["vantages"], "leave it empty: other regions probe over the internet, not `network`");
    }
    for (const [stage, { certificate }] of Object.entries(domains)) {
      if (certificate === undefined || certificate.split(":")[3] === region) continue;
      problem(["domains", stage, "certificate"], `take a certificate of ${region}`);
    }
  });

/** What a user sets. */
export type Settings = z.input<typeof Settings>;

/**
 * The settings, for a stage whose name AWS can take. Throws one error with one sentence for each
 * thing that is wrong, saying what to do.
 */
export function checked(settings: Settings, stage: string): z.output<typeof Settings> {
  const named = Stage.safeParse(stage);
  const parsed = Settings.safeParse(settings);
  if (named.success && parsed.success) return parsed.data;
  const ofStage = named.success
    ? []
    : [`The stage ${JSON.stringify(stage)} cannot be part of a name in AWS: ${stageText}.`];
  throw new Error([...ofStage, ...(parsed.error?.issues ?? []).map(sentence)].join("\n"));
}

function sentence(issue: z.core.$ZodIssue): string {
  const where = ["In infra/settings.ts", issue.path.join(".")].filter((part) => part !== "");
  // A wrong key says why itself; that it is one says nothing.
  const why = issue.code === "invalid_key" ? issue.issues[0]?.message : issue.message;
  return `${where.join(", ")}: ${why}.`;
}
