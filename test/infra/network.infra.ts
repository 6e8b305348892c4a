import assert from "node:assert/strict";
import { test } from "node:test";
import { GROUPS, SUBNETS } from "./everything.ts";
import { all, functionOf } from "./find.ts";
import { plan } from "./plan.ts";

const callers = ["Probe", "Reconcile"];

test("as it is committed, functions call from Lambda's own network, and nothing is paid for by the hour", async () => {
  const production = await plan("production");
  for (const { name, inputs } of all(production, "function")) {
    assert.equal(inputs.vpcConfig, undefined, name);
  }
  const types = production.resources.filter(({ type }) => type.startsWith("aws:ec2/"));
  assert.deepEqual(types, []);
});

test("with fixed addresses, what calls clouds leaves through NAT gateways whose addresses stay", async () => {
  const fixed = await plan("fixedAddresses");
  const count = (type: string) => fixed.resources.filter((found) => found.type === type).length;
  assert.equal(count("aws:ec2/natGateway:NatGateway"), 2);
  assert.equal(count("aws:ec2/eip:Eip"), 2);
  const isPublic = ({ inputs }: { inputs: { mapPublicIpOnLaunch?: boolean } }) =>
    inputs.mapPublicIpOnLaunch === true;
  const subnets = fixed.resources.filter(({ type }) => type === "aws:ec2/subnet:Subnet");
  const closed = subnets.filter((subnet) => !isPublic(subnet)).map(({ id }) => id);
  for (const component of callers) {
    const { subnetIds, securityGroupIds } = functionOf(fixed, component).inputs.vpcConfig;
    assert.deepEqual(subnetIds.toSorted(), closed.toSorted());
    assert.equal(securityGroupIds.length, 1);
  }
});

test("with fixed addresses, nothing of the network answers to the internet", async () => {
  const fixed = await plan("fixedAddresses");
  const groups = fixed.resources.filter(({ type }) =>
    /securityGroup:(Default)?SecurityGroup$/i.test(type),
  );
  for (const { name, inputs } of groups) {
    const from = (inputs.ingress ?? []).flatMap(
      (rule: { cidrBlocks?: string[] }) => rule.cidrBlocks ?? [],
    );
    assert.ok(!from.includes("0.0.0.0/0"), name);
  }
});

test("within a network of the user's own, what calls clouds runs in the subnets named", async () => {
  const existing = await plan("existing");
  for (const component of callers) {
    const { inputs } = functionOf(existing, component);
    assert.deepEqual(inputs.vpcConfig.subnetIds, SUBNETS);
    assert.deepEqual(inputs.vpcConfig.securityGroupIds, GROUPS);
  }
  assert.equal(functionOf(existing, "Api").inputs.vpcConfig, undefined);
  const types = existing.resources.filter(({ type }) => type.startsWith("aws:ec2/"));
  assert.deepEqual(types, []);
});
