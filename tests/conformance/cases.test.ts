/**
 * The recorded cases against their specs, on this machine's adapter: all but those of slow.json, which are left to
 * `npm run conformance`. A new case runs here until it is listed there.
 */
import { existsSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { caseGraph } from "../../compiler/verify/caseGraph.ts";
import type { ComputationCase, ConformanceCase } from "../../compiler/verify/caseFile.ts";
import {
  caseNamed, caseNames, missesOf, runCase, runCaseBySpec, sharedFolder, slowCases, specOf,
} from "../support/conformance.ts"; // prettier-ignore

const haveShared = existsSync(sharedFolder);
if (!haveShared) {
  console.warn("The large networks' cases are not here (../shared/conformance is missing): none of them runs.");
}

const all = caseNames();
const run = all.filter((name) => !(name in slowCases));
/** A software adapter shares its cores with whatever else the machine does. */
const patience = 600_000;

describe("cases", () => {
  test.each(run)(
    "%s",
    async (name) => {
      expect(missesOf(await runCase(name))).toEqual([]);
    },
    patience,
  );
});

test("every case runs here or is listed as left to `npm run conformance`, with a reason", () => {
  expect(run.length).toBeGreaterThan(60);
  expect([...run, ...all.filter((name) => name in slowCases)].sort()).toEqual(all);
  for (const [name, reason] of Object.entries(slowCases)) expect([name, reason.length > 10]).toEqual([name, true]);
  // A name that is no case's (of the project, where the others are not here) is a slip, or a case that went away.
  const known = haveShared ? all : [...all, ...largeCases];
  expect(Object.keys(slowCases).filter((name) => !known.includes(name))).toEqual([]);
});

/** Those of ../shared/conformance alone. */
const largeCases = [
  "alexnet", "alexnet_d2l", "densenet121", "googlenet", "googlenet_full", "nin", "resnet101", "resnet152", "resnet18",
  "resnet34", "resnet50", "vgg11", "vgg16", "vgg19", "zfnet",
]; // prettier-ignore

const computations = all.map(caseNamed).filter(isComputation);

function isComputation(each: ConformanceCase): each is ComputationCase {
  return each.kind === "op" || each.kind === "block" || each.kind === "network";
}

test("every case of a network has a spec, and of every op and block its own", () => {
  const kinds = new Set(computations.map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(["block", "network", "op"]);
  for (const { name, kind } of computations) {
    const { path, text } = specOf(name);
    expect([name, path.startsWith(kind === "network" ? "specs/" : `tests/conformance/specs/${name}.cnn`)]).toEqual([name, true]); // prettier-ignore
    expect(text).toContain("model ");
  }
});

describe("cases of several inputs", () => {
  const several = computations.filter(({ inputs }) => inputs.length > 1);

  test("are add and concat", () => {
    expect(several.map(({ name }) => name)).toEqual(["add", "concat"]);
  });

  test.each(several.map((each) => [each.name, each] as const))("%s is a graph of that op", (name, each) => {
    expect(caseGraph(each).nodes.map(({ op }) => op)).toEqual(["slice_channels", "slice_channels", name]);
  });

  test.each(several.map(({ name }) => name))(
    "%s holds written in the language too, with the inputs joined along their channels",
    async (name) => {
      expect(missesOf(await runCaseBySpec(name))).toEqual([]);
    },
    patience,
  );

  test("a case of one input does not do without a spec", () => {
    const conv = computations.find(({ name }) => name === "conv2d_3x3_p1") as ComputationCase;
    expect(() => caseGraph(conv)).toThrow("case conv2d_3x3_p1 needs a spec");
  });
});

test("nothing is asked of the adapter beyond what every adapter has", async () => {
  const { adapter } = await runCase("relu");
  expect(adapter).toContain("default limits: 128 MiB a binding, 256 MiB a buffer");
});
