/**
 * Fused plans against the graph that they come from, on the CPU in float64: fusion and scheduling rename and regroup, so
 * every value that is stored must be the same number.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { verifyGraph } from "../../compiler/ir/graph.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { ProgramPlan } from "../../compiler/ir/output.ts";
import { compileText } from "../support/compileText.ts";
import type { Tensor, Values } from "../support/interpret.ts";
import { interpretGraph } from "../support/interpret.ts";
import { assertTiles, interpretKernels } from "../support/interpretKernels.ts";
import { testNumbers, testWeights } from "../support/layerGraph.ts";
import { planProblems } from "../support/planProblems.ts";
import { networkText, randomSpec } from "../support/randomSpec.ts";

const settings = { batch: 3, count: 2, uniforms: { step: 5, seed: 7 } } as const;

/** Compares all that a program stores; `fused` says how many kernels it has. */
function compareProgram({ graph, kernels }: ProgramPlan): number {
  verifyGraph(graph);
  const feeds = { inputs: inputsOf(graph), ...testWeights(graph) };
  const expected = interpretGraph(graph, feeds, settings);
  const actual = interpretKernels(graph, kernels, feeds, settings);
  let compared = 0;
  for (const kernel of kernels.kernels) {
    assertTiles(kernel);
    for (const { value, stored, op } of kernel.stages) {
      // What a kernel keeps in parts for the next one, or copies to its place in another, is no value of the graph.
      if (!stored || !expected.has(value)) continue;
      const [ours, theirs] = [actual.get(value) as Tensor, expected.get(value) as Tensor];
      expect(`${op} differs by ${differenceOf(ours.values, theirs.values)}`).toBe(`${op} differs by 0`);
      compared++;
    }
  }
  return compared;
}

/** The greatest difference, relative to the greatest number; 0 below what float64 rounds. */
function differenceOf(actual: Values, expected: Values): number {
  if (actual.length !== expected.length) return Infinity;
  let [worst, scale] = [0, 1];
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i] as number));
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
  }
  return worst / scale < 1e-12 ? 0 : worst / scale;
}

function inputsOf(graph: Graph): Readonly<Record<string, Values>> {
  return Object.fromEntries(
    graph.inputs.map(({ name, type }) => {
      const count = settings.batch * type.shape.reduce((product, size) => product * size, 1);
      const values =
        name === "labels" ? Uint32Array.from({ length: count }, (_, i) => (i * 2 + 1) % 3) : testNumbers(count, 3);
      return [name, values];
    }),
  );
}

describe("fused kernels store what the graph computes", () => {
  test.each(["cpu", "gpu"] as const)("random networks (%s)", (adapterClass) => {
    let [kernels, nodes] = [0, 0];
    fc.assert(
      fc.property(randomSpec, (text) => {
        const network = compileText(text, { batch: 3, imageGradient: true, keepLogits: true, adapterClass });
        expect(planProblems(network.plan)).toEqual([]);
        expect(compareProgram(network.training)).toBeGreaterThan(network.graph.parameters.length);
        expect(compareProgram(network.inference)).toBeGreaterThan(0);
        kernels += network.training.kernels.kernels.length;
        nodes += network.trainingGraph.nodes.length;
      }),
      { numRuns: adapterClass === "cpu" ? 24 : 12, seed: 20 },
    );
    // Otherwise nothing was fused and nothing was shown.
    expect(kernels).toBeLessThan(0.7 * nodes);
  });

  test.each([
    ["conv, relu, max pooling with a remainder", "2 x 11 x 9", "conv(3, kernel: 3) -> relu -> max_pool(2)\nflatten -> linear(3)"],
    ["avg pooling before the activation", "1 x 8 x 8", "conv(4, kernel: 3) -> avg_pool(2) -> tanh\nflatten -> linear(3)"],
    ["strided conv", "3 x 9 x 7", "conv(4, kernel: 3, stride: 2, padding: 1) -> relu\nflatten -> linear(3)"],
    ["residual", "3 x 6 x 6", "conv(4, kernel: 1)\nresblock(4) -> resblock(6, stride: 2)\nglobal_avg_pool -> flatten -> linear(3)"],
    ["dense", "3 x 6 x 6", "dense_block(2, 3) -> transition(4)\nflatten -> linear(3)"],
    ["inception", "3 x 5 x 5", "inception(2, (1, 2), (2, 1), 3)\nglobal_avg_pool -> flatten -> linear(3)"],
    ["linear layers alone", "6", "linear(5) -> relu -> linear(4) -> sigmoid -> linear(3)"],
    ["heads", "2 x 6 x 6", "conv(3, kernel: 3) -> relu as stem\nhead aux from stem weight 0.3 { flatten -> linear(3) }\nmax_pool(2) -> flatten -> linear(3)"],
    ["a product with the channels' weights", "2 x 5 x 5", "conv(4, kernel: 3)\nmultiply { branch { } branch { global_avg_pool -> conv(4, kernel: 1) -> sigmoid } }\nflatten -> linear(3)"],
  ])("%s", (_, input, body) => {
    const text = networkText(input, body);
    const fused = compileText(text, { batch: 3, imageGradient: true, keepLogits: true });
    const unfused = compileText(text, { batch: 3, imageGradient: true, keepLogits: true, fuse: false });
    for (const network of [fused, unfused]) {
      expect(compareProgram(network.training)).toBeGreaterThan(0);
      expect(compareProgram(network.inference)).toBeGreaterThan(0);
    }
    expect(fused.training.kernels.kernels.length).toBeLessThan(unfused.training.kernels.kernels.length);
  }); // prettier-ignore
});
