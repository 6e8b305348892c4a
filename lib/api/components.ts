import * as z from "zod";
import { Fault } from "../cloud/faults.ts";
import { Blocking, CloudName, Time } from "../cloud/schema.ts";
import { AllocationEvidence, Ballot, Event, VerdictEvidence } from "../event/schema.ts";
import { Condition, Held, Push, StackName } from "../stack/schema.ts";
import { Witness, WitnessInput } from "../stack/witness.ts";

/** Parts that many answers share, named so that each stands once in the OpenAPI document. */
const components = {
  CloudName,
  StackName,
  Time,
  Fault,
  Push,
  Blocking,
  Held,
  Condition,
  Witness,
  WitnessInput,
  Ballot,
  VerdictEvidence,
  AllocationEvidence,
  Event,
};

for (const [id, schema] of Object.entries<z.ZodType>(components)) {
  z.globalRegistry.add(schema, { id });
}
