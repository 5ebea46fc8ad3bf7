/** Dropout keeps no mask: the backward pass draws again what the forward pass drew, from the seed, the step and a stream. */
import { describe, expect, test } from "@jest/globals";
import type { GraphNode } from "../../compiler/ir/graph.ts";
import { dumpKernels } from "../../compiler/ir/kernel.ts";
import { compileText } from "../support/compileText.ts";
import { networkText } from "../support/randomSpec.ts";

const body = (layer: string): string => `conv(4, kernel: 3)\n${layer}\nflatten\nlinear(3)`;

describe.each(["dropout(0.3)", "spatial_dropout(0.3)", "drop_path(0.3)"])("%s", (layer) => {
  const { training, inference, plan } = compileText(networkText("2 x 6 x 6", body(layer)), { batch: 4 });
  const drops = training.graph.nodes.filter(({ op }) => op === "random_drop");

  test("is computed twice from the same numbers, and neither reads a mask", () => {
    const [forward, backward] = drops as [GraphNode, GraphNode];
    expect(drops).toHaveLength(2);
    expect(backward.attrs).toEqual(forward.attrs);
    expect(Object.keys(forward.inputs)).toEqual(["x"]);
    expect(Object.keys(backward.inputs)).toEqual(["x"]);
    // The gradient is given the upstream gradient and nothing of the forward pass.
    const order = training.graph.nodes.map(({ output }) => output);
    expect(order.indexOf(backward.inputs["x"] as GraphNode["output"])).toBeGreaterThan(order.indexOf(forward.output));
  });

  test("stores what is dropped from, and no mask", () => {
    const text = dumpKernels(training.kernels);
    const draws = [...text.matchAll(/random\((\d+), ([^)]*(?:\([^)]*\))*[^)]*)\)/g)].map((found) => found[1]);
    expect(draws.length).toBeGreaterThanOrEqual(2);
    expect(new Set(draws).size).toBe(1);
    // Each value that a kernel keeps is one of the graph's, and all of those are what layers and gradients give.
    const stored = training.kernels.kernels.flatMap(({ stages }) => stages.filter((stage) => stage.stored));
    const known = new Set(training.graph.nodes.map(({ output }) => output));
    expect(stored.filter(({ value }) => !known.has(value) && !training.kernels.scratch.has(value))).toEqual([]);
    expect(plan.buffers.filter(({ name }) => name.includes("mask"))).toEqual([]);
  });

  test("is gone in inference", () => {
    expect(inference.graph.nodes.map(({ op }) => op)).toEqual(["conv", "reshape", "linear"]);
    expect(dumpKernels(inference.kernels)).not.toContain("random");
  });
});

test("two layers have streams of their own", () => {
  const { training } = compileText(networkText("2 x 6 x 6", body("dropout(0.3)\ndropout(0.3)")), { batch: 4 });
  const streams = training.graph.nodes.filter(({ op }) => op === "random_drop").map(({ attrs }) => attrs["stream"]);
  expect(streams).toHaveLength(4);
  expect(new Set(streams).size).toBe(2);
});
