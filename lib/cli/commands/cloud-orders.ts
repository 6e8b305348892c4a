import type { CloudSummary } from "../../api/clouds.ts";
import { command } from "../command.ts";
import { cloudName } from "../given.ts";
import { plain } from "../terminal.ts";
import { CLOUD } from "./clouds.ts";

type Order = {
  name: string;
  summary: string;
  patch: { drained?: boolean; suspicion?: "confirmed" | "refuted" };
  /** What follows from it, in sentences, as far as that is sure: shares move only after the answer. */
  said: (cloud: CloudSummary) => string[];
};

const orders: Order[] = [
  {
    name: "cloud drain",
    summary: "Deal a cloud's instances to the others, and keep it empty",
    patch: { drained: true },
    said: (cloud) => [
      `${cloud.cloud} is drained: its instances are dealt to the others.`,
      ...obstacle(cloud),
      `Take it back with: heat-spreader cloud undrain ${cloud.cloud}`,
    ],
  },
  {
    name: "cloud undrain",
    summary: "Let a drained cloud take part again",
    patch: { drained: false },
    said: (cloud) => {
      const obstacles = obstacle(cloud);
      if (obstacles.length > 0) return [`${cloud.cloud} is no longer drained.`, ...obstacles];
      return [
        `${cloud.cloud} is no longer drained: its share goes back to it.`,
        "Where it was lost before and failback is manual, that waits for heat-spreader release.",
      ];
    },
  },
  {
    name: "cloud confirm",
    summary: "Answer a suspicion: the cloud is lost, and its share need not wait",
    patch: { suspicion: "confirmed" },
    said: ({ cloud, drained }) => [
      `${cloud} counts as lost.`,
      drained
        ? "It is drained, so its instances are dealt to the others already."
        : "Its share goes to the others, but where failover is none, or a witness there answers.",
    ],
  },
  {
    name: "cloud refute",
    summary: "Answer a suspicion: the cloud is well, leave its share there",
    patch: { suspicion: "refuted" },
    said: ({ cloud }) => [`${cloud} counts as reachable.`],
  },
];

/** A person's word on a cloud. */
export const cloudOrderCommands = orders.map(({ name, summary, patch, said }) =>
  command({
    name,
    summary,
    arguments: { cloud: CLOUD },
    options: {},
    examples: [`${name} athens`],
    run: async (context, given) => {
      const cloud = cloudName(given.cloud);
      const { client } = await context.connection();
      const answer = await client.patchCloud({ cloud, body: patch });
      context.terminal.print(plain(said(answer).join("\n")));
    },
  }),
);

/** Why what follows from an order does not reach the cloud now. */
function obstacle({ verdict, since, blocking }: CloudSummary): string[] {
  switch (verdict) {
    case "unreachable":
      return [`It is unreachable since ${since}: nothing is pushed there until it is back.`];
    case "suspected":
      return [`It is suspected since ${since}: nothing is pushed there until that is decided.`];
    case "unknown":
      return ["It is not judged yet: nothing is pushed there until it is."];
    default:
      return blocking ? [`Nothing is pushed there while it is blocked: ${blocking.message}`] : [];
  }
}
