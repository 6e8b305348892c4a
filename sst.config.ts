/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  async app({ stage }) {
    const { checked } = await import("./infra/check.ts");
    const { settings } = await import("./infra/settings.ts");
    // Here, before anything is made: what is wrong in the settings stops the deploy with a sentence.
    const { region, protectedStages, tags } = checked(settings, stage);
    const isProtected = protectedStages.includes(stage);
    return {
      name: "heat-spreader",
      home: "aws",
      version: "4.17.1",
      providers: { aws: { region, version: "7.20.0", defaultTags: { tags } } },
      removal: isProtected ? "retain" : "remove",
      protect: isProtected,
    };
  },
  async run() {
    await import("./infra/probe.ts");
    await import("./infra/reconcile.ts");
    await import("./infra/vantages.ts");
    await import("./infra/alarms.ts");
    await import("./infra/dashboard.ts");
    const { url } = await import("./infra/api.ts");
    const { addresses } = await import("./infra/network.ts");
    return {
      url,
      first: $interpolate`npx heat-spreader login ${url}`,
      next: "npx heat-spreader list",
      ...(addresses === undefined ? {} : { addresses }),
    };
  },
});
