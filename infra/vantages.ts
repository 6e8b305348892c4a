import { environment } from "./environment.ts";
import { prober } from "./prober.ts";
import { settings } from "./stage.ts";
import { table } from "./table.ts";

/** A probe in each further region, which votes into the home region's table; decision 8 says what its role would let it do besides. */
export const vantages = settings.vantages.map((region) => {
  const place = placeOf(region);
  const provider = providerOf(place, region);
  const made = prober(
    place,
    {
      environment: { ...environment, VANTAGE: region, TABLE_REGION: settings.region },
      grants: [
        { actions: ["dynamodb:Query", "dynamodb:BatchGetItem"], resources: [table.arn] },
        {
          actions: ["dynamodb:PutItem"],
          resources: [table.arn],
          // Its registration, with the event of it, and what lies with a cloud: IAM sees no further
          // into the key.
          conditions: [
            {
              test: "ForAllValues:StringLike",
              variable: "dynamodb:LeadingKeys",
              values: ["VANTAGE", `VANTAGE#${region}`, "CLOUD#*"],
            },
          ],
        },
      ],
    },
    { provider },
  );
  return { ...made, place, provider };
});

/** us-east-1 is UsEast1: SST's names have letters and digits only. */
function placeOf(region: string): string {
  return region.replace(/(?:^|-)(.)/g, (_, first: string) => first.toUpperCase());
}

/** The default provider's tags are its own, so they are said again. */
function providerOf(place: string, region: aws.Region): aws.Provider {
  const tags = { ...settings.tags, "sst:app": $app.name, "sst:stage": $app.stage };
  return new aws.Provider(`Aws${place}`, { region, defaultTags: { tags } });
}
