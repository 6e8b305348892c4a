/** A property of a resource as the program gave it; secrets are plain here, and listed apart. */
// biome-ignore lint/suspicious/noExplicitAny: hundreds of shapes, whose only reader is an assertion
export type Inputs = Record<string, any>;

/** A resource that the program registered. */
export type Planned = {
  urn: string;
  type: string;
  name: string;
  parent: string;
  /** A resource of a cloud; else one of SST's components. */
  custom: boolean;
  id: string;
  region: string;
  inputs: Inputs;
  /** Paths of the inputs that are marked secret. */
  secrets: string[];
  options: {
    protect: boolean;
    retainOnDelete: boolean;
    ignoreChanges: string[];
    dependsOn: string[];
    provider: string;
  };
  /** What a component, or the program as a whole, said that it is. */
  outputs?: Inputs;
};

/** All that one `sst deploy` asked for, sorted by URN. */
export type Plan = {
  stage: string;
  /** Of the default provider of AWS, as the command line hands it over: region, default tags. */
  config: Record<string, string>;
  resources: Planned[];
  /** What the program had to say, errors first; debugging left out. */
  logs: { severity: string; message: string }[];
};
