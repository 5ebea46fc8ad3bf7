/**
 * Values too large for a binding, in slabs: with limits so small that nearly everything is cut, the plan must give the numbers
 * of the whole one, keep every binding within the limit, and still give what the host reads in one piece.
 */
import { describe, expect, test } from "@jest/globals";
import { compile } from "../../../compiler/compile.ts";
import { compileText } from "../../support/compileText.ts";
import type { TrainableNetwork } from "../../support/compileText.ts";
import { elementCount } from "../../../compiler/ir/graph.ts";
import type { Graph } from "../../../compiler/ir/graph.ts";
import { verifyMemory } from "../../../compiler/ir/memory.ts";
import type { GraphFeeds } from "../../support/interpret.ts";
import { assertTiles, interpretKernels } from "../../support/interpretKernels.ts";
import { testNumbers, testWeights } from "../../support/layerGraph.ts";
import { networkText } from "../../support/randomSpec.ts";

const networks = [
  ["conv and pooling", "2 x 6 x 6", "conv(6, kernel: 3, padding: 1) -> relu -> max_pool(2)\nflatten -> linear(3)", 1024],
  ["batch norm, whose sums go over all slabs", "2 x 6 x 6", "conv(4, kernel: 3) -> batch_norm -> relu\nflatten -> linear(3)", 512],
  ["branches", "2 x 4 x 4", "inception(2, (1, 2), (2, 1), 3)\nglobal_avg_pool -> flatten -> linear(3)", 512],
  ["a dense block", "2 x 8 x 8", "conv(4, kernel: 1) -> dense_block(2, 2)\nglobal_avg_pool -> flatten -> linear(3)", 4096],
  ["a residual sum", "2 x 5 x 5", "conv(4, kernel: 1)\nresblock(4)\nglobal_avg_pool -> flatten -> linear(3)", 512],
  ["images whose gradient is a view", "4 x 8 x 6", "flatten -> linear(3)", 2048],
  ["wide linear layers", "40", "linear(30) -> relu -> linear(20) -> sigmoid -> linear(3)", 768],
  ["a strided conv", "4 x 7 x 7", "conv(6, kernel: 3, stride: 2) -> tanh\nflatten -> linear(3)", 1024],
  ["dropout, drawn by the sample's own number", "20", "linear(16) -> dropout(0.5) -> linear(3)", 256],
] as const; // prettier-ignore

/** The bytes of the largest binding of any kernel. */
function largestBinding({ plan }: TrainableNetwork): number {
  const dispatches = [plan.training, plan.inference].flatMap((program) => program?.dispatches ?? []);
  return Math.max(...dispatches.flatMap(({ bindings }) => bindings.map(({ size }) => size)));
}

function feedsFor(graph: Graph, batch: number): GraphFeeds {
  const inputs = graph.inputs.map(({ name, type }, index) => {
    const count = batch * elementCount(type);
    return [
      name,
      name === "labels" ? Uint32Array.from({ length: count }, (_, i) => i % 3) : testNumbers(count, 3 + index),
    ];
  });
  return { inputs: Object.fromEntries(inputs) as GraphFeeds["inputs"], ...testWeights(graph) };
}

describe("in slabs", () => {
  test.each(networks)("%s", (_, input, body, limit) => {
    const text = networkText(input, body);
    const options = { batch: 5, imageGradient: true, keepLogits: true } as const;
    const whole = compileText(text, options);
    const cut = compileText(text, { ...options, limits: { maxStorageBufferBindingSize: limit } });
    expect(cut.training.kernels.slabsOf.size + (cut.plan.batchSlabs?.count ?? 0)).toBeGreaterThan(0);
    for (const program of [cut.training, cut.inference]) {
      verifyMemory(program.memory);
      for (const kernel of program.kernels.kernels) assertTiles(kernel);
    }
    const metrics = cut.plan.buffers.filter(({ role }) => role === "metrics" || role === "constants");
    const others = cut.plan.buffers.filter((buffer) => !metrics.includes(buffer));
    expect(Math.max(...others.map(({ size }) => size))).toBeLessThanOrEqual(limit);
    expect(largestBinding(cut)).toBeLessThanOrEqual(Math.max(limit, ...metrics.map(({ size }) => size)));

    for (const count of [5, 3]) {
      const settings = { batch: 5, count, uniforms: { step: 5, seed: 7 } };
      const feeds = feedsFor(whole.training.graph, 5);
      const [expected, actual] = [whole, cut].map(({ training: { graph, kernels } }) =>
        interpretKernels(graph, kernels, feeds, settings),
      );
      const { gradientOf, updateOf, metrics: rows, heads } = whole.trainingGraph;
      const parameters = whole.trainingGraph.parameters.flatMap(({ value }) => gradientOf.get(value) ?? []);
      for (const value of [...parameters, ...updateOf.values(), rows, ...heads.map((head) => head.value)]) {
        const of = whole.training.kernels.aliasOf.get(value) ?? value;
        const samples = count / 5;
        const numbers = [expected, actual].map((all) => {
          const values = all?.get(of)?.values ?? [];
          const batched = whole.training.kernels.types.get(of)?.batched === true;
          return [...values].slice(0, batched ? Math.round(values.length * samples) : values.length);
        });
        expect(numbers[0]?.length).toBeGreaterThan(0);
        numbers[1]?.forEach((number, i) => expect(number).toBeCloseTo(numbers[0]?.[i] ?? NaN, 9));
      }
    }
  });
});

test("a batch of more slabs than a GPU has memory for is an error with the batch that fits", () => {
  const text = networkText("20", "linear(3)");
  const options = { limits: { maxStorageBufferBindingSize: 256 } };
  const { network, diagnostics } = compile({ path: "input.cnn", text }, { ...options, batch: 1_000_000 });
  expect(network).toBeUndefined();
  expect(diagnostics).toMatchObject([
    { code: "CNN4002", help: expect.stringContaining("batch 192 fits, in 64 slabs") },
  ]);
  expect(compile({ path: "input.cnn", text }, { ...options, batch: 193 }).diagnostics).toMatchObject([
    { code: "CNN4002" },
  ]);
  expect(compile({ path: "input.cnn", text }, { ...options, batch: 192 }).diagnostics).toEqual([]);
}, 60_000);
