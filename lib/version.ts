import manifest from "../package.json" with { type: "json" };

/** Of the package, as package.json has it. */
export const { version } = manifest;
