import { environment } from "./environment.ts";
import { lambda } from "./function.ts";
import { everyMinute, probeParts } from "./probe.ts";
import { deadLetters } from "./queues.ts";
import { settings } from "./stage.ts";
import { table } from "./table.ts";

/** A probe in each further region, which votes into the home region's table, and does nothing else. */
export const vantages = settings.vantages.map((region) => {
  const name = placeOf(region);
  const provider = providerOf(name, region);
  const probe = lambda(
    `Probe${name}`,
    {
      ...probeParts,
      environment: { ...environment, VANTAGE: region, TABLE_REGION: settings.region },
      grants: [
        { actions: ["dynamodb:Query", "dynamodb:BatchGetItem"], resources: [table.arn] },
        {
          actions: ["dynamodb:PutItem"],
          resources: [table.arn],
          // Its registration, and what lies with a cloud: IAM sees no further into the key.
          conditions: [
            {
              test: "ForAllValues:StringLike",
              variable: "dynamodb:LeadingKeys",
              values: ["VANTAGE", "CLOUD#*"],
            },
          ],
        },
      ],
    },
    { provider },
  );
  const letters = deadLetters(`UnprobedMinutes${name}`, { provider });
  everyMinute(`EveryMinute${name}`, probe, letters, { provider });
  return { region, name, provider, probe, letters };
});

function placeOf(region: string): string {
  return region.replace(/(^|-)([a-z0-9])/g, (_, __, letter: string) => letter.toUpperCase());
}

/** The default provider's tags are its own, so they are said again. */
function providerOf(name: string, region: aws.Region): aws.Provider {
  const tags = { ...settings.tags, "sst:app": $app.name, "sst:stage": $app.stage };
  return new aws.Provider(`Aws${name}`, { region, defaultTags: { tags } });
}
