/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  async app({ stage }) {
    const { regions } = await import("./infra/regions.ts");
    const { settings } = await import("./infra/settings.ts");
    const { region, protectedStages, tags } = settings;
    const isProtected = protectedStages.includes(stage);
    // What is thrown here is told to nobody but the log, so infra/stage.ts says what is wrong. A region
    // that is none would end it before: until it is put right, the state is this machine's.
    const isRegion = regions.includes(region);
    return {
      name: "heat-spreader",
      home: isRegion ? "aws" : "local",
      version: "4.17.1",
      providers: {
        aws: { version: "7.20.0", ...(isRegion ? { region } : {}), defaultTags: { tags } },
      },
      removal: isProtected ? "retain" : "remove",
      protect: isProtected,
    };
  },
  async run() {
    // What is wrong in settings or secrets ends it here, before anything is made.
    await import("./infra/stage.ts");
    await import("./infra/secrets.ts");
    await import("./infra/probe.ts");
    await import("./infra/reconcile.ts");
    await import("./infra/vantages.ts");
    await import("./infra/alarms.ts");
    await import("./infra/dashboard.ts");
    const { url, dnsTarget } = await import("./infra/api.ts");
    const { addresses } = await import("./infra/network.ts");
    return {
      url,
      next: $interpolate`npx heat-spreader login ${url} && npx heat-spreader list`,
      ...(dnsTarget === undefined ? {} : { dnsTarget }),
      ...(addresses === undefined ? {} : { addresses }),
    };
  },
});
