import { createHash } from "node:crypto";
import { answerTo, outputsOf } from "./answers.ts";
import type { Inputs, Plan, Planned } from "./planned.ts";
import { type Message, message, type Rpc, served, structIn } from "./rpc.ts";
import { plainOf, secret } from "./wire.ts";

type Program = { project: string; stack: string; region: string };
type Recorded = Pick<Plan, "resources" | "logs">;

const STACK = "pulumi:pulumi:Stack";

/** Pulumi's resource monitor and engine: they write down what the program registers, and make nothing. */
export function monitor(rpc: Rpc, { project, stack, region }: Program) {
  const recorded: Recorded = { resources: [], logs: [] };
  const regions = new Map<string, string>(); // of a provider, by its URN
  let root = "";
  const { resource, engine, provider, empty, struct } = rpc;

  function register(request: Message): Message {
    const asked = request.toObject();
    const wire = structIn(request, "getObject");
    const { plain: inputs, secrets } = plainOf(wire);
    const { type, name, custom, ignorechangesList: ignoreChanges } = asked;
    const urn = urnOf(asked.parent, type, name);
    if (recorded.resources.some((known) => known.urn === urn)) {
      throw new Error(`Two resources have the URN ${urn}.`);
    }
    for (const [field, settled] of settledNames(urn, inputs, ignoreChanges)) {
      wire[field] = inputs[field] = settled;
    }
    if (type === "pulumi:providers:aws") regions.set(urn, inputs.region ?? region);
    const where = inputs.region ?? regionOf(asked.provider);
    const { id = "", ...outputs } = custom ? outputsOf(type, name, inputs, where) : {};
    const options = {
      protect: asked.protect ?? false,
      retainOnDelete: asked.retainondelete ?? false,
      ignoreChanges,
      dependsOn: asked.dependenciesList,
      provider: asked.provider,
    };
    const { parent } = asked;
    const planned = {
      urn,
      type,
      name,
      parent,
      custom,
      id,
      region: where,
      inputs,
      secrets,
      options,
    };
    recorded.resources.push(planned as Planned);
    return message(resource.RegisterResourceResponse, {
      Urn: urn,
      Id: id,
      Object: struct({ ...wire, ...marked(type, outputs) }),
    });
  }

  function read(request: Message): Message {
    const asked = request.toObject();
    const { plain: inputs } = plainOf(structIn(request, "getProperties"));
    const where = regionOf(asked.provider);
    const known = { ...inputs, name: asked.id };
    const { id: _, ...outputs } = outputsOf(asked.type, asked.name, known, where);
    return message(resource.ReadResourceResponse, {
      Urn: urnOf(asked.parent, asked.type, asked.name),
      Properties: struct({ ...inputs, ...outputs }),
    });
  }

  function invoke(request: Message): Message {
    const asked = request.toObject();
    const { plain } = plainOf(structIn(request, "getArgs"));
    const answer = answerTo(asked.tok, plain, plain.region ?? regionOf(asked.provider));
    return message(provider.InvokeResponse, { Return: struct(answer) });
  }

  function outputs(request: Message): Message {
    const { urn } = request.toObject();
    const found = recorded.resources.find((known) => known.urn === urn);
    if (found) found.outputs = plainOf(structIn(request, "getOutputs")).plain;
    return empty();
  }

  function urnOf(parent: string, type: string, name: string): string {
    const [, , parentTypes = STACK] = parent.split("::");
    const under = parentTypes === STACK ? "" : `${parentTypes}$`;
    return `urn:pulumi:${stack}::${project}::${under}${type}::${name}`;
  }

  /** A resource names its provider as `urn::id`. */
  function regionOf(reference: string): string {
    return regions.get(reference.slice(0, reference.lastIndexOf("::"))) ?? region;
  }

  const note = (error: Error) => recorded.logs.push({ severity: "error", message: error.message });
  const features = ["secrets", "aliasSpecs", "deletedWith"];
  const monitorCalls = {
    supportsFeature: (request: Message) =>
      message(resource.SupportsFeatureResponse, {
        Hassupport: features.includes(request.toObject().id),
      }),
    registerResource: register,
    registerResourceOutputs: outputs,
    readResource: read,
    invoke,
    registerPackage: () => message(resource.RegisterPackageResponse, { Ref: "offline" }),
    registerStackTransform: empty,
    registerStackInvokeTransform: empty,
    registerResourceHook: empty,
    signalAndWaitForShutdown: empty,
  };
  const severities = [undefined, "info", "warning", "error"]; // 0 is debugging
  const engineCalls = {
    log: (request: Message) => {
      const { severity, message: text } = request.toObject();
      const told = severities[severity];
      if (told !== undefined) recorded.logs.push({ severity: told, message: text });
      return empty();
    },
    getRootResource: () => message(engine.GetRootResourceResponse, { Urn: root }),
    setRootResource: (request: Message) => {
      root = request.toObject().urn;
      return message(engine.SetRootResourceResponse, {});
    },
    startDebugging: empty,
  };
  return {
    recorded,
    monitorCalls: served(monitorCalls, note, rpc.unknown),
    engineCalls: served(engineCalls, note, rpc.unknown),
  };
}

/**
 * SST ends a name that it makes up in eight random letters, and ignores later changes to it. A plan
 * settles them by the URN, so that two plans of the same program are the same.
 */
function settledNames(urn: string, inputs: Inputs, fields: string[]): [string, string][] {
  const letters = "abcdefhkmnorstuvwxz";
  const bytes = [...createHash("sha256").update(urn).digest().subarray(0, 8)];
  const settled = bytes.map((byte) => letters[byte % letters.length]).join("");
  return fields
    .filter((field) => typeof inputs[field] === "string")
    .map((field) => [field, inputs[field].replace(/-[a-z]{8}(?=\.fifo$|$)/, `-${settled}`)]);
}

/** The bytes that SST makes its keys from are secret, as the provider marks them. */
function marked(type: string, outputs: Inputs): Inputs {
  if (type !== "random:index/randomBytes:RandomBytes") return outputs;
  return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, secret(value)]));
}
